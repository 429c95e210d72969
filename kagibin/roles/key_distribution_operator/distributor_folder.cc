// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/base/descriptor.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr const char* kCaKey = "ca.key.pem";
constexpr const char* kServerKey = "server.key.pem";
constexpr const char* kLogKey = "log.key.pem";

Result<void> write_key(const std::filesystem::path& path, const crypto::EcPrivateKey& key) {
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  return crypto::write_file(path, pem.expose(), true);
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
  KB_TRY(log_key(true, rng));
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
  return crypto::write_file(server_certificate(), ascii(server.certificate_pem), false);
}

Result<DistributorIdentity> DistributorFolder::load() const {
  TransportCa ca = KB_TRY(load_ca());
  std::string certificate = KB_TRY(crypto::read_text_file(server_certificate()));
  SecretBytes key = KB_TRY(crypto::read_file(path_ / kServerKey));
  return DistributorIdentity{std::move(ca), std::move(certificate), std::move(key)};
}

Result<std::optional<crypto::Ed25519PrivateKey>> DistributorFolder::stored_log_key() const {
  const auto pem = crypto::read_file(path_ / kLogKey);
  if (!pem && pem.error().code == Errc::kNotFound) {
    return std::optional<crypto::Ed25519PrivateKey>();
  }
  if (!pem) {
    return std::unexpected(pem.error());
  }
  crypto::Ed25519PrivateKey key = KB_TRY(crypto::Ed25519PrivateKey::from_pem(pem->expose()));
  return std::optional(std::move(key));
}

// One at a time: of two that find no key, the second takes what the first made. The verifier key is
// written again when it is not that of the key.
Result<std::optional<crypto::Ed25519PrivateKey>> DistributorFolder::log_key(
    bool make, crypto::Rng& rng) const {
  std::optional<crypto::Ed25519PrivateKey> key = KB_TRY(stored_log_key());
  if (!key && !make) {
    return key;
  }
  const auto verifier_of = [](const crypto::Ed25519PrivateKey& of) {
    return VerifierKey{.name = name_of_log(of.public_key()), .key = of.public_key()}.text() + "\n";
  };
  const auto beside = crypto::read_text_file(log_verifier());
  if (key && beside && *beside == verifier_of(*key)) {
    return key;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open's signature
  const Descriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::flock(folder.get(), LOCK_EX) != 0) {
    return fail(Errc::kIo, "the distributor's folder cannot be locked");
  }
  key = KB_TRY(stored_log_key());
  if (!key) {
    key = KB_TRY(crypto::Ed25519PrivateKey::generate(rng));
    const SecretBytes made = KB_TRY(key->to_pem());
    KB_TRY(crypto::write_file(path_ / kLogKey, made.expose(), true));
    KB_CRASH_POINT("distributor.log_key.after_write");
  }
  KB_TRY(crypto::write_file(log_verifier(), ascii(verifier_of(*key)), false));
  return key;
}

Result<std::string> DistributorFolder::last_checkpoint() const {
  auto note = crypto::read_text_file(log_checkpoint());
  return !note && note.error().code == Errc::kNotFound ? std::string() : std::move(note);
}

Result<void> DistributorFolder::keep_checkpoint(std::string_view note) const {
  return crypto::write_file(log_checkpoint(), ascii(note), false);
}

}  // namespace kagibin::roles::key_distribution_operator
