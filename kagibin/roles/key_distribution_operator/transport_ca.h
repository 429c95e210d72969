// SPDX-License-Identifier: Apache-2.0
// The distributor's own certification authority for transport certificates: who may connect as
// which provider, device or server. It carries no right in the delivery PKI (protocol, section 4).
//
// Pure: keys and certificates in, certificates out; files are distributor_folder.h's. Failures:
// kInvalidArgument, kAuthentication (a request that its own key did not sign), kEncoding, kCrypto.
//
//   const TransportCa ca = KB_TRY(create_transport_ca("example", now, rng));
//   const std::string pem = KB_TRY(ca.issue_client(subject, request_pem, now, rng));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/names.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr int kCaDays = 3'650;
inline constexpr int kServerDays = 825;
inline constexpr int kClientDays = 397;
inline constexpr int kInvitationDays = 7;

struct ServerNames {
  std::vector<std::string> dns_names{};
  std::vector<std::string> ip_addresses{};
};

struct KeyAndCertificate {
  crypto::EcPrivateKey key;
  std::string certificate_pem;
};

class TransportCa {
 public:
  // Good too: of the CA that comes next, or of the one before.
  struct OtherRoot {
    std::string certificate_pem;
    Bytes succession;  // the older one's signature over the newer (certificate_bundle.h)
  };
  TransportCa(crypto::EcPrivateKey key,
              std::string certificate_pem,
              std::optional<OtherRoot> other_root = {})
      : key_(std::move(key)),
        certificate_pem_(std::move(certificate_pem)),
        other_root_(std::move(other_root)) {}

  // A certificate of clientAuth for the subject, whatever name the request has in it.
  Result<std::string> issue_client(const delivery::Subject& subject,
                                   std::string_view request_pem,
                                   std::int64_t now,
                                   int days,
                                   crypto::Rng& rng) const;
  // A fresh key and its certificate of serverAuth. It begins with the CA itself, for devices whose
  // clock stands behind.
  Result<KeyAndCertificate> issue_server(const ServerNames& names,
                                         std::int64_t now,
                                         crypto::Rng& rng) const;

  const crypto::EcPrivateKey& key() const { return key_; }
  const std::string& certificate_pem() const { return certificate_pem_; }
  // Certificates that clients and servers are believed by, this one first.
  delivery::TransportRoots roots() const;
  std::string roots_pem() const;

 private:
  crypto::EcPrivateKey key_;
  std::string certificate_pem_;
  std::optional<OtherRoot> other_root_;
};

Result<TransportCa> create_transport_ca(std::string_view name, std::int64_t now, crypto::Rng& rng);

}  // namespace kagibin::roles::key_distribution_operator
