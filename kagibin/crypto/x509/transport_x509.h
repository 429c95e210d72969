// SPDX-License-Identifier: Apache-2.0
// X.509 (RFC 5280) off card: self-signed certificates for CMS, and the transport CA of the key
// distribution operator. Transport certificates say who is connected; they carry no right in the
// delivery PKI (pki/).
//
// A fixed Rng gives a fixed certificate: serial number and signature both come from it. Limits: a
// common name of 1 to 64 octets of UTF-8, 1 to 36,500 days, 32 names of a server. Failures:
// kInvalidArgument for these, kEncoding for PEM that is not what it should be, kCrypto.
//
//   const std::string ca = KB_TRY(self_signed_certificate(key, "transport CA", now, 3650, true,
//                                                         rng));
//   const std::string pem = KB_TRY(issue_certificate(key, ca, request_pem,
//                                                    {.common_name = "device:42"}, now, 30, rng));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

// A certificate for the holder's own key, for CMS recipients and signers and for CA roots.
Result<std::string> self_signed_certificate(const SigningKey& key,
                                            std::string_view common_name,
                                            std::int64_t not_before,
                                            int days,
                                            bool certificate_authority,
                                            Rng& rng);

// PKCS#10 (RFC 2986) with this common name, signed by the key.
Result<std::string> certificate_request(const EcPrivateKey& key, std::string_view common_name);

struct TransportCertificate {
  std::string common_name;                  // "provider:<SPID>", "device:<id>", or a host name
  bool server = false;                      // serverAuth instead of clientAuth
  std::vector<std::string> dns_names{};     // server only
  std::vector<std::string> ip_addresses{};  // server only
};

// Issues for the key of a PKCS#10 whose self-signature holds (kAuthentication otherwise). The
// subject is what the caller says, never what the request says.
Result<std::string> issue_certificate(const EcPrivateKey& ca_key,
                                      std::string_view ca_certificate_pem,
                                      std::string_view request_pem,
                                      const TransportCertificate& what,
                                      std::int64_t not_before,
                                      int days,
                                      Rng& rng);

// Whom a server's certificate is for. kEncoding.
struct ServerCertificateNames {
  std::vector<std::string> dns_names{};
  std::vector<std::string> ip_addresses{};  // as issue_certificate() takes them
};
Result<ServerCertificateNames> server_names(std::string_view certificate_pem);

// Common name, serial and dates of a certificate.
struct CertificateFacts {
  std::string common_name;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::string sha256_hex;  // of the DER
};
Result<CertificateFacts> certificate_facts(std::string_view certificate_pem);

}  // namespace kagibin::crypto
