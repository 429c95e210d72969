// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/kda_enrolment.h"

#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/se/kda/attestation/casd_attestation.h"
#include "kagibin/se/kda/enrolment/provider_request.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

using kagibin::kda::State;

constexpr tlv::Tag kRequestTag = 0xE0;
constexpr tlv::Tag kCertificateTag = 0x7F21;
// Bits of E1/88.
constexpr std::uint8_t kRl1 = 0x01;
constexpr std::uint8_t kRl2 = 0x02;
constexpr std::uint8_t kRl3 = 0x04;

struct Message {
  ByteView request;
  std::optional<ByteView> security_domain_certificate;

  static Result<Message> decode(ByteView octets) {
    tlv::TlvReader in(octets);
    const tlv::Tlv request = KB_TRY(in.expect(kRequestTag, 1, tlv::TlvReader::kAnyLength));
    Message out{.request = request.encoded, .security_domain_certificate = {}};
    if (const auto sd = KB_TRY(in.optional(kCertificateTag, 1, tlv::TlvReader::kAnyLength))) {
      out.security_domain_certificate = sd->encoded;
    }
    KB_TRY(in.finish());
    return out;
  }
};

// None where the CASD speaks for this KDA.
KdaResult<KdaCertificates> certificates(const KdaEnvironment& kda) {
  return kda.store.is_attested_by_casd() ? KdaResult<KdaCertificates>()
                                         : or_internal(kda.store.certificates());
}

KdaResult<Seid> own_seid(const KdaEnvironment& kda) {
  if (kda.store.is_attested_by_casd()) {
    return seid_of_casd(kda);
  }
  const KdaCertificates stored = KB_TRY(or_internal(kda.store.certificates()));
  const auto own = KB_TRY(or_internal(pki::Certificate::decode(stored.kda)));
  return Seid{own.fields().subject};
}

// It names this element, its maker, the target and the provider of E0.
KdaResult<void> check_security_domain(const KdaEnvironment& kda,
                                      ByteView octets,
                                      const envelope::EnrolmentRequest& request) {
  const auto certificate = KB_TRY(or_malformed(pki::Certificate::decode(octets)));
  const Seid seid = KB_TRY(own_seid(kda));
  const pki::CertificateFields& fields = certificate.fields();
  const bool accepted = KB_TRY(is_domain_accepted(kda, certificate));
  const bool fits = accepted && fields.subject == seid.octets && fields.aids.size() == 1 &&
                    equal(fields.aids[0], request.target->view()) && fields.owner == request.spid;
  if (!fits) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  return {};
}

// Bits of E1/88: what this KDA can do here, and nothing below the floor of the target.
std::uint8_t offered_levels(const KdaSlot& slot) {
  const unsigned able = kRl1 | kRl3 | (slot.domain_certificate ? unsigned{kRl2} : 0U);
  const unsigned below = slot.level_floor == 0 ? 0U : (1U << (slot.level_floor - 1U)) - 1U;
  return static_cast<std::uint8_t>(able & ~below);
}

// The slot with everything about the new attempt but the statement, which is still to be made.
KdaResult<KdaStore::Slot> next_slot(const KdaEnvironment& kda,
                                    std::optional<KdaStore::Slot> old,
                                    const ProviderRequest& checked,
                                    std::optional<ByteView> domain_certificate) {
  const KdaCertificates stored = KB_TRY(certificates(kda));
  const envelope::EnrolmentRequest& request = checked.request;
  KdaStore::Slot slot =
      old ? std::move(*old)
          : KdaStore::Slot{
                .number = KB_TRY(or_internal(kda.store.free_slot(request.spid))),
                .record = {.spid = request.spid, .target = *request.target, .handle = {}},
                .journal = {}};
  slot.record.handle = Handle{KB_TRY(or_internal(crypto::random_array<16>(kda.rng())))};
  slot.record.certificate = request.certificate;
  slot.record.kem_key = request.kem_key;
  slot.record.suite = request.suite;
  slot.record.request_hash = checked.hash;
  slot.record.remember(request.nonce_a);
  slot.record.domain_certificate.reset();
  if (domain_certificate && stored.oce) {
    slot.record.domain_certificate.emplace(domain_certificate->begin(), domain_certificate->end());
  }
  slot.journal = KdaJournal{};
  return slot;
}

struct Statement {
  Bytes e1;
  Bytes e4;
};

KdaResult<Statement> make_statement(const KdaEnvironment& kda,
                                    const KdaSlot& slot,
                                    const ProviderRequest& checked,
                                    const crypto::KemPublicKey& enrolment_key,
                                    std::uint32_t counter) {
  const KdaTrust trust = KB_TRY(or_internal(kda.store.trust()));
  KdaCertificates stored = KB_TRY(certificates(kda));
  const crypto::EcPrivateKey signing =
      KB_TRY(or_internal(kda.store.key(KdaStore::KeyName::kSigning)));
  envelope::EnrolmentStatement statement;
  statement.nonce_a = checked.request.nonce_a;
  statement.nonce_k = Nonce16{KB_TRY(or_internal(crypto::random_array<16>(kda.rng())))};
  statement.suite = checked.request.suite;
  statement.enrolment_key = enrolment_key.octets();
  statement.seid = KB_TRY(own_seid(kda));
  statement.kda = kda.application.aid;
  statement.code_hash = kda.application.code_hash;
  statement.level_bitmap = offered_levels(slot);
  statement.enrolment_counter = counter;
  statement.target = slot.target;
  statement.highest_key_version = slot.highest_key_version;
  statement.last_committed_seq = slot.last_committed_seq;
  statement.min_epoch = trust.min_epoch;
  statement.handle = slot.handle;
  statement.spid = slot.spid;
  const bool by_certificates = (statement.level_bitmap & kRl2) != 0;
  if (by_certificates) {
    statement.security_domain_certificate = crypto::sha256(*slot.domain_certificate);
  }
  Bytes e1 =
      KB_TRY(or_internal(envelope::sign_statement(std::move(statement), signing, kda.rng())));
  envelope::AnswerContent content{
      .statement = e1,
      .kda_certificate = std::move(stored.kda),
      .maker_certificate = std::move(stored.maker),
      .security_domain_certificate = by_certificates ? slot.domain_certificate : std::nullopt};
  if (kda.store.is_attested_by_casd()) {
    content.code_attestation = KB_TRY(attest_by_casd(kda, e1));
  }
  Bytes e4 = KB_TRY(
      or_internal(envelope::seal_answer(content, checked.request.suite, slot.handle,
                                        checked.request.nonce_a, checked.kem_key, kda.rng())));
  return Statement{std::move(e1), std::move(e4)};
}

}  // namespace

KdaResult<Bytes> enrol(const KdaEnvironment& kda, ByteView octets) {
  const Message message = KB_TRY(or_malformed(Message::decode(octets)));
  const ProviderRequest checked = KB_TRY(ProviderRequest::check(kda, message.request));
  const envelope::EnrolmentRequest& request = checked.request;
  if (request.cancel) {
    return refuse(sw::kWrongData);  // a cancellation goes to CANCEL
  }
  if (message.security_domain_certificate) {
    KB_TRY(check_security_domain(kda, *message.security_domain_certificate, request));
  }
  auto old = KB_TRY(or_internal(kda.store.find(request.spid, *request.target)));
  if (old) {
    // Open too is a delivery of which some actions are proved and others are still to come.
    if (old->journal.is_delivering() && old->journal.has_begun()) {
      return refuse(sw::kConditionsNotSatisfied);
    }
    if (old->journal.state == State::kEnrolled && old->record.request_hash == checked.hash) {
      return or_internal(kda.store.answer(old->number));
    }
    if (old->record.knows(request.nonce_a)) {
      return refuse(sw::kCommandNotAllowed);
    }
  }

  NvmTransaction transaction(kda.nvm());
  if (request.acknowledged_receipt) {
    KB_TRY(or_internal(
        kda.store.acknowledge(request.spid, *request.target, *request.acknowledged_receipt)));
  }
  if (KB_TRY(or_internal(kda.store.receipts_of(request.spid, *request.target))) >=
      KdaStore::kMaxReceiptsOfSlot) {
    return refuse(sw::kNotEnoughMemory);
  }
  KdaStore::Slot slot =
      KB_TRY(next_slot(kda, std::move(old), checked, message.security_domain_certificate));
  KdaProvider provider = KB_TRY(or_internal(kda.store.provider(request.spid)));
  ++provider.enrolments;
  const crypto::KemPrivateKey key =
      KB_TRY(or_internal(crypto::KemPrivateKey::generate(checked.enrolment_kem, kda.rng())));
  Statement made =
      KB_TRY(make_statement(kda, slot.record, checked, key.public_key(), provider.enrolments));
  slot.record.statement_hash = crypto::sha256(made.e1);
  KB_TRY(or_internal(kda.store.erase_secrets(slot.number)));
  KB_TRY(or_internal(kda.store.put(slot)));
  KB_TRY(or_internal(kda.store.put(provider)));
  KB_TRY(or_internal(kda.store.put_enrolment_key(slot.number, key)));
  KB_TRY(or_internal(kda.store.put_answer(slot.number, made.e4)));
  KB_TRY(or_internal(transaction.commit()));
  return std::move(made.e4);
}

}  // namespace kagibin::se
