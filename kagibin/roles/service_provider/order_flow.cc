// SPDX-License-Identifier: Apache-2.0
// Opening orders and attempts: what happens before the element answers.
#include "kagibin/roles/service_provider/order_flow.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"
#include "kagibin/roles/service_provider/keys/kem_key_sweep.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/order_records.h"
#include "kagibin/roles/service_provider/payload/relay_exposure.h"
#include "kagibin/roles/service_provider/suite_choice.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalAttempt;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;

namespace {

constexpr std::int64_t kSecondsPerMinute = 60;

}  // namespace

Checked<JournalOrder> OrderFlow::find(const OrderId& order) const {
  std::optional<JournalOrder> found = KB_TRY(in_.journal.find_order(order));
  if (!found) {
    return problem(
        Errc::kNotFound,
        fmt::format("There is no order {} in the journal; nothing was done.", order.text()));
  }
  return std::move(*found);
}

Checked<void> OrderFlow::check_ourselves(const Aid& target) const {
  const auto today = pki::CertificateDate::from_unix(in_.clock.now());
  const auto chain =
      pki::verify_under_root(in_.trust.anchors, in_.certificate,
                             pki::CertificateKind::kServiceProvider, today, in_.trust.revoked);
  if (!chain) {
    return problem(chain.error().code,
                   fmt::format("Our own certificate is not good: {}. Nothing was sent; have the "
                               "controlling authority certify our key again.",
                               chain.error().detail.text()));
  }
  const crypto::SigningKey signing_key = KB_TRY(in_.keys.signing_key());
  if (signing_key.public_key() != in_.certificate.key()) {
    return problem(Errc::kUntrusted,
                   "Our certificate is for another key than our signing key; nothing was sent. Use "
                   "the certificate that belongs to this key store.");
  }
  if (in_.policy.token_only && signing_key.token_uri().empty()) {
    return problem(
        Errc::kPolicy,
        "policy.token_only is set, and our signing key is an encrypted record; nothing was "
        "sent. Found the service provider anew with --signing-key in a token.");
  }
  if (in_.policy.token_only && !in_.keys.makes_kem_keys_in_token()) {
    return problem(
        Errc::kPolicy,
        "policy.token_only is set, and the KEM keys of our orders are encrypted records; "
        "nothing was sent. Have them made in a token: kagibin provider kem-keys.");
  }
  if (!pki::allows_aid(in_.certificate, target)) {
    return problem(Errc::kPolicy,
                   fmt::format("Our certificate has no AID prefix for target {}; nothing was sent. "
                               "The element would refuse it; correct the target or have the prefix "
                               "certified.",
                               target.hex()));
  }
  return {};
}

Checked<void> OrderFlow::check(const PayloadFile& payload,
                               const CsvFiles& csv,
                               std::span<const delivery::DeviceId> devices,
                               std::uint32_t validity_minutes,
                               std::optional<std::uint8_t> suite) const {
  KB_TRY(check_ourselves(payload.target));
  const Terms& terms = in_.policy.terms_for(payload.target);
  const bool only_by_certificates =
      payload.agreement_key_version &&
      (terms.minimum_level == std::to_underlying(envelope::RelayLevel::kRl2) ||
       terms.minimum_level == std::to_underlying(envelope::RelayLevel::kRl4));
  if (!only_by_certificates) {  // an SCP11a session encrypts both ways
    KB_TRY(refuse_answers_in_clear(planned_commands(payload), terms.required_i_mask,
                                   "Nothing was ordered."));
  }
  const std::uint8_t chosen = KB_TRY(choose_suite(terms, suite));
  const PayloadBuilder builder(payload, csv, in_.keys, in_.rng, in_.policy.token_only);
  const bool has_channel_keys = !payload.agreement_key_version && !payload.own_delivery;
  if (in_.policy.token_only && (!builder.is_sealed_inside() || has_channel_keys)) {
    return Policy::refuse_clear_keys("ordered");
  }
  if (builder.has_token_keys() && KB_TRY(envelope::suite_info(chosen)).is_hpke()) {
    return problem(Errc::kNotSupported,
                   "Keys that stay in a token are sealed there, and tokens seal suites 01 and 02 "
                   "alone; nothing was ordered. Order it with --suite 01, where policy.suites has "
                   "it.");
  }
  if (validity_minutes == 0 || validity_minutes > terms.maximum_validity_minutes) {
    return problem(Errc::kPolicy,
                   fmt::format("A validity of {} minutes is not within the policy's 1 to {}; "
                               "nothing was ordered.",
                               validity_minutes, terms.maximum_validity_minutes));
  }
  std::vector<Seid> seids;
  for (const delivery::DeviceId& device : devices) {
    const Seid seid = KB_TRY(in_.policy.element_of(device.text()));
    const auto shipped = KB_TRY(in_.shipments.find(seid));
    if (!shipped) {
      return problem(Errc::kUntrusted,
                     fmt::format("No shipment list names element {} of device {}, so nobody says "
                                 "who made it; nothing was ordered. Import its maker's list.",
                                 seid.hex(), device.text()));
    }
    seids.push_back(seid);
  }
  return builder.check(seids);
}

Checked<std::optional<JournalOrder>> OrderFlow::known(const OrderWish& wish) const {
  std::optional<JournalOrder> stored = KB_TRY(in_.journal.find_order(wish.id));
  if (!stored) {
    return stored;
  }
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(stored->annotation));
  OrderAnnotation wanted = OrderAnnotation::of(wish.payload, wish.suite.value_or(notes.suite));
  if (!notes.masters) {
    wanted.masters.reset();  // it was made before they were noted
  }
  wanted.campaign = wish.campaign;
  wanted.attributes = wish.attributes;
  if (stored->device != wish.device || stored->annotation != wanted.text()) {
    return problem(
        Errc::kConflict,
        fmt::format("Order {} exists already for another device, payload, suite or "
                    "campaign, and stays as it is. Choose another name for the new order.",
                    wish.id.text()));
  }
  return stored;
}

Checked<JournalOrder> OrderFlow::open(const OrderWish& wish) {
  std::optional<JournalOrder> stored = KB_TRY(known(wish));
  if (stored) {
    return std::move(*stored);
  }
  const std::array devices{wish.device};
  KB_TRY(check(wish.payload, wish.csv, devices, wish.validity_minutes, wish.suite));
  const std::uint8_t suite =
      KB_TRY(choose_suite(in_.policy.terms_for(wish.payload.target), wish.suite));
  const Seid seid = KB_TRY(in_.policy.element_of(wish.device.text()));
  OrderPayload actions = KB_TRY(
      PayloadBuilder(wish.payload, wish.csv, in_.keys, in_.rng, in_.policy.token_only).build(seid));
  KB_TRY(expose_block_keys(wish.payload));
  const auto fits = actions.check();
  if (!fits) {
    return problem(fits.error().code,
                   fmt::format("The payload cannot be delivered: {}. Nothing was ordered.",
                               fits.error().detail.text()));
  }
  JournalOrder order{.id = wish.id,
                     .device = wish.device,
                     .seid = seid,
                     .target = wish.payload.target,
                     .not_after = in_.clock.now() + wish.validity_minutes * kSecondsPerMinute};
  const SecretBytes encoded = KB_TRY(actions.encode());
  order.sealed_payload = KB_TRY(in_.keys.seal(payload_label(wish.id), encoded.expose()));
  OrderAnnotation notes = OrderAnnotation::of(wish.payload, suite);
  notes.campaign = wish.campaign;
  notes.attributes = wish.attributes;
  order.annotation = notes.text();
  order.created_at = in_.clock.now();
  KB_CRASH_POINT("provider.order.before_open");
  JournalOrder opened = KB_TRY(in_.journal.open_order(order));
  KB_CRASH_POINT("provider.order.after_open");
  return opened;
}

// A key of one element that an older program took as a key block has no mark yet.
Checked<void> OrderFlow::expose_block_keys(const PayloadFile& payload) {
  for (const KeySource& source : payload.key_sources()) {
    const auto* literal = std::get_if<LiteralKey>(&source);
    if (literal != nullptr && is_block_key(literal->name, in_.keys)) {
      const SecretBytes key = KB_TRY(in_.keys.literal_key(literal->name));
      KB_TRY(ExposedKeys(in_.keys).add(key.expose()));
    }
  }
  return {};
}

Checked<Outgoing> OrderFlow::attempt_after(const OrderId& order, AttemptNumber previous) {
  return request_after(order, previous, false);
}

Checked<Outgoing> OrderFlow::cancel_after(const OrderId& order, AttemptNumber previous) {
  return request_after(order, previous, true);
}

Checked<Outgoing> OrderFlow::request_after(const OrderId& id, AttemptNumber previous, bool cancel) {
  const JournalOrder order = KB_TRY(find(id));
  const AttemptNumber number = previous + 1;
  const auto recorded = KB_TRY(in_.journal.find_entry(id, number, JournalStep::kRequest));
  if (recorded) {
    return Outgoing{.attempt = number, .message = recorded->message};
  }
  if (!delivery::allows_next_attempt(order.state)) {
    return problem(Errc::kState,
                   fmt::format("Order {} is {} and takes no further attempt; nothing was sent. "
                               "Make a new order where one is wanted.",
                               id.text(), delivery::name(order.state)));
  }
  if (in_.clock.now() >= order.not_after) {
    return problem(Errc::kExpired,
                   fmt::format("Order {} was valid until {} and is over; nothing was sent. Make a "
                               "new order.",
                               id.text(), order.not_after));
  }
  KB_TRY(check_ourselves(order.target));
  const AttemptNumber sealed = KB_TRY(last_sealed_attempt(order));
  if (cancel && sealed == 0) {
    return problem(
        Errc::kState,
        fmt::format("No envelope went out for order {}, so there is nothing to cancel in "
                    "the element; nothing was sent.",
                    id.text()));
  }
  const auto started = KB_TRY(in_.journal.find_attempt(id, number));
  if (!started && previous != order.current_attempt) {
    return problem(Errc::kState,
                   fmt::format("Order {} is at attempt {}; attempt {} is not the next one.",
                               id.text(), order.current_attempt, number));
  }
  if (!cancel && previous == 0) {
    auto at_once = KB_TRY(deliver_at_once(order));
    if (at_once) {
      return std::move(*at_once);
    }
  }
  const JournalAttempt attempt = started ? *started : KB_TRY(new_attempt(order));
  Outgoing out{.attempt = number,
               .message = KB_TRY(make_request(order, attempt, cancel ? sealed : 0))};
  if (order.state == delivery::State::kRefused) {
    KB_TRY(in_.journal.set_state(id, delivery::State::kOrdered));
  }
  if (in_.policy.terms_for(order.target).keep_enrolment_minutes != 0 ||
      KB_TRY(waiting_.knows(order.seid, order.target))) {
    KB_TRY(waiting_.ask(order.seid, order.target, order.seq, in_.certificate.fingerprint()));
  }
  KB_CRASH_POINT("provider.request.before_record");
  KB_TRY(in_.journal.record(id, number, JournalStep::kRequest, out.message));
  KB_CRASH_POINT("provider.request.after_record");
  return out;
}

Checked<JournalAttempt> OrderFlow::new_attempt(const JournalOrder& order) {
  const AttemptNumber number = order.current_attempt + 1;
  const std::int64_t made_at = in_.clock.now();
  const KeyStore::NewKemKey kem_key = KB_TRY(in_.keys.make_kem_key(order.id, number, made_at));
  const Nonce16 nonce_a{KB_TRY(crypto::random_array<16>(in_.rng))};
  const JournalAttempt attempt{
      .order = order.id,
      .number = number,
      .nonce_a = nonce_a,
      .sealed_kem_key = KB_TRY(in_.keys.seal(kem_label(order.id, number), kem_key.record.expose())),
      .sealed_receipt_key = {}};
  kem_points_.keep(crypto::sha256(attempt.sealed_kem_key), kem_key.point);
  KB_CRASH_POINT("provider.attempt.before_open");
  const bool is_in_token = crypto::is_place_in_token(kem_key.record.expose());
  const auto check_in_time = [&]() -> Checked<void> {
    if (is_in_token && KemKeyNotes::is_late(made_at, in_.clock.now())) {
      return problem(Errc::kIo,
                     fmt::format("The KEM key of order {} took so long to make that it may have "
                                 "been erased since as one that nobody needs; nothing was sent. "
                                 "Run the same again.",
                                 order.id.text()));
    }
    return {};
  };
  KB_TRY(check_in_time());
  JournalAttempt opened = KB_TRY(in_.journal.open_attempt(attempt));
  // Between the two, too; whoever goes on with the attempt looks whether its key is there.
  KB_TRY(check_in_time());
  KB_CRASH_POINT("provider.attempt.after_open");
  return opened;
}

Checked<Bytes> OrderFlow::make_request(const JournalOrder& order,
                                       const JournalAttempt& attempt,
                                       AttemptNumber cancelled) {
  // A cancellation is answered by no E4: it names the attempt that it cancels by that one's key.
  const JournalAttempt named =
      KB_TRY(find_attempt(order, cancelled == 0 ? attempt.number : cancelled));
  const crypto::AgreementKey kem = KB_TRY(kem_key(named));
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  envelope::EnrolmentRequest request;
  request.suite = notes.suite;
  request.spid.octets = in_.certificate.fields().subject;
  request.nonce_a = attempt.nonce_a;
  request.target = order.target;
  request.kem_key = kem.public_key().point();
  request.cancel = cancelled != 0;
  request.own_delivery = notes.own_delivery;
  const auto last =
      KB_TRY(in_.journal.find_record(kReceiptKind, receipt_key(order.seid, order.target)));
  if (last) {
    request.acknowledged_receipt = to_array<32>(*last);
  }
  request.certificate = in_.certificate.encoded();
  const crypto::SigningKey signing_key = KB_TRY(in_.keys.signing_key());
  return KB_TRY(envelope::sign_request(request, signing_key, in_.rng));
}

Checked<JournalAttempt> OrderFlow::find_attempt(const JournalOrder& order,
                                                AttemptNumber number) const {
  std::optional<JournalAttempt> found = KB_TRY(in_.journal.find_attempt(order.id, number));
  if (!found) {
    return problem(
        Errc::kNotFound,
        fmt::format("Order {} has no attempt {} in our journal; what came for it was put "
                    "aside.",
                    order.id.text(), number));
  }
  return std::move(*found);
}

Checked<crypto::AgreementKey> OrderFlow::kem_key(const JournalAttempt& attempt) {
  const auto scalar =
      in_.keys.unseal(kem_label(attempt.order, attempt.number), attempt.sealed_kem_key);
  if (!scalar) {
    return problem(scalar.error().code,
                   fmt::format("The journal's secrets of order {} do not open with this key store; "
                               "nothing was done. Use the store that the order was made with.",
                               attempt.order.text()));
  }
  if (crypto::is_place_in_token(scalar->expose())) {
    return in_.keys.kem_key_in_token(scalar->expose());
  }
  const crypto::Digest256 name = crypto::sha256(attempt.sealed_kem_key);
  if (const crypto::EcPublicKey* point = kem_points_.find(name)) {
    return KB_TRY(crypto::EcPrivateKey::from_pair(scalar->expose(), *point));
  }
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::from_scalar(scalar->expose()));
  const crypto::EcPublicKey point = key.public_key();
  kem_points_.keep(name, point);
  return KB_TRY(crypto::EcPrivateKey::from_pair(scalar->expose(), point));
}

}  // namespace kagibin::roles::service_provider
