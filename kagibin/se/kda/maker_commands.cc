// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/maker_commands.h"

#include <algorithm>

#include "kagibin/kda/maker_data.h"
#include "kagibin/pki/chain.h"

namespace kagibin::se {

namespace {

using KeyName = KdaStore::KeyName;

KdaResult<pki::Certificate> certificate(ByteView octets) {
  return or_malformed(pki::Certificate::decode(octets));
}

bool is_of_this_instance(const KdaEnvironment& kda,
                         const pki::Certificate& certificate,
                         const crypto::EcPublicKey& signing_key) {
  const pki::CertificateFields& fields = certificate.fields();
  return certificate.key() == signing_key && fields.aids.size() == 1 &&
         equal(fields.aids[0], kda.application.aid.view()) &&
         fields.code_hash == kda.application.code_hash &&
         fields.attestation == pki::AttestationProfile::kAtt1;
}

bool is_oce_of_this_element(const pki::Certificate& oce,
                            const pki::Certificate& maker,
                            const pki::Certificate& kda,
                            const crypto::EcPublicKey& authority,
                            const crypto::EcPublicKey& agreement_key) {
  return oce.fields().kind == pki::CertificateKind::kOce && oce.key() == agreement_key &&
         oce.fields().subject == kda.fields().subject &&
         (oce.signed_by(authority) || oce.signed_by(maker.key()));
}

}  // namespace

KdaResult<Bytes> generate_keys(const KdaEnvironment& kda) {
  if (kda.store.is_certified()) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  if (!kda.store.has_key(KeyName::kSigning)) {
    NvmTransaction transaction(kda.nvm());
    for (const KeyName name : {KeyName::kSigning, KeyName::kAgreement}) {
      const crypto::EcPrivateKey key =
          KB_TRY(or_internal(crypto::EcPrivateKey::generate(kda.rng())));
      KB_TRY(or_internal(kda.store.put_key(name, key)));
    }
    KB_TRY(or_internal(transaction.commit()));
  }
  const crypto::EcPrivateKey signing = KB_TRY(or_internal(kda.store.key(KeyName::kSigning)));
  const crypto::EcPrivateKey agreement = KB_TRY(or_internal(kda.store.key(KeyName::kAgreement)));
  return kagibin::kda::GeneratedKeys{.signing_key = signing.public_key().point(),
                                     .agreement_key = agreement.public_key().point()}
      .encode();
}

KdaResult<void> store_certificates(const KdaEnvironment& kda, ByteView message) {
  if (kda.store.is_certified() || !kda.store.has_key(KeyName::kSigning)) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  const auto stored = KB_TRY(or_malformed(kagibin::kda::StoredCertificates::decode(message)));
  const crypto::EcPublicKey authority =
      KB_TRY(or_sw(crypto::EcPublicKey::from_point(stored.authority_key), sw::kWrongData));
  const pki::Certificate maker = KB_TRY(certificate(stored.maker_certificate));
  const pki::Certificate own = KB_TRY(certificate(stored.kda_certificate));
  const crypto::EcPrivateKey signing = KB_TRY(or_internal(kda.store.key(KeyName::kSigning)));
  const crypto::EcPrivateKey agreement = KB_TRY(or_internal(kda.store.key(KeyName::kAgreement)));

  const pki::CertificateDate day = std::max(maker.fields().effective, own.fields().effective);
  const bool chained =
      pki::verify_kda_chain(pki::TrustAnchors{{authority}}, own, maker, day, {}).has_value();
  if (!chained || !is_of_this_instance(kda, own, signing.public_key())) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  if (stored.oce_certificate) {
    const pki::Certificate oce = KB_TRY(certificate(*stored.oce_certificate));
    if (!is_oce_of_this_element(oce, maker, own, authority, agreement.public_key())) {
      return refuse(sw::kSecurityStatusNotSatisfied);
    }
  }

  NvmTransaction transaction(kda.nvm());
  KB_TRY(or_internal(kda.store.put(KdaTrust{.root = stored.authority_key})));
  KB_TRY(or_internal(kda.store.put(KdaCertificates{.maker = stored.maker_certificate,
                                                   .kda = stored.kda_certificate,
                                                   .oce = stored.oce_certificate})));
  return or_internal(transaction.commit());
}

}  // namespace kagibin::se
