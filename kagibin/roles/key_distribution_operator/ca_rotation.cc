// SPDX-License-Identifier: Apache-2.0
// One transport CA takes another's place: the folder's files in each step.
#include <system_error>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/certificate_bundle.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr const char* kKey = "ca.key.pem";
constexpr const char* kNextKey = "next.ca.key.pem";

Result<std::string> read_text(const std::filesystem::path& path) {
  const SecretBytes content = KB_TRY(crypto::read_file(path));
  return std::string(content.expose().begin(), content.expose().end());
}

Result<std::optional<std::string>> read_if_there(const std::filesystem::path& path) {
  auto text = read_text(path);
  if (!text && text.error().code == Errc::kNotFound) {
    return std::optional<std::string>();
  }
  return text ? Result<std::optional<std::string>>(std::move(*text))
              : std::unexpected(text.error());
}

Result<void> remove_file(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  return error ? fail(Errc::kIo, "a file of the transport CA cannot be removed") : Result<void>();
}

Result<bool> belong_together(const crypto::EcPrivateKey& key, const std::string& certificate) {
  const crypto::EcPublicKey certified = KB_TRY(crypto::public_key_of_certificate(certificate));
  return certified == key.public_key();
}

}  // namespace

// A switch that was cut has replaced the key and not yet the certificate.
Result<TransportCa> DistributorFolder::load_ca() const {
  const std::string current = KB_TRY(read_text(ca_certificate()));
  const SecretBytes key_pem = KB_TRY(crypto::read_file(path_ / kKey));
  crypto::EcPrivateKey key = KB_TRY(crypto::private_key_from_pem(key_pem.expose()));
  const std::optional<std::string> next = KB_TRY(read_if_there(next_certificate()));
  if (KB_TRY(belong_together(key, current))) {
    const std::optional<std::string> previous = KB_TRY(read_if_there(previous_certificate()));
    // Until a switch has removed it, the previous one is a copy of the current one.
    const bool before = previous && *previous != current;
    return TransportCa(std::move(key), current, before ? previous : next);
  }
  if (next && KB_TRY(belong_together(key, *next))) {
    return TransportCa(std::move(key), *next, current);
  }
  return fail(Errc::kUntrusted, "the transport CA's key and certificate do not belong together");
}

Result<void> DistributorFolder::start_rotation(std::string_view ca_name,
                                               std::int64_t now,
                                               crypto::Rng& rng) const {
  const TransportCa current = KB_TRY(load_ca());
  if (current.roots().size() > 1) {
    return fail(Errc::kConflict,
                "two roots are good already: end that rotation first, with switch or finish");
  }
  const TransportCa next = KB_TRY(create_transport_ca(ca_name, now, rng));
  const SecretBytes key = KB_TRY(crypto::private_key_to_pem(next.key()));
  KB_TRY(crypto::write_file(path_ / kNextKey, key.expose(), true));
  KB_CRASH_POINT("distributor.rotation.after_key");
  return crypto::write_file(next_certificate(), ascii(next.certificate_pem()), false);
}

Result<void> DistributorFolder::switch_ca(const ServerNames& names,
                                          std::int64_t now,
                                          crypto::Rng& rng) const {
  const std::optional<std::string> next = KB_TRY(read_if_there(next_certificate()));
  if (!next) {
    return fail(Errc::kState, "there is no next CA: begin with start");
  }
  const TransportCa before = KB_TRY(load_ca());
  if (before.certificate_pem() != *next) {
    KB_TRY(crypto::write_file(previous_certificate(), ascii(before.certificate_pem()), false));
    KB_CRASH_POINT("distributor.rotation.after_previous");
    const SecretBytes key = KB_TRY(crypto::read_file(path_ / kNextKey));
    KB_TRY(crypto::write_file(path_ / kKey, key.expose(), true));
    KB_CRASH_POINT("distributor.rotation.between");
  }
  KB_TRY(crypto::write_file(ca_certificate(), ascii(*next), false));
  KB_CRASH_POINT("distributor.rotation.after_both");
  // With a certificate of the new CA the switch is over; until then it is done again.
  KB_TRY(renew_server(names, now, rng));
  KB_TRY(remove_file(path_ / kNextKey));
  return remove_file(next_certificate());
}

Result<void> DistributorFolder::finish_rotation() const {
  if (std::filesystem::exists(next_certificate())) {
    return fail(Errc::kState, "the next CA does not issue yet: switch first");
  }
  const std::optional<std::string> previous = KB_TRY(read_if_there(previous_certificate()));
  if (!previous) {
    return fail(Errc::kState, "there is no rotation to finish");
  }
  const DistributorIdentity identity = KB_TRY(load());
  if (!KB_TRY(
          crypto::is_issued_by(identity.server_certificate_pem, identity.ca.certificate_pem()))) {
    return fail(Errc::kState,
                "the server's certificate is of the CA before: renew it with renew-server first");
  }
  return remove_file(previous_certificate());
}

}  // namespace kagibin::roles::key_distribution_operator
