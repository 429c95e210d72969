// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/x509/certificate_bundle.h"

#include <algorithm>

#include <openssl/x509.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/key_file/pem.h"
#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/x509/transport_x509.h"

namespace kagibin::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr std::string_view kSuccessor = "KB1-TRC";  // domain separation
constexpr std::string_view kSpace = " \t\r\n";

void skip_space(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
}

}  // namespace

Result<std::vector<std::string>> split_certificates(std::string_view bundle, std::size_t most) {
  std::vector<std::string> out;
  for (skip_space(bundle); !bundle.empty(); skip_space(bundle)) {
    const std::size_t end = bundle.find(kEnd);
    if (!bundle.starts_with(kBegin) || end == std::string_view::npos) {
      return fail(Errc::kEncoding, "something else stands among the certificates");
    }
    if (out.size() == most) {
      return fail(Errc::kLimit, "more certificates than may be believed at one time");
    }
    std::string one(bundle.substr(0, end + kEnd.size()));
    one += '\n';
    KB_TRY(read_certificate(one));
    if (std::ranges::find(out, one) != out.end()) {
      return fail(Errc::kValue, "a certificate stands twice");
    }
    out.push_back(std::move(one));
    bundle.remove_prefix(end + kEnd.size());
  }
  if (out.empty()) {
    return fail(Errc::kValue, "there is no certificate");
  }
  return out;
}

Result<Bytes> sign_successor(const EcPrivateKey& key, std::string_view successor_pem, Rng& rng) {
  const CertificateFacts facts = KB_TRY(certificate_facts(successor_pem));
  return ecdsa_sign_der(key, {ascii(kSuccessor), ascii(facts.sha256_hex)}, rng);
}

Result<bool> is_successor(std::string_view successor_pem,
                          std::string_view root_pem,
                          ByteView signature) {
  const CertificateFacts facts = KB_TRY(certificate_facts(successor_pem));
  const EcPublicKey key = KB_TRY(public_key_of_certificate(root_pem));
  return ecdsa_verify_der(key, {ascii(kSuccessor), ascii(facts.sha256_hex)}, signature);
}

Result<bool> is_issued_by(std::string_view certificate_pem, std::string_view issuer_pem) {
  const ErrorScope errors;
  const X509Ptr certificate = KB_TRY(read_certificate(certificate_pem));
  const X509Ptr issuer = KB_TRY(read_certificate(issuer_pem));
  return X509_check_issued(issuer.get(), certificate.get()) == X509_V_OK &&
         X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
}

}  // namespace kagibin::crypto
