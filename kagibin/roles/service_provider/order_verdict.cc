// SPDX-License-Identifier: Apache-2.0
// From the receipt E3 to the verdict: protocol, section 10 (what A believes).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/base/crash_point.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"
#include "kagibin/roles/service_provider/opened_answer.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/order_flow.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalAttempt;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;
using delivery::Verdict;
using delivery::VerdictMessage;
using envelope::ActionResult;

namespace {

// The reasons below go to the operator: they name no element, no code and no key version.
constexpr std::string_view kNobodyCancelled =
    "the receipt says cancelled, and nobody asked for that";

Judgement of(Verdict verdict, std::string reason, bool ask_again) {
  return {.verdict = {.verdict = verdict, .reason = std::move(reason)}, .ask_again = ask_again};
}

Judgement unknown(std::string reason) { return of(Verdict::kUnknown, std::move(reason), true); }

bool is_installed(ActionResult result) {
  return result == ActionResult::kInstalled || result == ActionResult::kInstalledByProbe;
}

bool is_cancelled(const std::vector<ActionResult>& results) {
  return std::ranges::count(results, ActionResult::kCancelled) != 0;
}

std::string list_of(const std::vector<ActionResult>& results) {
  std::string out;
  for (const ActionResult result : results) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", envelope::name(result));
  }
  return out;
}

delivery::State state_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kConfirmed:
      return delivery::State::kConfirmed;
    case Verdict::kRefused:
      return delivery::State::kRefused;
    case Verdict::kCancelled:
      return delivery::State::kCancelled;
    case Verdict::kUnknown:
      break;
  }
  return delivery::State::kUnknown;
}

// What a receipt with a valid MAC says.
Judgement judgement_of_results(const std::vector<ActionResult>& results) {
  const auto any = [&](ActionResult what) { return std::ranges::count(results, what) != 0; };
  if (std::ranges::all_of(results, is_installed)) {
    return of(Verdict::kConfirmed, list_of(results), false);
  }
  if (any(ActionResult::kUnknown)) {
    return unknown(fmt::format("the element cannot tell yet: {}; it probes at its next visit",
                               list_of(results)));
  }
  if (is_cancelled(results)) {
    return of(Verdict::kCancelled, list_of(results), false);
  }
  if (any(ActionResult::kChannelKeysRefused)) {
    return of(
        Verdict::kRefused,
        "the target opened no channel; nothing was installed and no try on the card was "
        "used. At RL1 it does not hold these channel keys: import the right key export, then "
        "try again. At RL2 and RL4 its key, certificates or Key-DEK changed: have it enrolled "
        "anew. At RL3 it lost the set that we alone know: agree on another",
        false);
  }
  return of(Verdict::kRefused, fmt::format("proved by the element: {}", list_of(results)), true);
}

}  // namespace

Checked<AttemptNumber> OrderFlow::last_sealed_attempt(const JournalOrder& order) const {
  for (AttemptNumber number = order.current_attempt; number > 0; --number) {
    if (KB_TRY(find_envelope(order.id, number))) {
      return number;
    }
  }
  return AttemptNumber{0};
}

// Keys that are in an envelope of RL1 may be known to manager and device, whichever envelope it was
// that the element took.
Checked<bool> OrderFlow::was_sealed_above_rl1(const JournalOrder& order) const {
  for (AttemptNumber number = order.current_attempt; number > 0; --number) {
    const auto entry = KB_TRY(find_envelope(order.id, number));
    if (!entry) {
      continue;
    }
    const auto sealed = KB_TRY(envelope::Envelope::decode(entry->message));
    const auto header = KB_TRY(envelope::EnvelopeHeader::decode(sealed.header));
    if (header.level <= std::to_underlying(envelope::RelayLevel::kRl1)) {
      return false;
    }
  }
  return true;
}

Checked<std::optional<std::uint32_t>> OrderFlow::judged_revision(const OrderId& order,
                                                                 AttemptNumber attempt) const {
  const auto entry = KB_TRY(in_.journal.find_entry(order, attempt, JournalStep::kVerdict));
  if (!entry) {
    return std::optional<std::uint32_t>();
  }
  const std::string text(entry->message.begin(), entry->message.end());
  return KB_TRY(delivery::verdict_message_from_json(text)).revision;
}

// Attempts that we sealed come first: an answer that we refused may name any handle.
Checked<AttemptNumber> OrderFlow::attempt_with_handle(const JournalOrder& order,
                                                      const Handle& handle) const {
  AttemptNumber unsealed = 0;
  for (AttemptNumber number = order.current_attempt; number > 0; --number) {
    const auto entry = KB_TRY(in_.journal.find_entry(order.id, number, JournalStep::kAnswer));
    const auto answer = entry ? envelope::EnrolmentAnswer::decode(entry->message)
                              : fail(Errc::kNotFound, "no answer");
    if (!answer || answer->handle != handle) {
      continue;
    }
    if (KB_TRY(find_envelope(order.id, number))) {
      return number;
    }
    unsealed = unsealed == 0 ? number : unsealed;
  }
  return unsealed;
}

Checked<bool> OrderFlow::asked_to_cancel(const JournalOrder& order) const {
  for (AttemptNumber number = order.current_attempt; number > 0; --number) {
    const auto entry = KB_TRY(in_.journal.find_entry(order.id, number, JournalStep::kRequest));
    const auto request = entry ? envelope::EnrolmentRequest::decode(entry->message)
                               : fail(Errc::kNotFound, "no request");
    if (request && request->cancel) {
      return true;
    }
  }
  return false;
}

Checked<bool> OrderFlow::is_latest(const JournalOrder& order) const {
  const auto last =
      KB_TRY(in_.journal.find_record(kLearnedSeqKind, receipt_key(order.seid, order.target)));
  if (!last) {
    return true;
  }
  ByteReader in(*last);
  return KB_TRY(in.u32()) <= order.seq;
}

Checked<Judgement> OrderFlow::judge(const OrderId& id,
                                    AttemptNumber number,
                                    ByteView receipt,
                                    std::optional<std::uint32_t> revision) {
  const JournalOrder order = KB_TRY(find(id));
  KB_TRY(find_attempt(order, number));
  KB_CRASH_POINT("provider.receipt.before_record");
  KB_TRY(in_.journal.record(id, number, JournalStep::kReceipt, receipt));
  KB_CRASH_POINT("provider.receipt.after_record");
  const auto decoded = envelope::Receipt::decode(receipt);
  const auto read = [&]() -> Checked<Judgement> {
    if (!decoded) {
      return unknown(fmt::format("the receipt is damaged ({}); the element keeps the true one",
                                 decoded.error().detail.text()));
    }
    if (in_.clock.now() > order.not_after) {
      return unknown(
          "the receipt came after the order's validity, and is not believed until the "
          "element is read back");
    }
    const AttemptNumber meant = KB_TRY(attempt_with_handle(order, decoded->handle));
    if (meant == 0) {
      return unknown("the receipt belongs to no attempt of this order");
    }
    const JournalAttempt attempt = KB_TRY(find_attempt(order, meant));
    return read_receipt(order, attempt, *decoded);
  };
  Judgement judgement = KB_TRY(read());
  if (judgement.verdict.verdict != Verdict::kUnknown && KB_TRY(is_latest(order))) {
    KB_TRY(in_.journal.put_record(kReceiptKind, receipt_key(order.seid, order.target),
                                  crypto::sha256(receipt)));
  }
  // What was proved stays proved, whatever a device brings afterwards.
  if (order.state == delivery::State::kConfirmed &&
      judgement.verdict.verdict != Verdict::kConfirmed) {
    judgement = of(Verdict::kConfirmed, "an earlier receipt proved it", false);
  }
  judgement.attempt = number;
  judgement.verdict.revision = revision;
  judgement.ask_again = judgement.ask_again && !delivery::is_final(order.state);
  KB_TRY(settle(order, number, judgement.verdict));
  return judgement;
}

Checked<Judgement> OrderFlow::read_receipt(const JournalOrder& order,
                                           const JournalAttempt& attempt,
                                           const envelope::Receipt& receipt) {
  const auto answer =
      KB_TRY(in_.journal.find_entry(order.id, attempt.number, JournalStep::kAnswer));
  if (!answer) {
    return problem(Errc::kStore, "The journal has no answer for this attempt; it is damaged.");
  }
  const auto answered = KB_TRY(open_answer(attempt, answer->message));
  const OpenedAnswer& opened = *answered;
  const auto delivered = KB_TRY(find_envelope(order.id, attempt.number));
  // What was sealed was checked then; an answer that we refused proves nothing about the element.
  if (!delivered && !check_answer(order, attempt, opened)) {
    return unknown("the receipt belongs to an answer that we refused");
  }
  const bool saw_envelope =
      !std::ranges::all_of(receipt.header_hash, [](std::uint8_t octet) { return octet == 0; });
  SecretArray<16> receipt_key;
  std::optional<envelope::EnvelopeHeader> header;
  if (saw_envelope) {
    const auto sent = delivered ? envelope::Envelope::decode(delivered->message)
                                : fail(Errc::kNotFound, "no envelope");
    if (!sent || receipt.header_hash != crypto::sha256(sent->header) || receipt.seq != order.seq) {
      return unknown("the receipt is about another envelope than the one we sealed");
    }
    header = KB_TRY(envelope::EnvelopeHeader::decode(sent->header));
    const SecretBytes kr = KB_TRY(
        in_.keys.unseal(receipt_key_label(order.id, attempt.number), attempt.sealed_receipt_key));
    auto copied = SecretArray<16>::copy_of(kr.expose());
    if (!copied) {
      return problem(Errc::kStore, "The journal's receipt key has a wrong length; it is damaged.");
    }
    receipt_key = std::move(*copied);
  }
  const crypto::AgreementKey kem = KB_TRY(kem_key(attempt));
  const auto checked = envelope::open_receipt(receipt, opened.statement_hash(), receipt_key,
                                              kda_key(opened.attestation), kem);
  if (!checked && checked.error().code == Errc::kIo) {
    return problem(Errc::kIo,
                   std::string(checked.error().detail.text()));  // a token, not the receipt
  }
  if (!checked) {
    return unknown("the receipt does not open or is not from this element");
  }
  if (saw_envelope && checked->mac_valid) {
    KB_TRY(learn_keys(order, receipt.results, true));
    KB_TRY(keep_announced(order, attempt, *header, receipt));
    if (is_cancelled(receipt.results) && !KB_TRY(asked_to_cancel(order))) {
      return unknown(std::string(kNobodyCancelled));
    }
    return judgement_of_results(receipt.results);
  }
  // Without 8E only the signature speaks, and only for what it can say: nothing was installed.
  if (!receipt.mac && checked->signature_valid) {
    if (receipt.results.front() == ActionResult::kCancelled) {
      if (!KB_TRY(asked_to_cancel(order))) {
        return unknown(std::string(kNobodyCancelled));
      }
      return of(Verdict::kCancelled, "cancelled before an envelope opened", false);
    }
    return of(Verdict::kRefused,
              "the element refused the envelope before opening it; nothing was installed", true);
  }
  return unknown("the receipt's MAC is not by the receipt key that we sealed");
}

Checked<Judgement> OrderFlow::judge_statement(const OrderId& id, const Sealing& sealing) {
  const JournalOrder order = KB_TRY(find(id));
  const bool read_back = sealing.outcome == Sealing::Outcome::kReadBack;
  Judgement out = of(read_back ? Verdict::kConfirmed : Verdict::kUnknown, sealing.why, false);
  out.attempt = KB_TRY(last_sealed_attempt(order));
  out.verdict.revision = KB_TRY(judged_revision(id, out.attempt));
  if (read_back) {
    const OrderPayload payload = KB_TRY(payload_of(order));
    const Results results(payload.actions.size(), ActionResult::kInstalledByProbe);
    KB_TRY(learn_keys(order, results, false));
  }
  KB_TRY(settle(order, out.attempt, out.verdict));
  return out;
}

Checked<Judgement> OrderFlow::decline(const OrderId& id, AttemptNumber number, Errc why) {
  const JournalOrder order = KB_TRY(find(id));
  Judgement out = of(
      Verdict::kRefused,
      fmt::format("the element's answer was refused ({}); nothing was sealed", kagibin::name(why)),
      false);
  out.attempt = number;
  KB_TRY(settle(order, number, out.verdict));
  return out;
}

Checked<std::optional<Judgement>> OrderFlow::expire(const OrderId& id) {
  const JournalOrder order = KB_TRY(find(id));
  if (delivery::is_final(order.state)) {
    return std::optional<Judgement>();
  }
  const std::int64_t now = in_.clock.now();
  if (now <= order.not_after) {
    return problem(Errc::kState,
                   fmt::format("The operator says that order {} has expired; by our own clock it "
                               "has {} seconds left, and stays open until then. Compare the two "
                               "clocks.",
                               id.text(), order.not_after - now));
  }
  const AttemptNumber sealed = KB_TRY(last_sealed_attempt(order));
  if (sealed == 0) {
    KB_TRY(in_.journal.set_state(id, delivery::State::kExpired));
    return std::optional<Judgement>();
  }
  Judgement out = of(Verdict::kUnknown,
                     "time ran out after the envelope went out; unknown until read back", false);
  out.attempt = sealed;
  out.verdict.revision = KB_TRY(judged_revision(id, sealed));
  KB_TRY(settle(order, sealed, out.verdict));
  return std::optional<Judgement>(std::move(out));
}

Checked<std::vector<OrderId>> OrderFlow::overdue() const {
  constexpr std::uint32_t kAtOnce = 100;
  return KB_TRY(in_.journal.overdue_orders(in_.clock.now(), kAtOnce));
}

Checked<void> OrderFlow::abandon(const OrderId& id) {
  const JournalOrder order = KB_TRY(find(id));
  const AttemptNumber sealed = KB_TRY(last_sealed_attempt(order));
  if (sealed != 0 || delivery::is_final(order.state)) {
    return problem(
        Errc::kState,
        fmt::format("Order {} is {}; an envelope that went out is taken back by a signed "
                    "cancellation only.",
                    id.text(), delivery::name(order.state)));
  }
  KB_TRY(in_.journal.set_state(id, delivery::State::kCancelled));
  return {};
}

// A confirmed order stays what it is, a cancelled one unless an install is proved; an earlier
// attempt that was refused says nothing about the later one; an answer that is not believed proves
// nothing about an envelope that went out before.
Checked<delivery::State> OrderFlow::state_after(const JournalOrder& order,
                                                AttemptNumber attempt,
                                                Verdict verdict) const {
  using delivery::State;
  if (order.state == State::kConfirmed ||
      (order.state == State::kCancelled && verdict != Verdict::kConfirmed)) {
    return order.state;
  }
  if (verdict == Verdict::kConfirmed || verdict == Verdict::kUnknown) {
    return state_of(verdict);
  }
  if (attempt != order.current_attempt) {
    return order.state;
  }
  const AttemptNumber sealed = KB_TRY(last_sealed_attempt(order));
  const bool earlier_is_open = verdict == Verdict::kRefused && sealed != 0 && sealed != attempt;
  return earlier_is_open ? State::kUnknown : state_of(verdict);
}

Checked<void> OrderFlow::settle(const JournalOrder& order,
                                AttemptNumber attempt,
                                const VerdictMessage& verdict) {
  KB_CRASH_POINT("provider.verdict.before_record");
  const std::string text = delivery::to_json(verdict);
  KB_TRY(in_.journal.record(order.id, attempt, JournalStep::kVerdict, ascii(text)));
  KB_CRASH_POINT("provider.verdict.after_record");
  return note_state(order.id, attempt, verdict.verdict);
}

Checked<void> OrderFlow::note_state(const OrderId& id, AttemptNumber attempt, Verdict verdict) {
  const JournalOrder order = KB_TRY(find(id));
  const delivery::State state = KB_TRY(state_after(order, attempt, verdict));
  if (state != order.state) {
    KB_TRY(in_.journal.set_state(id, state));
  }
  KB_CRASH_POINT("provider.verdict.after_state");
  return {};
}

// A key set that was put into the domain that opens the channel is the one for the next order.
// Alone or among other keys; where it went to another version, the old one has none any more.
Result<void> OrderFlow::learn_static_dek(const DomainKeyName& name,
                                         const envelope::PutKeyAction& put,
                                         bool is_exclusive,
                                         const std::optional<KeyOrigin>& origin) const {
  StaticDeks deks(in_.journal, in_.keys);
  for (std::size_t i = 0; i < put.keys.size(); ++i) {
    if (put.first_key_identifier + i != StaticDeks::kIdentifier) {
      continue;
    }
    if (put.keys[i].value.empty()) {
      KB_TRY(deks.forget(name));  // it is in a token: what was there before opens nothing any more
    } else {
      KB_TRY(deks.learn(name, put.keys[i].value, is_exclusive, origin));
    }
    if (put.old_key_version != 0 && put.old_key_version != put.new_key_version) {
      KB_TRY(deks.forget({.seid = name.seid,
                          .security_domain = name.security_domain,
                          .key_version = put.old_key_version}));
    }
  }
  return {};
}

Checked<void> OrderFlow::learn_keys(const JournalOrder& order,
                                    const Results& results,
                                    bool is_receipt) {
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  if (!KB_TRY(is_latest(order))) {
    return {};  // an old receipt, held back, must not bring old keys back
  }
  if (std::ranges::none_of(results, is_installed)) {
    return {};  // an earlier order may still be installed, and then its keys are the ones
  }
  const Bytes seq = ByteWriter().u32(order.seq).take();
  KB_TRY(in_.journal.put_record(kLearnedSeqKind, receipt_key(order.seid, order.target), seq));
  if (notes.security_domain != order.target) {
    return {};
  }
  const auto opened_with =
      KB_TRY(in_.keys.channel_keys(order.seid, notes.security_domain, notes.key_version));
  const bool is_exclusive = is_receipt && KB_TRY(was_sealed_above_rl1(order));
  const OrderPayload payload = KB_TRY(payload_of(order));
  const std::vector<envelope::Action>& actions = payload.actions;
  for (std::size_t i = 0; i < actions.size() && i < results.size(); ++i) {
    if (!is_installed(results[i])) {
      continue;
    }
    if (const auto* gone = std::get_if<envelope::DeleteKeyAction>(&actions[i])) {
      KB_TRY(in_.keys.forget_channel_keys(order.seid, notes.security_domain, gone->key_version));
      KB_TRY(StaticDeks(in_.journal, in_.keys)
                 .forget({.seid = order.seid,
                          .security_domain = notes.security_domain,
                          .key_version = gone->key_version}));
    }
    const auto* put = std::get_if<envelope::PutKeyAction>(&actions[i]);
    if (put != nullptr) {
      KB_TRY(learn_static_dek({.seid = order.seid,
                               .security_domain = notes.security_domain,
                               .key_version = put->new_key_version},
                              *put,
                              // A key list, which is all that probes one key, tells no other key
                              // of that name from ours.
                              is_exclusive && results[i] == ActionResult::kInstalled,
                              notes.origin_of(i)));
    }
    if (put == nullptr || put->keys.size() != 3 || put->first_key_identifier != 0x01) {
      continue;
    }
    if (std::ranges::any_of(put->keys, [](const auto& key) { return key.value.empty(); })) {
      // Keys in a token open no channel of ours; what they replaced opens none any more either.
      KB_TRY(in_.keys.forget_channel_keys(order.seid, notes.security_domain, put->new_key_version));
      if (put->old_key_version != 0) {
        KB_TRY(
            in_.keys.forget_channel_keys(order.seid, notes.security_domain, put->old_key_version));
      }
      continue;
    }
    const ChannelKeySet set{.i = opened_with ? opened_with->i : std::uint8_t{0},
                            .enc = put->keys[0].value.duplicate(),
                            .mac = put->keys[1].value.duplicate(),
                            .dek = put->keys[2].value.duplicate()};
    if (is_exclusive) {
      KB_TRY(ExclusiveKeys(in_.journal, in_.keys)
                 .note({.seid = order.seid,
                        .security_domain = notes.security_domain,
                        .key_version = put->new_key_version},
                       set, notes.origin_of(i)));
    }
    KB_TRY(in_.keys.put_channel_keys(order.seid, notes.security_domain, put->new_key_version, set));
    if (put->old_key_version != 0 && put->old_key_version != put->new_key_version) {
      KB_TRY(in_.keys.forget_channel_keys(order.seid, notes.security_domain, put->old_key_version));
    }
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
