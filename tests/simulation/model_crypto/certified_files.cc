// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/cms.h and of what simulated worlds take from x509/transport_x509.h: a
// certificate is a name and a point in hexadecimal, a sealed file is recipient, signer, signature
// and the content as it is.
#include <algorithm>
#include <string>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/x509/transport_x509.h"

namespace kagibin::crypto {
namespace {

constexpr std::string_view kCertificate = "model certificate ";

std::unexpected<Error> not_modelled() {
  return fail(Errc::kNotSupported, "the model has no such certificates");
}

Result<EcPublicKey> key_of(std::string_view pem) {
  const auto point = pem.starts_with(kCertificate)
                         ? from_hex(pem.substr(kCertificate.size(), 2 * kEcPointSize))
                         : std::nullopt;
  return point ? EcPublicKey::from_point(*point)
               : fail(Errc::kEncoding, "not a certificate of the model");
}

}  // namespace

Result<std::string> self_signed_certificate(const SigningKey& key,
                                            std::string_view common_name,
                                            std::int64_t /*not_before*/,
                                            int /*days*/,
                                            bool /*certificate_authority*/,
                                            Rng& /*rng*/) {
  return std::string(kCertificate)
      .append(to_hex(key.public_key().point()))
      .append(" ")
      .append(common_name);
}

Result<std::string> certificate_request(const EcPrivateKey& /*key*/,
                                        std::string_view /*common_name*/) {
  return not_modelled();
}

Result<std::string> issue_certificate(const EcPrivateKey& /*ca_key*/,
                                      std::string_view /*ca_certificate_pem*/,
                                      std::string_view /*request_pem*/,
                                      const TransportCertificate& /*what*/,
                                      std::int64_t /*not_before*/,
                                      int /*days*/,
                                      Rng& /*rng*/) {
  return not_modelled();
}

Result<ServerCertificateNames> server_names(std::string_view /*certificate_pem*/) {
  return not_modelled();
}

Result<CertificateFacts> certificate_facts(std::string_view /*certificate_pem*/) {
  return not_modelled();
}

Result<Bytes> cms_seal(ByteView content,
                       const SigningKey& signer_key,
                       std::string_view signer_certificate_pem,
                       std::string_view recipient_certificate_pem) {
  const EcPublicKey signer = KB_TRY(key_of(signer_certificate_pem));
  if (signer != signer_key.public_key()) {
    return fail(Errc::kInvalidArgument, "the certificate is of another key");
  }
  const EcPublicKey recipient = KB_TRY(key_of(recipient_certificate_pem));
  class NoRng final : public Rng {
    Result<void> fill(MutableByteView out) override {
      std::ranges::fill(out, std::uint8_t{0});
      return {};
    }
  } rng;
  const Bytes signature = KB_TRY(signer_key.sign_raw({recipient.point(), content}, rng));
  return ByteWriter()
      .bytes(recipient.point())
      .bytes(signer.point())
      .bytes(signature)
      .bytes(content)
      .take();
}

Result<CmsContent> cms_open(ByteView der,
                            const AgreementKey& recipient_key,
                            std::string_view recipient_certificate_pem) {
  const EcPublicKey recipient = KB_TRY(key_of(recipient_certificate_pem));
  if (recipient != recipient_key.public_key()) {
    return fail(Errc::kInvalidArgument, "the certificate is of another key");
  }
  ByteReader in(der);
  const ByteView to = KB_TRY(in.bytes(kEcPointSize));
  const ByteView from = KB_TRY(in.bytes(kEcPointSize));
  const ByteView signature = KB_TRY(in.bytes(kEcdsaRawSize));
  const ByteView content = KB_TRY(in.bytes(in.remaining()));
  const EcPublicKey signer = KB_TRY(EcPublicKey::from_point(from));
  if (!equal(to, recipient.point()) || !ecdsa_verify_raw(signer, {to, content}, signature)) {
    return fail(Errc::kAuthentication, "the CMS file does not open");
  }
  return CmsContent{.content = SecretBytes::copy_of(content), .signer = signer};
}

}  // namespace kagibin::crypto
