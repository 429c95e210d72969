// SPDX-License-Identifier: Apache-2.0
// The agent's pump: it carries APDUs between the KDA and the target of one delivery, by handle
// (protocol, section 9). A pure state machine: it says what to do, the agent does it.
//
// Every step is one of: transmit this C-APDU on the KDA's or the target's channel and hand back the
// R-APDU; reset the element, every card in use, and start again; stop. The pump selects the target,
// chains NEXT, and runs GET RESPONSE (61xx) and the repetition of 6Cxx on both channels; it looks
// at nothing else in what it carries. All C-APDUs are on channel 0: the agent sets the channel bits
// (apdu::on_channel). The KDA is selected by the agent before start().
//
// Limits: 960 octets of an answer of the target go to the KDA (longer: the answer is cut, which the
// KDA takes as no proof); at most kMaxExchanges steps, then kFailed. When an answer gets lost or
// the card was reset, call start() again: the KDA finds out what became of the last command.
// Thread-safety: value, one thread.
//
//   Pump pump(handle);
//   Pump::Step step = pump.start();
//   while (step.need == Pump::Need::kTransmit) { step = pump.answered(send(step)); }
#pragma once

#include <deque>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/kda/next.h"

namespace kagibin::kda {

class Pump {
 public:
  static constexpr std::size_t kMaxExchanges = 512;

  enum class Need : std::uint8_t {
    kTransmit,  // send `command` on `channel`, then answered()
    kReset,     // reset the element, select the KDA again, then start()
    kWait,      // stop for now: GET RECEIPT, report it, start() later
    kDone,      // stop: GET RECEIPT, report it
    kFailed,    // stop: `failure` says why, `sw` what the KDA answered to NEXT
  };
  enum class Channel : std::uint8_t { kKda, kTarget };
  struct Step {
    Need need = Need::kFailed;
    Channel channel = Channel::kKda;
    apdu::CommandApdu command{};
    StatusWord sw{};
    std::optional<Error> failure{};
  };

  explicit Pump(Handle handle) : handle_(handle) {}

  // NEXT without an R-APDU: at first, after a reset, after a lost answer, after kWait.
  Step start();
  // The R-APDU to the C-APDU of the last step. Precondition: that step was kTransmit (KB_CHECK).
  Step answered(const apdu::ResponseApdu& answer);

 private:
  enum class Stage : std::uint8_t { kIdle, kNext, kSelect, kTarget };

  Step ask(std::optional<apdu::ResponseApdu> last);
  Step transmit(Channel channel, apdu::CommandApdu command);
  Step failed(Detail why, StatusWord sw = {});
  Step kda_answered(const apdu::ResponseApdu& answer);
  Step follow(NextAnswer answer);

  Handle handle_;
  Stage stage_ = Stage::kIdle;
  std::size_t exchanges_ = 0;
  std::deque<apdu::CommandApdu> blocks_;  // of NEXT, still to send
  apdu::CommandApdu after_selection_;     // D0 that came with hint 02
  apdu::CommandApdu sent_;
  Channel sent_on_ = Channel::kKda;
  Bytes collected_;  // octets of an answer before its last 61xx
};

}  // namespace kagibin::kda
