// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/transport_ca.h"

#include <algorithm>

#include "kagibin/crypto/x509/transport_x509.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

// A client whose clock runs behind ours by up to this much still finds the certificate valid.
constexpr std::int64_t kBackdatedSeconds = 3'600;
constexpr std::int64_t kSecondsADay = 86'400;

}  // namespace

Result<std::string> TransportCa::issue_client(const delivery::Subject& subject,
                                              std::string_view request_pem,
                                              std::int64_t now,
                                              int days,
                                              crypto::Rng& rng) const {
  return crypto::issue_certificate(
      key_, certificate_pem_, request_pem,
      {.common_name = subject.common_name(), .server = false, .dns_names = {}, .ip_addresses = {}},
      now - kBackdatedSeconds, days, rng);
}

Result<KeyAndCertificate> TransportCa::issue_server(const ServerNames& names,
                                                    std::int64_t now,
                                                    crypto::Rng& rng) const {
  if (names.dns_names.empty() && names.ip_addresses.empty()) {
    return fail(Errc::kInvalidArgument, "a server needs a host name or an address");
  }
  crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const std::string& name =
      names.dns_names.empty() ? names.ip_addresses.front() : names.dns_names.front();
  const std::string request = KB_TRY(crypto::certificate_request(key, name));
  const auto ours = KB_TRY(crypto::certificate_facts(certificate_pem_));
  const std::int64_t begin = std::min(ours.not_before, now - kBackdatedSeconds);
  const auto days = static_cast<int>((now - begin) / kSecondsADay) + kServerDays;
  std::string certificate = KB_TRY(crypto::issue_certificate(key_, certificate_pem_, request,
                                                             {.common_name = name,
                                                              .server = true,
                                                              .dns_names = names.dns_names,
                                                              .ip_addresses = names.ip_addresses},
                                                             begin, days, rng));
  return KeyAndCertificate{std::move(key), std::move(certificate)};
}

delivery::TransportRoots TransportCa::roots() const {
  delivery::TransportRoots out{.pem = {certificate_pem_}, .succession = {}};
  if (other_root_) {
    out.pem.push_back(other_root_->certificate_pem);
    out.succession = other_root_->succession;
  }
  return out;
}

std::string TransportCa::roots_pem() const {
  return other_root_ ? certificate_pem_ + other_root_->certificate_pem : certificate_pem_;
}

Result<TransportCa> create_transport_ca(std::string_view name, std::int64_t now, crypto::Rng& rng) {
  crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  std::string certificate = KB_TRY(
      crypto::self_signed_certificate(key, name, now - kBackdatedSeconds, kCaDays, true, rng));
  return TransportCa(std::move(key), std::move(certificate));
}

}  // namespace kagibin::roles::key_distribution_operator
