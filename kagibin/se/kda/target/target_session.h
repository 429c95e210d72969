// SPDX-License-Identifier: Apache-2.0
// One run of the KDA with its target: the channel, the actions, the probes; one R-APDU in, one
// C-APDU out (protocol, section 9). Lives in RAM only, over several NEXT; whatever ends it, the
// journal in memory says enough to begin again.
//
// Nothing that the relay hands in is believed without a proof: an R-MAC over 9000, or a card
// cryptogram. (SEQ, i, SENT) is committed before the first C-APDU of action i leaves. Decisions:
// - The host challenge has 16 octets where the required i mask has b1 (S16), else 8, and 16 once
// more
//   when the target answers 6700. Bits b1, b5, b6, b7 of the mask must be set in i; b8 of the mask
//   forbids a pseudo-random card challenge (b5).
// - Every session in which an action leaves counts as key-bearing, DELETE KEY too, so that every
//   delivery ends: at most three. Results that were proved are committed with the next SENT.
// - What prevents the first key from leaving (no such application, wrong channel keys, i, R-MAC)
// ends
//   the run with hint wait and the receipt 05; K stays, NEXT tries again, only A cancels.
// - At RL4 the domain's own key list, under R-MAC, has to name the static Key-DEK before an action
//   leaves: without it the domain would open what comes with the session's.
// - At RL2 and RL4 the channel is SCP11a (certificate_channel.h), opened anew for every probe; a
//   card cryptogram under keys that the delivery put still proves them, where the domain speaks
//   SCP03.
// - A command of an action whose answer proved nothing may still be on its way, held back by the
//   device, in a session that stands on another logical channel. So behind it no absence counts and
//   no action leaves, of any delivery, before the element had a reset: NEXT gives hint reset. An
//   absence that is proved then is final. That something is there counts at once.
// - INSTALL [for personalization] is no journal entry of its own: nothing of K leaves in it.
// - While action i is open, a card cryptogram under the keys that i would have left proves it, too.
// Finding out and the channel stand in target_channel.cc, actions and outcomes in
// target_session.cc.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kagibin/kda/next.h"
#include "kagibin/kda/status.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/se/kda/opened_delivery.h"
#include "kagibin/se/kda/target/certificate_channel.h"
#include "kagibin/se/kda/target/probe.h"
#include "kagibin/se/kda/target/target_commands.h"

namespace kagibin::se {

class TargetSession {
 public:
  using Next = KdaResult<kagibin::kda::NextAnswer>;

  // Precondition: the slot is loaded or sent (KB_CHECK); `opened` is its envelope.
  TargetSession(const KdaEnvironment& kda, KdaStore::Slot slot, OpenedDelivery opened);

  // The first C-APDU. Hints reset, wait and done, and refusals, end the session.
  Next begin();
  // The R-APDU to the last C-APDU.
  Next answered(const apdu::ResponseApdu& answer);

  const Handle& handle() const { return slot_.record.handle; }
  // As STATUS shows it.
  kagibin::kda::State state() const;

 private:
  enum class Stage : std::uint8_t {
    kIdle,
    kProbeUpdate,      // INITIALIZE UPDATE with the new version
    kChannelUpdate,    // INITIALIZE UPDATE with the channel's keys
    kChannelAuth,      // EXTERNAL AUTHENTICATE
    kCardData,         // GET DATA 0066, before SCP11a
    kHostCertificate,  // PERFORM SECURITY OPERATION
    kAgreement,        // MUTUAL AUTHENTICATE
    kKeyList,          // GET DATA 00E0
    kDekList,          // the same, at RL4 before anything goes under the static Key-DEK
    kProbeCommand,     // the payload's probe
    kPersonalization,  // INSTALL [for personalization]
    kAction,           // a command of the action
  };

  const envelope::Action& action() const;
  bool is_sent() const { return slot_.journal.state == kagibin::kda::State::kSent; }

  Next start_probe();
  Next ask_cryptogram();
  Next cryptogram_answered(const apdu::ResponseApdu& answer);
  Next proceed_with(ProbeKind kind);

  std::optional<ChannelKeySet> channel_set() const;
  Next open_channel(ProbeKind purpose);
  Next update_answered(const apdu::ResponseApdu& answer);
  Next without_rmac(const apdu::ResponseApdu& answer);
  Next authenticate(const apdu::ResponseApdu& answer);
  Next open_by_certificates();
  Next card_data_answered(const apdu::ResponseApdu& answer);
  Next certificate_answered(const apdu::ResponseApdu& answer);
  Next send_certificate();
  Next channel_open();
  bool is_parameter_accepted(scp::Scp03Parameter parameter) const;

  Next key_list_answered(const apdu::ResponseApdu& answer);
  Next dek_list_answered(const apdu::ResponseApdu& answer);
  Next probe_answered(const apdu::ResponseApdu& answer);

  Next send_action();
  Next send_command();
  Next action_answered(const apdu::ResponseApdu& answer);
  // 9000 under R-MAC.
  bool is_done(const apdu::ResponseApdu& answer);

  Next proved(envelope::ActionResult result);
  Next proved_absent();
  Next blocked();      // nothing of the current action has left in this session
  Next unresolved();   // no proof to be had now
  Next reset_first();  // of the element: a command may still be on its way
  Next finish(kagibin::kda::State state, envelope::ActionResult rest);

  Next transmit(Stage stage, const TargetCommand& command);
  Next select_and_send(Stage stage, apdu::CommandApdu command);
  // The answer if an R-MAC covers it; the channel is closed when its R-MAC is wrong.
  std::optional<apdu::ResponseApdu> authenticated(const apdu::ResponseApdu& answer);
  KdaResult<void> commit_journal();
  // Of whichever protocol; null before the channel is being opened.
  scp::HostSession* session() const;
  bool is_channel_open() const;
  std::size_t mac_size() const;  // precondition: the channel is open
  void close_channel();

  KdaEnvironment kda_;
  KdaStore::Slot slot_;
  OpenedDelivery delivery_;
  Stage stage_ = Stage::kIdle;
  ProbeKind purpose_ = ProbeKind::kSendAgain;  // of the channel: kSendAgain delivers
  bool is_absence_proved_ = false;             // of the current action, in this run
  bool is_s16_ = false;
  bool is_counted_ = false;          // this channel is in journal.sessions
  bool is_dek_listed_ = false;       // RL4: the domain has said in this channel that it has Key-DEK
  bool is_journal_changed_ = false;  // proved results that are not committed yet
  Bytes host_challenge_;
  std::unique_ptr<scp::Scp03Host> channel_;              // RL1, RL3
  std::unique_ptr<CertificateChannel> by_certificates_;  // RL2, RL4
  std::vector<TargetCommand> commands_;
  std::size_t first_ = 0;  // of commands_ that carries something of the action
  std::size_t at_ = 0;
};

}  // namespace kagibin::se
