// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certification_request.h"

#include <utility>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {
namespace {

constexpr tlv::Tag kTagRequest = 0xE5;
constexpr std::uint8_t kRequestVersion = 0x01;
constexpr std::string_view kLabel = "KB1-REQ";

bool may_request(CertificateKind kind) {
  return kind == CertificateKind::kMaker || kind == CertificateKind::kServiceProvider ||
         kind == CertificateKind::kCasdAgreement || kind == CertificateKind::kCasdSignature;
}

}  // namespace

Result<CertificationRequest> CertificationRequest::decode(ByteView octets) {
  const tlv::Tlv outer = KB_TRY(tlv::read_single(octets, kTagRequest));
  tlv::TlvReader in(outer.value);
  const tlv::Tlv version = KB_TRY(in.expect(0x80, 1));
  if (tlv::to_u8(version) != kRequestVersion) {
    return fail(Errc::kNotSupported, "this version of certification requests is not known");
  }
  const tlv::Tlv kind_tlv = KB_TRY(in.expect(0x81, 1));
  const auto kind = static_cast<CertificateKind>(tlv::to_u8(kind_tlv));
  if (!may_request(kind)) {
    return fail(Errc::kValue, "only makers, service providers and CASDs request a certificate");
  }
  const tlv::Tlv name = KB_TRY(in.expect(0x82, 16));
  const tlv::Tlv point = KB_TRY(in.expect(0x83, crypto::kEcPointSize));
  const ByteView signed_part = in.consumed();
  const tlv::Tlv signature =
      KB_TRY(in.expect(0x9E, crypto::kEcdsaDerMinSize, crypto::kEcdsaDerMaxSize));
  KB_TRY(in.finish());
  crypto::EcPublicKey key = KB_TRY(crypto::EcPublicKey::from_point(point.value));
  if (!crypto::ecdsa_verify_der(key, {ascii(kLabel), signed_part}, signature.value)) {
    return fail(Errc::kAuthentication,
                "the certification request is not signed by the key that it names");
  }
  return CertificationRequest(kind, *to_array<16>(name.value), std::move(key));
}

Result<Bytes> sign_certification_request(CertificateKind kind,
                                         const std::array<std::uint8_t, 16>& name,
                                         const crypto::SigningKey& key,
                                         crypto::Rng& rng) {
  if (!may_request(kind)) {
    return fail(Errc::kInvalidArgument,
                "only makers, service providers and CASDs request a certificate");
  }
  tlv::TlvWriter body;
  body.put_u8(0x80, kRequestVersion)
      .put_u8(0x81, std::to_underlying(kind))
      .put(0x82, name)
      .put(0x83, key.public_key().point());
  const Bytes signature = KB_TRY(key.sign_der({ascii(kLabel), body.view()}, rng));
  body.put(0x9E, signature);
  return tlv::encode(kTagRequest, body.view());
}

}  // namespace kagibin::pki
