// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/attestation/casd_attestation.h"

#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/pki/certificate.h"

namespace kagibin::se {

namespace {

using KeyName = KdaStore::KeyName;

// What the CASD does not have is no fault of the command.
template <typename T>
KdaResult<T> from_casd(Result<T> result) {
  const bool is_missing = !result && result.error().code == Errc::kNotFound;
  return is_missing ? refuse(sw::kReferencedDataNotFound) : or_internal(std::move(result));
}

KdaResult<Bytes> certificate_of_casd(const KdaEnvironment& kda) {
  const AuthoritySignatureService* casd = kda.application.authority_signature;
  return casd != nullptr ? from_casd(casd->certificate()) : refuse(sw::kReferencedDataNotFound);
}

}  // namespace

KdaResult<void> take_identity_from_casd(const KdaEnvironment& kda) {
  const AuthoritySignatureService* casd = kda.application.authority_signature;
  const auto trust = casd != nullptr ? casd->trust() : fail(Errc::kNotFound, "there is no CASD");
  if (!trust) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  const auto signing = KB_TRY(or_internal(crypto::EcPrivateKey::generate(kda.rng())));
  KB_TRY(or_internal(kda.store.put_key(KeyName::kSigning, signing)));
  KB_TRY(or_internal(
      kda.store.put(KdaTrust{.root = trust->authority.point(), .min_epoch = trust->min_epoch})));
  return or_internal(kda.store.put_attested_by_casd());
}

KdaResult<Seid> seid_of_casd(const KdaEnvironment& kda) {
  const Bytes octets = KB_TRY(certificate_of_casd(kda));
  const auto certificate = KB_TRY(or_internal(pki::Certificate::decode(octets)));
  return Seid{certificate.fields().subject};
}

KdaResult<Bytes> attest_by_casd(const KdaEnvironment& kda, ByteView e1) {
  const auto signing = KB_TRY(or_internal(kda.store.key(KeyName::kSigning)));
  envelope::CodeAttestation out{.kda_key = signing.public_key().point(),
                                .certificate = KB_TRY(certificate_of_casd(kda))};
  const crypto::Digest256 attested = crypto::sha256({out.attested_head(), e1});
  out.statement = KB_TRY(from_casd(kda.application.authority_signature->sign(attested)));
  KB_TRY(or_internal(out.check()));
  return out.encode();
}

}  // namespace kagibin::se
