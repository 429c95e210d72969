// SPDX-License-Identifier: Apache-2.0
// One visit in the steady state (protocol, section 10): asking for the next enrolment, keeping what
// a receipt announced, and an order whose first attempt is sealed at once because of it.
#include <algorithm>
#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/roles/service_provider/keys/channel_uses.h"
#include "kagibin/roles/service_provider/opened_answer.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/order_flow.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalAttempt;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;

namespace {

constexpr AttemptNumber kFirst = 1;
constexpr std::int64_t kSecondsPerMinute = 60;

// The whole key set that the last action puts; null when it puts none, or one that is in a token,
// which opens no channel of ours.
const envelope::PutKeyAction* last_key_set(const std::vector<envelope::Action>& actions) {
  const auto* put = std::get_if<envelope::PutKeyAction>(&actions.back());
  const bool is_set =
      put != nullptr && put->first_key_identifier == 0x01 && put->keys.size() == 3 &&
      std::ranges::none_of(put->keys, [](const auto& key) { return key.value.empty(); });
  return is_set ? put : nullptr;
}

// The journal or its disk failed: it says nothing about the enrolment, and the same again is tried
// later.
bool is_outage_of_journal(Errc code) {
  return code == Errc::kNoSpace || code == Errc::kIo || code == Errc::kStore ||
         code == Errc::kInterrupted;
}

// For what does not hold: the element is asked by E0 then.
Checked<std::optional<PreparedDelivery>> nothing_unless_outage(const Problem& why) {
  return is_outage_of_journal(why.code)
             ? Checked<std::optional<PreparedDelivery>>(std::unexpected(why))
             : std::optional<PreparedDelivery>();
}

}  // namespace

Checked<std::optional<JournalEntry>> OrderFlow::find_envelope(const OrderId& order,
                                                              AttemptNumber number) const {
  auto sealed = KB_TRY(in_.journal.find_entry(order, number, JournalStep::kDelivery));
  if (sealed || number != kFirst) {
    return sealed;
  }
  auto request = KB_TRY(in_.journal.find_entry(order, number, JournalStep::kRequest));
  return request && is_envelope(request->message) ? std::move(request) : std::nullopt;
}

// An SCP03 channel takes it only where no session ran under the keys of the next envelope: then it
// brings them itself, last, for the domain that opens the channel, and they are none that we know
// a session of: derived keys come back with their version (doc/decisions/0017).
Checked<bool> OrderFlow::asks_for_next(const JournalOrder& order,
                                       const OpenedAnswer& answer,
                                       const envelope::EnvelopeHeader& header,
                                       const envelope::Payload& payload) const {
  if (in_.policy.terms_for(order.target).keep_enrolment_minutes == 0 ||
      !answer.statement.announces_next || !std::holds_alternative<ByMaker>(answer.attestation)) {
    return false;
  }
  if (header.is_by_certificates()) {
    return true;
  }
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  const envelope::PutKeyAction* next = last_key_set(payload.actions);
  return notes.security_domain == order.target && next != nullptr &&
         !KB_TRY(ChannelUses(in_.journal).has(next->keys[0].value));
}

// The receipt's MAC, which covers 89, was found good. Of the last attempt alone: the slot that it
// announces inherits the attempt's PK.SP.KEM, by which a cancellation names what it cancels.
// Whoever cancelled has opened an attempt behind it, and that cancellation, held back, would end
// the slot of the next order; whoever asked again has given the slot away.
Checked<void> OrderFlow::keep_announced(const JournalOrder& order,
                                        const JournalAttempt& attempt,
                                        const envelope::EnvelopeHeader& sent,
                                        const envelope::Receipt& receipt) {
  const bool is_asked = in_.policy.terms_for(order.target).keep_enrolment_minutes != 0 &&
                        sent.next_nonce_a && receipt.next_enrolment &&
                        attempt.number == order.current_attempt;
  const auto answer = is_asked ? envelope::EnrolmentAnswer::decode(*receipt.next_enrolment)
                               : fail(Errc::kNotFound, "nothing was announced");
  if (!answer || answer->nonce_a != sent.next_nonce_a) {
    return {};
  }
  // The key, or its place in a token.
  const SecretBytes kem =
      KB_TRY(in_.keys.unseal(kem_label(attempt.order, attempt.number), attempt.sealed_kem_key));
  const OrderPayload payload = KB_TRY(payload_of(order));
  const envelope::PutKeyAction* next = last_key_set(payload.actions);
  const WaitingEnrolment waiting{
      // Not from when the receipt came, which is for others to choose.
      .since = from_protocol_minutes(sent.issued_at),
      .channel_version = next == nullptr ? std::uint8_t{0} : next->new_key_version,
      .nonce_a = *sent.next_nonce_a,
      .sealed_kem_key =
          KB_TRY(in_.keys.seal(waiting_label(order.seid, order.target), kem.expose())),
      .answer = *receipt.next_enrolment};
  KB_CRASH_POINT("provider.announced.before_record");
  KB_TRY(waiting_.keep(order.seid, order.target, order.seq, waiting));
  KB_CRASH_POINT("provider.announced.after_record");
  return {};
}

// Between its announcement and now a set may have opened a session: an order for an application
// comes by the same domain and is another's enrolment, and "agree-keys" or an export may have put
// another set under that version. A note of this very order is of an envelope that was lost with
// its process before anything was recorded of it.
Checked<bool> OrderFlow::is_next_channel(const JournalOrder& order,
                                         std::uint8_t waiting_version) const {
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  if (waiting_version == 0 || waiting_version != notes.key_version ||
      notes.security_domain != order.target) {
    return false;
  }
  const auto set =
      KB_TRY(in_.keys.channel_keys(order.seid, notes.security_domain, notes.key_version));
  return set && !KB_TRY(ChannelUses(in_.journal).has_another(set->enc, order.id));
}

// Empty where the enrolment is too old, not for this order, or not good any more: then the element
// is asked by E0, and what is wrong shows there.
Checked<std::optional<PreparedDelivery>> OrderFlow::seal_at_once(const JournalOrder& order) {
  const auto waiting = KB_TRY(waiting_.find(order.seid, order.target));
  const std::int64_t life =
      std::int64_t{in_.policy.terms_for(order.target).keep_enrolment_minutes} * kSecondsPerMinute;
  const std::int64_t now = in_.clock.now();
  if (!waiting || now < waiting->since || now - waiting->since >= life ||
      waiting->certificate != in_.certificate.fingerprint()) {  // the slot keeps CERT.SP of its E0
    return std::optional<PreparedDelivery>();
  }
  const auto scalar =
      in_.keys.unseal(waiting_label(order.seid, order.target), waiting->sealed_kem_key);
  if (!scalar) {
    return nothing_unless_outage({scalar.error().code, std::string(scalar.error().detail.text())});
  }
  const JournalAttempt attempt{
      .order = order.id,
      .number = kFirst,
      .nonce_a = waiting->nonce_a,
      .sealed_kem_key = KB_TRY(in_.keys.seal(kem_label(order.id, kFirst), scalar->expose()))};
  const auto answered = open_answer(attempt, waiting->answer);
  if (!answered) {
    return nothing_unless_outage(answered.error());
  }
  const auto relay = check_answer(order, attempt, **answered);
  if (!relay) {
    return nothing_unless_outage(relay.error());
  }
  if ((*answered)->statement.last_committed_seq >= order.seq) {
    return std::optional<PreparedDelivery>();
  }
  envelope::EnvelopeHeader channel;
  channel.level = relay->level;
  if (!channel.is_by_certificates() && !KB_TRY(is_next_channel(order, waiting->channel_version))) {
    return std::optional<PreparedDelivery>();
  }
  if (!KB_TRY(waiting_.take((*answered)->statement.handle, order.id))) {
    return std::optional<PreparedDelivery>();
  }
  auto made = make_envelope(order, attempt, **answered, relay->level);
  if (!made) {
    return nothing_unless_outage(made.error());
  }
  return PreparedDelivery{.nonce_a = attempt.nonce_a,
                          .sealed_kem_key = attempt.sealed_kem_key,
                          .sealed_receipt_key = std::move(made->sealed_receipt_key),
                          .answer = waiting->answer,
                          .envelope = std::move(made->envelope)};
}

Checked<std::optional<Outgoing>> OrderFlow::deliver_at_once(const JournalOrder& order) {
  auto prepared = KB_TRY(waiting_.prepared(order.id));
  if (!prepared) {
    if (in_.policy.terms_for(order.target).keep_enrolment_minutes == 0 ||
        order.current_attempt != 0) {
      return std::optional<Outgoing>();
    }
    prepared = KB_TRY(seal_at_once(order));
    if (!prepared) {
      return std::optional<Outgoing>();
    }
    KB_CRASH_POINT("provider.at_once.before_record");
    prepared = KB_TRY(waiting_.prepare(order.id, *prepared));
    KB_CRASH_POINT("provider.at_once.after_record");
  }
  const auto opened = KB_TRY(in_.journal.find_attempt(order.id, kFirst));
  if (opened && opened->nonce_a != prepared->nonce_a) {
    return std::optional<Outgoing>();  // another process asks the element, and was first
  }
  KB_TRY(in_.journal.open_attempt({.order = order.id,
                                   .number = kFirst,
                                   .nonce_a = prepared->nonce_a,
                                   .sealed_kem_key = prepared->sealed_kem_key,
                                   .sealed_receipt_key = {}}));
  KB_CRASH_POINT("provider.at_once.after_open");
  KB_TRY(in_.journal.set_receipt_key(order.id, kFirst, prepared->sealed_receipt_key));
  KB_TRY(in_.journal.record(order.id, kFirst, JournalStep::kAnswer, prepared->answer));
  KB_TRY(waiting_.use(order.seid, order.target, order.seq));
  // Before the request, for who looks for deliveries that nothing came back of looks among these.
  KB_TRY(in_.journal.set_state(order.id, delivery::State::kSealed));
  KB_CRASH_POINT("provider.at_once.before_request");
  KB_TRY(in_.journal.record(order.id, kFirst, JournalStep::kRequest, prepared->envelope));
  KB_CRASH_POINT("provider.at_once.after_request");
  KB_TRY(waiting_.forget_prepared(order.id));
  return std::optional(Outgoing{.attempt = kFirst, .message = std::move(prepared->envelope)});
}

Checked<bool> OrderFlow::is_at_once(const OrderId& order, AttemptNumber attempt) const {
  const auto request = KB_TRY(in_.journal.find_entry(order, attempt, JournalStep::kRequest));
  return request && is_envelope(request->message);
}

}  // namespace kagibin::roles::service_provider
