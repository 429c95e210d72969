// SPDX-License-Identifier: Apache-2.0
// For tests over TLS: a CA, and identities under it.
#pragma once

#include <string>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/net/tls_identity.h"

namespace kagibin::net {

class TestCa {
 public:
  explicit TestCa(std::int64_t now)
      : now_(now),
        key_(crypto::EcPrivateKey::generate(rng_).value()),
        pem_(crypto::self_signed_certificate(key_, "test CA", now, 30, true, rng_).value()) {}

  TlsIdentity client(std::string_view common_name) {
    return identity({.common_name = std::string(common_name),
                     .server = false,
                     .dns_names = {},
                     .ip_addresses = {}},
                    now_, 30);
  }
  TlsIdentity expired_client(std::string_view common_name) {
    return identity({.common_name = std::string(common_name),
                     .server = false,
                     .dns_names = {},
                     .ip_addresses = {}},
                    now_ - std::int64_t{10} * 86'400, 5);
  }
  TlsIdentity server(std::string_view name) {
    return identity({.common_name = std::string(name),
                     .server = true,
                     .dns_names = {std::string(name)},
                     .ip_addresses = {}},
                    now_, 30);
  }
  const std::string& pem() const { return pem_; }

 private:
  TlsIdentity identity(const crypto::TransportCertificate& what, std::int64_t from, int days) {
    const auto key = crypto::EcPrivateKey::generate(rng_).value();
    const auto request = crypto::certificate_request(key, what.common_name).value();
    return {.certificate_pem =
                crypto::issue_certificate(key_, pem_, request, what, from, days, rng_).value(),
            .key_pem = crypto::private_key_to_pem(key).value(),
            .ca_pem = pem_};
  }

  crypto::SystemRng rng_;
  std::int64_t now_;
  crypto::EcPrivateKey key_;
  std::string pem_;
};

}  // namespace kagibin::net
