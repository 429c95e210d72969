// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate.h"

#include <algorithm>

#include "kagibin/crypto/ecdsa.h"
#include "kagibin/pki/certificate_body.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

namespace {

using tlv::Tlv;

constexpr std::size_t kSignatureTlvSize = 3 + crypto::kEcdsaRawSize;  // 5F37 40 r|s
}  // namespace

Result<Certificate> Certificate::decode(ByteView octets) {
  if (octets.size() > kCertificateMaxSize) {
    return fail(Errc::kLength, "a certificate has at most 320 octets");
  }
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0x7F21));
  if (outer.value.size() < kSignatureTlvSize) {
    return fail(Errc::kTruncated, "a certificate ends with its signature");
  }
  const std::size_t signed_size = outer.value.size() - kSignatureTlvSize;
  const Tlv signature = KB_TRY(tlv::read_single(outer.value.subspan(signed_size), 0x5F37));
  CertificateBody body = KB_TRY(decode_body(outer.value.first(signed_size)));
  crypto::EcPublicKey key = KB_TRY(crypto::EcPublicKey::from_point(body.point));
  std::array<std::uint8_t, crypto::kEcdsaRawSize> raw{};
  std::ranges::copy(signature.value, raw.begin());
  return Certificate(std::move(body.fields), std::move(key), Bytes(octets.begin(), octets.end()),
                     octets.size() - outer.value.size(), signed_size, raw);
}

bool Certificate::signed_by(const crypto::EcPublicKey& issuer_key) const {
  const ByteView body = ByteView(encoded_).subspan(signed_at_, signed_size_);
  return crypto::ecdsa_verify_raw(issuer_key, {body}, signature_);
}

}  // namespace kagibin::pki
