// SPDX-License-Identifier: Apache-2.0
// An order of the service provider from its payload to its verdict, without the network: bytes in,
// bytes out, every step in the journal before it is handed on (protocol, sections 4, 5, 6 and 10).
//
//   open()          the order: SEQ, the element's own actions, sealed; nothing was sent
//   next_attempt()  E0 with a fresh nA and a fresh KEM key
//   seal()          E4 checked, the policy asked, E2 made; or what E4 alone tells about the order
//   judge()         E3 checked, the verdict and its reason; effects on our own key store
//
// Where a receipt announced the next enrolment (E3/89, Policy::keep_enrolment_minutes), the first
// attempt of the next order for the element and target is E2 at once: { deliver E2 }, one visit.
//
// Each call may be repeated: what the journal holds is returned, nothing is made twice. A re-seal
// keeps the order's SEQ and happens only if the element's statement shows a lower one committed.
// Ownership: refers to everything it is given. Thread-safety: one thread.
//
//   OrderFlow flow({.policy = policy, .trust = trust, ...});
//   const JournalOrder order = KB_TRY(flow.open(request));
//   const Outgoing e0 = KB_TRY(flow.next_attempt(order.id));
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kagibin/base/clock.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/roles/service_provider/attestation/element_attestation.h"
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"
#include "kagibin/roles/service_provider/keys/key_store.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/payload/payload_builder.h"
#include "kagibin/roles/service_provider/policy.h"
#include "kagibin/roles/service_provider/recent.h"
#include "kagibin/roles/service_provider/relay_choice.h"
#include "kagibin/roles/service_provider/shipment_book.h"

namespace kagibin::roles::service_provider {

// What the flow works with; all of it outlives the flow.
struct ProviderContext {
  const Policy& policy;
  const Trust& trust;
  const pki::Certificate& certificate;  // CERT.SP
  KeyStore& keys;
  ShipmentBook& shipments;
  delivery::JournalStore& journal;
  const Clock& clock;
  crypto::Rng& rng;
};

struct OrderWish {
  delivery::OrderId id;
  delivery::DeviceId device;
  const PayloadFile& payload;
  const CsvFiles& csv;
  std::uint32_t validity_minutes = 0;
  std::optional<std::uint8_t> suite{};  // the policy's first where none is named
  std::optional<delivery::CampaignId> campaign{};
  delivery::Attributes attributes{};  // for the campaign's groups
};

// What opens an attempt: E0, or E2 of one that is sealed at once. It is in the journal and may be
// sent, now or again.
struct Outgoing {
  delivery::AttemptNumber attempt = 0;
  Bytes message;
};

// What E4 leads to.
struct Sealing {
  enum class Outcome : std::uint8_t {
    kSealed,    // `envelope` is E2
    kReadBack,  // the element shows this SEQ committed: an earlier attempt was installed
    kForegone,  // the element shows a higher SEQ committed: this order cannot be installed any more
  };
  Outcome outcome = Outcome::kSealed;
  Bytes envelope;
  std::string why;
};

// What E3 leads to. The verdict is in the journal and may be sent.
struct Judgement {
  delivery::AttemptNumber attempt = 0;
  delivery::VerdictMessage verdict;
  bool ask_again = false;  // a further attempt may do better
};

class OrderFlow {
 public:
  explicit OrderFlow(const ProviderContext& context) : in_(context), waiting_(context.journal) {}

  // Would this payload be ordered for these devices? Sends nothing, binds nothing, draws nothing.
  Checked<void> check(const PayloadFile& payload,
                      const CsvFiles& csv,
                      std::span<const delivery::DeviceId> devices,
                      std::uint32_t validity_minutes,
                      std::optional<std::uint8_t> suite = std::nullopt) const;

  // The level that sealing can reach for all of these devices, where their elements offer it;
  // kPolicy below the policy's minimum.
  Checked<std::uint8_t> highest_level(const PayloadFile& payload,
                                      std::span<const delivery::DeviceId> devices,
                                      std::optional<std::uint8_t> suite = std::nullopt) const;

  // kConflict when the id stands for another device or payload.
  Checked<delivery::JournalOrder> open(const OrderWish& wish);
  // The same where it stands already; empty where it does not. Opens nothing.
  Checked<std::optional<delivery::JournalOrder>> known(const OrderWish& wish) const;

  // What opens the attempt behind this one (0: the first). Makes it when there is none yet. kState
  // when the order has ended, kExpired after notAfter.
  Checked<Outgoing> attempt_after(const delivery::OrderId& order, delivery::AttemptNumber previous);
  // The same with the flag cancel: the element is told to forget the order's last sealed attempt,
  // which the request names by its KEM key. kState when none was sealed: abandon() the order.
  Checked<Outgoing> cancel_after(const delivery::OrderId& order, delivery::AttemptNumber previous);

  // kAuthentication, kUntrusted, kPolicy and so on: nothing was sealed, and the text says why;
  // kState for an order that has ended.
  Checked<Sealing> seal(const delivery::OrderId& order,
                        delivery::AttemptNumber attempt,
                        ByteView answer);

  // Never fails for what a receipt says: what cannot be believed is the verdict "unknown".
  // `revision` is the operator's count of this attempt's receipts, which the verdict names.
  Checked<Judgement> judge(const delivery::OrderId& order,
                           delivery::AttemptNumber attempt,
                           ByteView receipt,
                           std::optional<std::uint32_t> revision = std::nullopt);
  // The verdict that follows from a statement (Sealing::kReadBack, kForegone), for the last attempt
  // whose envelope went out.
  Checked<Judgement> judge_statement(const delivery::OrderId& order, const Sealing& sealing);
  // The verdict on an answer that seal() refused; tells the operator no more than the kind.
  Checked<Judgement> decline(const delivery::OrderId& order,
                             delivery::AttemptNumber attempt,
                             Errc why);
  // What time running out means: "unknown" when an envelope went out; empty when none did, and the
  // order is expired; empty too when it had ended before. kState while our own clock says that
  // there is time left, whoever says otherwise.
  Checked<std::optional<Judgement>> expire(const delivery::OrderId& order);
  // Some of the orders that wait although their time has run out by our own clock.
  Checked<std::vector<delivery::OrderId>> overdue() const;
  // The order ends without the element's word, because nothing was ever sealed for it. kState
  // otherwise.
  Checked<void> abandon(const delivery::OrderId& order);

  // Brings the order's state in line with a verdict that is in the journal.
  Checked<void> note_state(const delivery::OrderId& order,
                           delivery::AttemptNumber attempt,
                           delivery::Verdict verdict);

  Checked<delivery::JournalOrder> find(const delivery::OrderId& order) const;
  // By our own clock.
  std::int64_t now() const { return in_.clock.now(); }
  // Whether a token makes a key at every further attempt: one that has to be noted before.
  bool makes_keys_in_token() const { return in_.keys.makes_kem_keys_in_token(); }
  // Whether this attempt began with E2.
  Checked<bool> is_at_once(const delivery::OrderId& order, delivery::AttemptNumber attempt) const;

  // Policy, trust or certificate of the context changed: what was verified under them counts no
  // more.
  void context_changed() { verified_chains_.clear(); }

 private:
  struct OpenedAnswer;
  using Results = std::vector<envelope::ActionResult>;

  Checked<void> check_ourselves(const Aid& target) const;
  Checked<void> expose_block_keys(const PayloadFile& payload);
  Checked<Outgoing> request_after(const delivery::OrderId& id,
                                  delivery::AttemptNumber previous,
                                  bool cancel);
  // `cancelled`: the attempt that the request takes back, or 0.
  Checked<Bytes> make_request(const delivery::JournalOrder& order,
                              const delivery::JournalAttempt& attempt,
                              delivery::AttemptNumber cancelled);
  Checked<delivery::JournalAttempt> new_attempt(const delivery::JournalOrder& order);

  Checked<delivery::JournalAttempt> find_attempt(const delivery::JournalOrder& order,
                                                 delivery::AttemptNumber number) const;
  Checked<crypto::AgreementKey> kem_key(const delivery::JournalAttempt& attempt);
  // The answer as it opens under the attempt's KEM key; remembered, for its receipt comes later.
  Checked<std::shared_ptr<const OpenedAnswer>> open_answer(const delivery::JournalAttempt& attempt,
                                                           ByteView answer);
  // How it will be sealed: the level is chosen once, and the policy asked of that.
  Checked<RelayChoice> check_answer(const delivery::JournalOrder& order,
                                    const delivery::JournalAttempt& attempt,
                                    const OpenedAnswer& answer);
  Checked<void> check_attestation(const OpenedAnswer& answer);
  Checked<void> check_maker(const OpenedAnswer& answer, const ByMaker& by);
  Checked<void> check_casd(const OpenedAnswer& answer, const ByCasd& by);
  // A KDA that was installed anew has forgotten what it did.
  Checked<void> check_same_kda(const delivery::JournalOrder& order,
                               delivery::AttemptNumber earlier,
                               const OpenedAnswer& answer);
  Checked<void> check_domain(const delivery::JournalOrder& order, const OpenedAnswer& answer) const;
  // All but what the element offers and the policy asks for.
  Checked<RelayFacts> relay_facts(const Seid& seid, const OrderAnnotation& notes) const;
  // At which level this order is sealed for this answer.
  Checked<RelayChoice> relay_of(const delivery::JournalOrder& order, const OpenedAnswer& answer);
  // C1 and what A0/85 says of the channel.
  Checked<void> add_channel(const delivery::JournalOrder& order,
                            std::uint8_t level,
                            envelope::EnvelopeHeader& header,
                            envelope::Payload& payload) const;
  // C1 of RL4.
  Checked<void> add_static_dek(const delivery::JournalOrder& order,
                               const envelope::EnvelopeHeader& header,
                               envelope::Payload& payload) const;
  struct SealedEnvelope {
    Bytes envelope;  // E2
    Bytes sealed_receipt_key;
  };
  Checked<SealedEnvelope> make_envelope(const delivery::JournalOrder& order,
                                        const delivery::JournalAttempt& attempt,
                                        const OpenedAnswer& answer,
                                        std::uint8_t level);
  Checked<OrderPayload> payload_of(const delivery::JournalOrder& order) const;

  // The revision of the last receipt that a verdict on this attempt was about; empty for none.
  Checked<std::optional<std::uint32_t>> judged_revision(const delivery::OrderId& order,
                                                        delivery::AttemptNumber attempt) const;
  // One visit in the steady state (enrolment/order_at_once.cc). Empty where nothing is of use.
  Checked<std::optional<Outgoing>> deliver_at_once(const delivery::JournalOrder& order);
  Checked<std::optional<PreparedDelivery>> seal_at_once(const delivery::JournalOrder& order);
  // Whether the order opens its channel under the set that was put for it, which no session has
  // run under.
  Checked<bool> is_next_channel(const delivery::JournalOrder& order,
                                std::uint8_t waiting_version) const;
  Checked<bool> asks_for_next(const delivery::JournalOrder& order,
                              const OpenedAnswer& answer,
                              const envelope::EnvelopeHeader& header,
                              const envelope::Payload& payload) const;
  Checked<void> keep_announced(const delivery::JournalOrder& order,
                               const delivery::JournalAttempt& attempt,
                               const envelope::EnvelopeHeader& sent,
                               const envelope::Receipt& receipt);

  // E2 of an attempt, as it was or is to be sent.
  Checked<std::optional<delivery::JournalEntry>> find_envelope(
      const delivery::OrderId& order, delivery::AttemptNumber attempt) const;
  // 0 when there is none.
  Checked<delivery::AttemptNumber> last_sealed_attempt(const delivery::JournalOrder& order) const;
  // True when no envelope of this order went out at RL1.
  Checked<bool> was_sealed_above_rl1(const delivery::JournalOrder& order) const;
  Checked<delivery::AttemptNumber> attempt_with_handle(const delivery::JournalOrder& order,
                                                       const Handle& handle) const;
  Checked<Judgement> read_receipt(const delivery::JournalOrder& order,
                                  const delivery::JournalAttempt& attempt,
                                  const envelope::Receipt& receipt);
  Checked<void> settle(const delivery::JournalOrder& order,
                       delivery::AttemptNumber attempt,
                       const delivery::VerdictMessage& verdict);
  Checked<delivery::State> state_after(const delivery::JournalOrder& order,
                                       delivery::AttemptNumber attempt,
                                       delivery::Verdict verdict) const;
  // `is_receipt`: a receipt says so, and its MAC is good; otherwise a statement.
  Result<void> learn_static_dek(const DomainKeyName& name,
                                const envelope::PutKeyAction& put,
                                bool is_exclusive,
                                const std::optional<KeyOrigin>& origin) const;
  Checked<void> learn_keys(const delivery::JournalOrder& order,
                           const Results& results,
                           bool is_receipt);
  // False when a later order for the same target has spoken already.
  Checked<bool> is_latest(const delivery::JournalOrder& order) const;
  Checked<bool> asked_to_cancel(const delivery::JournalOrder& order) const;

  ProviderContext in_;
  WaitingEnrolments waiting_;
  std::map<crypto::Digest256, pki::CertificateDate> verified_chains_;
  Recent<crypto::EcPublicKey> kem_points_;                      // by the sealed KEM key
  Recent<std::shared_ptr<const OpenedAnswer>> opened_answers_;  // by the sealed KEM key and E4
};

}  // namespace kagibin::roles::service_provider
