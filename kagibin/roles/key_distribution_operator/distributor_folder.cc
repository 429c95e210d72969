// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

#include <system_error>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr const char* kCaKey = "ca.key.pem";
constexpr const char* kServerKey = "server.key.pem";
constexpr const char* kServerCertificate = "server.cert.pem";

Result<void> write_key(const std::filesystem::path& path, const crypto::EcPrivateKey& key) {
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  return crypto::write_file(path, pem.expose(), true);
}

Result<std::string> read_text(const std::filesystem::path& path) {
  const SecretBytes content = KB_TRY(crypto::read_file(path));
  return std::string(content.expose().begin(), content.expose().end());
}

}  // namespace

Result<void> DistributorFolder::init(const InitOptions& options,
                                     std::int64_t now,
                                     crypto::Rng& rng) const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) {
    return fail(Errc::kIo, "the distributor's folder cannot be made");
  }
  if (std::filesystem::exists(ca_certificate(), error)) {
    return fail(
        Errc::kConflict,
        "this folder has a transport CA already, and is complete: serve it, or take another "
        "--home");
  }
  const TransportCa ca = KB_TRY(create_transport_ca(options.ca_name, now, rng));
  const KeyAndCertificate server = KB_TRY(ca.issue_server(options.server, now, rng));
  KB_TRY(write_key(path_ / kCaKey, ca.key()));
  KB_TRY(write_server(server));
  // The CA's certificate comes last: where it is, everything is.
  KB_CRASH_POINT("distributor.init.before_certificate");
  KB_TRY(crypto::write_file(ca_certificate(), ascii(ca.certificate_pem()), false));
  KB_CRASH_POINT("distributor.init.after_certificate");
  return {};
}

Result<void> DistributorFolder::renew_server(const ServerNames& names,
                                             std::int64_t now,
                                             crypto::Rng& rng) const {
  const TransportCa ca = KB_TRY(load_ca());
  const KeyAndCertificate server = KB_TRY(ca.issue_server(names, now, rng));
  return write_server(server);
}

Result<void> DistributorFolder::write_server(const KeyAndCertificate& server) const {
  KB_TRY(write_key(path_ / kServerKey, server.key));
  KB_CRASH_POINT("distributor.server_key.after_write");
  return crypto::write_file(path_ / kServerCertificate, ascii(server.certificate_pem), false);
}

Result<TransportCa> DistributorFolder::load_ca() const {
  const std::string certificate = KB_TRY(read_text(ca_certificate()));
  const SecretBytes key_pem = KB_TRY(crypto::read_file(path_ / kCaKey));
  crypto::EcPrivateKey key = KB_TRY(crypto::private_key_from_pem(key_pem.expose()));
  const crypto::EcPublicKey certified = KB_TRY(crypto::public_key_of_certificate(certificate));
  if (!(certified == key.public_key())) {
    return fail(Errc::kUntrusted, "the transport CA's key and certificate do not belong together");
  }
  return TransportCa(std::move(key), certificate);
}

Result<DistributorIdentity> DistributorFolder::load() const {
  TransportCa ca = KB_TRY(load_ca());
  std::string certificate = KB_TRY(read_text(path_ / kServerCertificate));
  SecretBytes key = KB_TRY(crypto::read_file(path_ / kServerKey));
  return DistributorIdentity{std::move(ca), std::move(certificate), std::move(key)};
}

}  // namespace kagibin::roles::key_distribution_operator
