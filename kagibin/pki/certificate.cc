// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate.h"

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/pki/certificate_body.h"
#include "kagibin/pki/verified_signatures.h"

namespace kagibin::pki {

namespace {

constexpr std::size_t kLongestName = 16;

}  // namespace

Result<Certificate> Certificate::decode(ByteView octets) {
  if (octets.size() > kCertificateMaxSize) {
    return fail(Errc::kLength, "a certificate has at most 320 octets");
  }
  const CertificateTemplate objects = KB_TRY(decode_template(octets, kLongestName));
  CertificateFields fields = KB_TRY(fields_of(objects));
  const auto signature = to_array<crypto::kEcdsaRawSize>(objects.signature);
  if (!signature) {
    return fail(Errc::kLength, "a certificate's signature is 64 octets");
  }
  const crypto::EcPublicKey key = KB_TRY(crypto::EcPublicKey::from_point(objects.point));
  const auto signed_at = static_cast<std::size_t>(objects.body.data() - octets.data());
  return Certificate(std::move(fields), key, Bytes(octets.begin(), octets.end()), signed_at,
                     objects.body.size(), *signature);
}

bool Certificate::signed_by(const crypto::EcPublicKey& issuer_key) const {
  const ByteView body = ByteView(encoded_).subspan(signed_at_, signed_size_);
  VerifiedSignatures& known = VerifiedSignatures::of_thread();
  const crypto::Digest256 name = VerifiedSignatures::name(issuer_key, encoded_);
  if (known.contains(name)) {
    return true;
  }
  const bool is_signed = crypto::ecdsa_verify_raw(issuer_key, {body}, signature_);
  if (is_signed) {
    known.remember(name);
  }
  return is_signed;
}

}  // namespace kagibin::pki
