// SPDX-License-Identifier: Apache-2.0
// From the element's answer E4 to the envelope E2: protocol, section 5 (what A checks) and 6.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/confidential/casd_pin.h"
#include "kagibin/roles/service_provider/enrolment/foreign_keys.h"
#include "kagibin/roles/service_provider/keys/channel_uses.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
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

namespace {

std::unexpected<Problem> refuse(Errc code, std::string_view why, std::string_view remedy) {
  return problem(code, fmt::format("The element's answer is refused: {}. Nothing was sealed; {}",
                                   why, remedy));
}

constexpr std::string_view kReport = "report the element to its maker.";
constexpr std::string_view kAskAgain = "a new attempt asks the element again.";

}  // namespace

Checked<std::shared_ptr<const OrderFlow::OpenedAnswer>> OrderFlow::open_answer(
    const JournalAttempt& attempt, ByteView answer) {
  const crypto::Digest256 name = crypto::sha256({crypto::sha256(attempt.sealed_kem_key), answer});
  if (const auto* known = opened_answers_.find(name)) {
    return *known;
  }
  const auto outer = envelope::EnrolmentAnswer::decode(answer);
  if (!outer) {
    return refuse(outer.error().code, outer.error().detail.text(), kAskAgain);
  }
  const crypto::AgreementKey kem = KB_TRY(kem_key(attempt));
  auto content = envelope::open_answer(*outer, kem);
  if (!content && content.error().code == Errc::kIo) {
    return problem(Errc::kIo,
                   std::string(content.error().detail.text()));  // a token, not the answer
  }
  if (!content) {
    return refuse(content.error().code, "it does not open under this attempt's key",
                  "either it belongs to another attempt or it was changed on the way.");
  }
  auto statement = envelope::EnrolmentStatement::decode(content->statement);
  auto attestation = read_attestation(*content);
  std::optional<pki::Certificate> domain;
  bool is_domain_readable = true;
  if (content->security_domain_certificate) {
    auto certificate = pki::Certificate::decode(*content->security_domain_certificate);
    is_domain_readable = certificate.has_value();
    if (certificate) {
      domain = std::move(*certificate);
    }
  }
  if (!attestation && attestation.error().code == Errc::kAuthentication) {
    return refuse(Errc::kAuthentication, "its CASD did not sign for this statement and this key",
                  kReport);
  }
  if (!statement || !attestation || !is_domain_readable) {
    return refuse(Errc::kEncoding,
                  "its statement or its certificates are not in the protocol's form", kReport);
  }
  auto opened = std::make_shared<const OpenedAnswer>(
      OpenedAnswer{.outer = *outer,
                   .statement_tlv = std::move(content->statement),
                   .statement = std::move(*statement),
                   .attestation = std::move(*attestation),
                   .domain = std::move(domain)});
  opened_answers_.keep(name, opened);
  return opened;
}

Checked<void> OrderFlow::check_maker(const OpenedAnswer& answer, const ByMaker& by) {
  const auto today = pki::CertificateDate::from_unix(in_.clock.now());
  const crypto::Digest256 name = crypto::sha256({by.kda.fingerprint(), by.maker.fingerprint()});
  const auto known = verified_chains_.find(name);
  if (known == verified_chains_.end() || known->second != today) {
    const auto chain =
        pki::verify_kda_chain(in_.trust.anchors, by.kda, by.maker, today, in_.trust.revoked);
    if (!chain) {
      return refuse(chain.error().code,
                    fmt::format("the certificate of its key delivery application is not good ({})",
                                chain.error().detail.text()),
                    "only a chain maker - controlling authority makes an element's key worth "
                    "sealing to.");
    }
    verified_chains_[name] = today;
  }
  if (!envelope::verify_statement(answer.statement, by.kda.key())) {
    return refuse(Errc::kAuthentication, "its statement is not signed by the certified key",
                  kReport);
  }
  const auto shipped = KB_TRY(in_.shipments.find(answer.statement.seid));
  if (!shipped || shipped->maker != by.maker.fields().subject || !shipped->pins(by.kda)) {
    return refuse(Errc::kUntrusted,
                  fmt::format("no shipment list pins element {} to this maker and this certificate",
                              answer.statement.seid.hex()),
                  "import the list of the element's own maker; a certificate of another maker for "
                  "the same element is an attack.");
  }
  return {};
}

Checked<void> OrderFlow::check_casd(const OpenedAnswer& answer, const ByCasd& by) {
  const auto today = pki::CertificateDate::from_unix(in_.clock.now());
  const auto chain = pki::verify_under_root(
      in_.trust.anchors, by.casd, pki::CertificateKind::kCasdSignature, today, in_.trust.revoked);
  if (!chain) {
    return refuse(
        chain.error().code,
        fmt::format("the certificate of its CASD is not good ({})", chain.error().detail.text()),
        "only the controlling authority says which CASD speaks for an element.");
  }
  if (!envelope::verify_statement(answer.statement, by.kda_key)) {
    return refuse(Errc::kAuthentication, "its statement is not signed by the attested key",
                  kReport);
  }
  if (const auto pinned = check_casd_pin(in_.shipments, in_.trust, answer.statement.seid,
                                         CasdKey::kSignature, by.casd.key(), today);
      !pinned) {
    return refuse(pinned.error().code,
                  fmt::format("its CASD does not count ({})", pinned.error().detail.text()),
                  kCasdPinAdvice);
  }
  return {};
}

Checked<void> OrderFlow::check_attestation(const OpenedAnswer& answer) {
  if (const auto* maker = std::get_if<ByMaker>(&answer.attestation)) {
    return check_maker(answer, *maker);
  }
  return check_casd(answer, std::get<ByCasd>(answer.attestation));
}

Checked<void> OrderFlow::check_same_kda(const JournalOrder& order,
                                        AttemptNumber earlier,
                                        const OpenedAnswer& answer) {
  if (earlier == 0) {
    return {};
  }
  const JournalAttempt attempt = KB_TRY(find_attempt(order, earlier));
  const auto entry = KB_TRY(in_.journal.find_entry(order.id, earlier, JournalStep::kAnswer));
  if (!entry) {
    return problem(Errc::kStore, "The journal has no answer for a sealed attempt; it is damaged.");
  }
  const auto before = KB_TRY(open_answer(attempt, entry->message));
  if (kda_key(before->attestation) != kda_key(answer.attestation)) {
    return refuse(Errc::kConflict,
                  "its key delivery application was installed anew since an envelope of this order "
                  "went out, and does not know what became of that one",
                  "see what the target holds, cancel this order, and order again if need be.");
  }
  return {};
}

// The KDA has verified CERT.SD; its word is not taken for what can be looked at here. Asked where
// the channel hangs on it: one that expired in the domain is no reason against another channel.
Checked<void> OrderFlow::check_domain(const JournalOrder& order, const OpenedAnswer& answer) const {
  if (!answer.domain) {
    return {};
  }
  const pki::Certificate& domain = *answer.domain;
  const pki::CertificateFields& certified = domain.fields();
  const auto today = pki::CertificateDate::from_unix(in_.clock.now());
  const auto chain = pki::verify_under_root(
      in_.trust.anchors, domain, pki::CertificateKind::kSecurityDomain, today, in_.trust.revoked);
  if (!chain) {
    return refuse(chain.error().code,
                  fmt::format("the certificate of its security domain is not good ({})",
                              chain.error().detail.text()),
                  "only the controlling authority says whose key a domain holds.");
  }
  const bool fits = answer.statement.security_domain_certificate == domain.fingerprint() &&
                    certified.subject == order.seid.octets && certified.aids.size() == 1 &&
                    equal(certified.aids[0], order.target.view()) && certified.owner &&
                    equal(certified.owner->view(), in_.certificate.fields().subject);
  if (!fits) {
    return refuse(Errc::kUntrusted,
                  "the certificate of its security domain is of another element, domain or owner",
                  "the domain has to be certified for us in this element.");
  }
  // check_attestation has pinned this maker to the element; a CASD's element has none to speak for
  // it.
  const auto* by_maker = std::get_if<ByMaker>(&answer.attestation);
  if (by_maker == nullptr || certified.maker_key != by_maker->maker.key_hash()) {
    return refuse(Errc::kUntrusted,
                  "the certificate of its security domain was given on the word of another maker",
                  "only the maker that made the element knows whose key the domain holds; such a "
                  "certificate is an attack.");
  }
  return {};
}

Checked<RelayChoice> OrderFlow::check_answer(const JournalOrder& order,
                                             const JournalAttempt& attempt,
                                             const OpenedAnswer& answer) {
  KB_TRY(check_attestation(answer));
  const envelope::EnrolmentStatement& statement = answer.statement;
  const Attested certified = attested(answer.attestation);
  if (answer.outer.nonce_a != attempt.nonce_a || statement.nonce_a != attempt.nonce_a) {
    return refuse(Errc::kAuthentication, "it answers another request (nA differs)",
                  "an old answer was replayed; a new attempt asks again.");
  }
  if (statement.seid != order.seid) {
    return refuse(Errc::kPolicy,
                  fmt::format("it comes from element {}, but device {} belongs to element {}",
                              statement.seid.hex(), order.device.text(), order.seid.hex()),
                  "if the user changed elements, correct policy.elements and order again.");
  }
  const bool consistent = certified.element == statement.seid.octets &&
                          certified.code_hash == statement.code_hash && statement.kda &&
                          equal(certified.application, statement.kda->view());
  if (!consistent) {
    return refuse(Errc::kUntrusted,
                  "its statement and its certificate name different elements, applications or code",
                  kReport);
  }
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  const bool ours = statement.target == order.target && statement.handle == answer.outer.handle &&
                    equal(statement.spid.view(), in_.certificate.fields().subject) &&
                    statement.suite == notes.suite &&
                    answer.outer.suite == envelope::answer_suite(notes.suite);
  if (!ours) {
    return refuse(Errc::kAuthentication,
                  "its statement is about another target, suite or service provider", kAskAgain);
  }
  if (statement.min_epoch > in_.certificate.fields().epoch) {
    return refuse(Errc::kRevoked,
                  fmt::format("the element accepts certificates from epoch {} on, ours has {}",
                              statement.min_epoch, in_.certificate.fields().epoch),
                  "have the controlling authority certify our key again.");
  }
  const bool is_committed = statement.last_committed_seq >= order.seq;  // nothing is sealed then
  if (notes.own_delivery && !is_committed) {
    const ExclusiveKeys exclusive(in_.journal, in_.keys);
    const OrderPayload payload = KB_TRY(payload_of(order));
    KB_TRY(check_foreign_keys(
        {.seid = order.seid, .domain = order.target, .keys = in_.keys, .exclusive = exclusive},
        statement.highest_key_version, payload.actions));
  }
  RelayChoice relay = KB_TRY(relay_of(order, answer));
  if (relay.level == std::to_underlying(envelope::RelayLevel::kRl2) ||
      relay.level == std::to_underlying(envelope::RelayLevel::kRl4)) {
    KB_TRY(check_domain(order, answer));
  }
  const bool puts_values = in_.policy.token_only && KB_TRY(payload_of(order)).puts_clear_values();
  KB_TRY(in_.policy.allow_sealing(
      {.device = order.device.text(),
       .seid = statement.seid,
       .target = order.target,
       .puts_values = puts_values,
       .how = {.level = relay.level,
               .suite = statement.suite,
               .attestation = certified.profile,
               .code_hash = statement.code_hash,
               .validity_minutes = to_protocol_minutes(order.not_after) -
                                   std::min(to_protocol_minutes(in_.clock.now()),
                                            to_protocol_minutes(order.not_after)),
               .remedy = relay.remedy}}));
  return relay;
}

Checked<OrderPayload> OrderFlow::payload_of(const JournalOrder& order) const {
  const auto octets = in_.keys.unseal(payload_label(order.id), order.sealed_payload);
  if (!octets) {
    return problem(octets.error().code,
                   fmt::format("The payload of order {} does not open with this key store; nothing "
                               "was done. Use the store that the order was made with.",
                               order.id.text()));
  }
  return KB_TRY(OrderPayload::decode(octets->expose()));
}

Checked<Sealing> OrderFlow::seal(const OrderId& id, AttemptNumber number, ByteView answer) {
  const JournalOrder order = KB_TRY(find(id));
  const JournalAttempt attempt = KB_TRY(find_attempt(order, number));
  const auto sealed = KB_TRY(find_envelope(id, number));
  if (sealed) {
    return Sealing{.outcome = Sealing::Outcome::kSealed, .envelope = sealed->message, .why = {}};
  }
  if (delivery::is_final(order.state)) {
    return problem(Errc::kState, fmt::format("Order {} is {}; nothing is sealed for it any more.",
                                             id.text(), delivery::name(order.state)));
  }
  KB_CRASH_POINT("provider.answer.before_record");
  KB_TRY(in_.journal.record(id, number, JournalStep::kAnswer, answer));
  KB_CRASH_POINT("provider.answer.after_record");
  const auto answered = KB_TRY(open_answer(attempt, answer));
  const OpenedAnswer& opened = *answered;
  const RelayChoice relay = KB_TRY(check_answer(order, attempt, opened));
  const std::uint32_t committed = opened.statement.last_committed_seq;
  const AttemptNumber earlier = KB_TRY(last_sealed_attempt(order));
  KB_TRY(check_same_kda(order, earlier, opened));
  if (committed >= order.seq && earlier == 0) {
    return refuse(Errc::kConflict,
                  fmt::format("the element has committed SEQ {} for this target, and this order is "
                              "SEQ {} and was never sealed",
                              committed, order.seq),
                  "our journal is older than the element: restore the newest one, or order until "
                  "SEQ has passed.");
  }
  if (committed == order.seq) {
    return Sealing{
        .outcome = Sealing::Outcome::kReadBack,
        .envelope = {},
        .why = fmt::format("the element's signed statement shows SEQ {} committed", committed)};
  }
  if (committed > order.seq) {
    return Sealing{
        .outcome = Sealing::Outcome::kForegone,
        .envelope = {},
        .why = fmt::format("the element has committed SEQ {} meanwhile, so this order "
                           "(SEQ {}) can no longer be installed; whether it was cannot be "
                           "told from the statement",
                           committed, order.seq)};
  }
  SealedEnvelope made = KB_TRY(make_envelope(order, attempt, opened, relay.level));
  KB_CRASH_POINT("provider.receipt_key.before_record");
  KB_TRY(in_.journal.set_receipt_key(id, number, made.sealed_receipt_key));
  KB_CRASH_POINT("provider.receipt_key.after_record");
  KB_CRASH_POINT("provider.delivery.before_record");
  KB_TRY(in_.journal.record(id, number, JournalStep::kDelivery, made.envelope));
  KB_CRASH_POINT("provider.delivery.after_record");
  KB_TRY(in_.journal.set_state(id, delivery::State::kSealed));
  return Sealing{
      .outcome = Sealing::Outcome::kSealed, .envelope = std::move(made.envelope), .why = {}};
}

Checked<OrderFlow::SealedEnvelope> OrderFlow::make_envelope(const JournalOrder& order,
                                                            const JournalAttempt& attempt,
                                                            const OpenedAnswer& answer,
                                                            std::uint8_t level) {
  if (in_.clock.now() >= order.not_after) {
    return problem(Errc::kExpired,
                   fmt::format("Order {} is over since {}; nothing was sealed. Make a new order.",
                               order.id.text(), order.not_after));
  }
  envelope::EnvelopeHeader header;
  envelope::Payload payload;
  OrderPayload ordered = KB_TRY(payload_of(order));
  payload.actions = std::move(ordered.actions);
  KB_TRY(add_channel(order, level, header, payload));
  if (payload.channel_keys && !payload.channel_keys->is_dek_alone()) {
    KB_TRY(ChannelUses(in_.journal).note(payload.channel_keys->enc, order.id));
  }
  if (level == std::to_underlying(envelope::RelayLevel::kRl1)) {
    KB_TRY(ExclusiveKeys(in_.journal, in_.keys).expose(payload.actions));
  }
  KB_TRY(in_.rng.fill(payload.receipt_key.expose_mutable()));
  Bytes sealed_receipt_key = KB_TRY(
      in_.keys.seal(receipt_key_label(order.id, attempt.number), payload.receipt_key.expose()));

  header.suite = answer.statement.suite;
  header.spid = answer.statement.spid;
  header.handle = answer.statement.handle;
  header.seq = order.seq;
  header.issued_at = to_protocol_minutes(in_.clock.now());
  header.not_after = to_protocol_minutes(order.not_after);
  if (KB_TRY(asks_for_next(order, answer, header, payload))) {
    header.next_nonce_a = Nonce16{KB_TRY(crypto::random_array<16>(in_.rng))};
  }
  const envelope::SuiteInfo suite = KB_TRY(envelope::suite_info(header.suite));
  const crypto::HpkeKem kem = KB_TRY(crypto::hpke_kem(suite.enrolment_kem()));
  const auto recipient = crypto::KemPublicKey::from(kem, answer.statement.enrolment_key);
  if (!recipient) {
    return refuse(recipient.error().code, "its enrolment key is none of the suite's",
                  "report the element to its maker.");
  }
  const crypto::SigningKey signing_key = KB_TRY(in_.keys.signing_key());
  const auto seal = [&]() -> Result<Bytes> {
    if (ordered.held.empty()) {
      return envelope::seal_delivery(header, payload, answer.statement_tlv, *recipient, signing_key,
                                     in_.rng);
    }
    if (in_.keys.tokens() == nullptr) {
      return fail(Errc::kIo, "keys of the order are in a token, and there is no way to it here");
    }
    return envelope::seal_delivery_in_token(header, std::move(payload), ordered.held,
                                            answer.statement_tlv, *recipient, signing_key,
                                            *in_.keys.tokens(), in_.rng);
  };
  return SealedEnvelope{.envelope = KB_TRY(seal()),
                        .sealed_receipt_key = std::move(sealed_receipt_key)};
}

}  // namespace kagibin::roles::service_provider
