// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/slot_answer.h"

#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/se/kda/attestation/casd_attestation.h"
#include "kagibin/se/kda/enrolment/provider_request.h"

namespace kagibin::se {

namespace {

// Bits of E1/88.
constexpr std::uint8_t kRl1 = 0x01;
constexpr std::uint8_t kRl2 = 0x02;
constexpr std::uint8_t kRl3 = 0x04;
constexpr std::uint8_t kRl4 = 0x08;
constexpr std::uint8_t kOs = 0x10;
constexpr std::uint8_t kByCertificates = kRl2 | kRl4;

// What this KDA can do here, and nothing below the floor of the target. RL4 takes a suite with
// ML-KEM. A domain's own delivery has one level. 6985: nothing.
KdaResult<std::uint8_t> offered_levels(const KdaEnvironment& kda, const KdaSlot& slot) {
  if (kda.own_domain() != nullptr) {
    return kOs;
  }
  const auto suite = KB_TRY(or_internal(envelope::suite_info(slot.suite)));
  unsigned able = kRl1 | kRl3;
  if (slot.domain_certificate) {
    able |= suite.is_hybrid() ? unsigned{kByCertificates} : unsigned{kRl2};
  }
  const unsigned below = slot.level_floor == 0 ? 0U : (1U << (slot.level_floor - 1U)) - 1U;
  const unsigned offered = able & ~below;
  if (offered == 0) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  return static_cast<std::uint8_t>(offered);
}

}  // namespace

KdaResult<KdaCertificates> own_certificates(const KdaEnvironment& kda) {
  return kda.store.is_attested_by_casd() ? KdaResult<KdaCertificates>()
                                         : or_internal(kda.store.certificates());
}

KdaResult<Seid> own_seid(const KdaEnvironment& kda) {
  if (kda.store.is_attested_by_casd()) {
    return seid_of_casd(kda);
  }
  const KdaCertificates stored = KB_TRY(own_certificates(kda));
  const auto own = KB_TRY(or_internal(pki::Certificate::decode(stored.kda)));
  return Seid{own.fields().subject};
}

KdaResult<SlotAnswer> make_answer(const KdaEnvironment& kda,
                                  const KdaSlot& slot,
                                  const Nonce16& nonce_a,
                                  const crypto::KemPublicKey& enrolment_key,
                                  std::uint32_t counter) {
  const KdaTrust trust = KB_TRY(trust_in_force(kda));
  KdaCertificates stored = KB_TRY(own_certificates(kda));
  const crypto::EcPrivateKey signing =
      KB_TRY(or_internal(kda.store.key(KdaStore::KeyName::kSigning)));
  const crypto::EcPublicKey kem_key =
      KB_TRY(or_internal(crypto::EcPublicKey::from_point(slot.kem_key)));
  envelope::EnrolmentStatement statement;
  statement.nonce_a = nonce_a;
  statement.nonce_k = Nonce16{KB_TRY(or_internal(crypto::random_array<16>(kda.rng())))};
  statement.suite = slot.suite;
  statement.enrolment_key = enrolment_key.octets();
  statement.seid = KB_TRY(own_seid(kda));
  statement.kda = kda.application.aid;
  statement.code_hash = kda.application.code_hash;
  statement.level_bitmap = KB_TRY(offered_levels(kda, slot));
  statement.announces_next = kda.answers_next_enrolment();
  statement.enrolment_counter = counter;
  statement.target = slot.target;
  statement.highest_key_version = kda.own_domain() != nullptr
                                      ? kda.own_domain()->highest_key_version()
                                      : slot.highest_key_version;
  statement.last_committed_seq = slot.last_committed_seq;
  statement.min_epoch = trust.min_epoch;
  statement.handle = slot.handle;
  statement.spid = slot.spid;
  const bool by_certificates = (statement.level_bitmap & kByCertificates) != 0;
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
  Bytes e4 = KB_TRY(or_internal(
      envelope::seal_answer(content, slot.suite, slot.handle, nonce_a, kem_key, kda.rng())));
  return SlotAnswer{std::move(e1), std::move(e4)};
}

}  // namespace kagibin::se
