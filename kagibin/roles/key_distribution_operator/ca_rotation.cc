// SPDX-License-Identifier: Apache-2.0
// One transport CA takes another's place: the folder's files in each step.
#include <system_error>
#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/certificate_bundle.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr const char* kKey = "ca.key.pem";
constexpr const char* kNextKey = "next.ca.key.pem";

Result<std::optional<std::string>> read_if_there(const std::filesystem::path& path) {
  auto text = crypto::read_text_file(path);
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
  std::string current = KB_TRY(crypto::read_text_file(ca_certificate()));
  const SecretBytes key_pem = KB_TRY(crypto::read_file(path_ / kKey));
  crypto::EcPrivateKey key = KB_TRY(crypto::private_key_from_pem(key_pem.expose()));
  std::optional<std::string> other = KB_TRY(read_if_there(next_certificate()));
  if (!KB_TRY(belong_together(key, current))) {
    if (!other || !KB_TRY(belong_together(key, *other))) {
      return fail(Errc::kUntrusted,
                  "the transport CA's key and certificate do not belong together");
    }
    std::swap(current, *other);
  } else if (!other || *other == current) {
    other = KB_TRY(read_if_there(previous_certificate()));
  }
  if (!other || *other == current) {
    return TransportCa(std::move(key), std::move(current));
  }
  const SecretBytes word = KB_TRY(crypto::read_file(succession()));
  const Bytes signature(word.expose().begin(), word.expose().end());
  if (!KB_TRY(crypto::is_successor(*other, current, signature)) &&
      !KB_TRY(crypto::is_successor(current, *other, signature))) {
    return fail(Errc::kUntrusted,
                "next.ca.signature is not of these two CAs: copy it with their certificates");
  }
  return TransportCa(
      std::move(key), std::move(current),
      TransportCa::OtherRoot{.certificate_pem = std::move(*other), .succession = signature});
}

Result<void> DistributorFolder::start_rotation(std::string_view ca_name,
                                               std::int64_t now,
                                               crypto::Rng& rng) const {
  const TransportCa current = KB_TRY(load_ca());
  if (current.roots().pem.size() > 1) {
    return fail(Errc::kConflict,
                "two roots are good already: end that rotation first, with switch or finish");
  }
  const TransportCa next = KB_TRY(create_transport_ca(ca_name, now, rng));
  const SecretBytes key = KB_TRY(crypto::private_key_to_pem(next.key()));
  KB_TRY(crypto::write_file(path_ / kNextKey, key.expose(), true));
  KB_CRASH_POINT("distributor.rotation.after_key");
  const Bytes word = KB_TRY(crypto::sign_successor(current.key(), next.certificate_pem(), rng));
  KB_TRY(crypto::write_file(succession(), word, false));
  // The certificate comes last: where it is, the others are.
  return crypto::write_file(next_certificate(), ascii(next.certificate_pem()), false);
}

Result<void> DistributorFolder::switch_ca(std::int64_t now) const {
  const std::optional<std::string> next = KB_TRY(read_if_there(next_certificate()));
  if (!next) {
    return fail(Errc::kState, "there is no next CA: begin with start");
  }
  const TransportCa before = KB_TRY(load_ca());
  if (before.certificate_pem() != *next) {
    const SecretBytes pem = KB_TRY(crypto::read_file(path_ / kNextKey));
    const crypto::EcPrivateKey key = KB_TRY(crypto::private_key_from_pem(pem.expose()));
    if (!KB_TRY(belong_together(key, *next))) {
      return fail(
          Errc::kUntrusted,
          "next.ca.key.pem and next.ca.cert.pem do not belong together: nothing was changed");
    }
    const auto facts = KB_TRY(crypto::certificate_facts(*next));
    if (now < facts.not_before || now > facts.not_after) {
      return fail(Errc::kExpired,
                  "the next CA is not good now: look at this machine's clock; nothing was changed");
    }
    KB_TRY(crypto::write_file(previous_certificate(), ascii(before.certificate_pem()), false));
    KB_CRASH_POINT("distributor.rotation.after_previous");
    KB_TRY(crypto::write_file(path_ / kKey, pem.expose(), true));
    KB_CRASH_POINT("distributor.rotation.between");
  }
  KB_TRY(crypto::write_file(ca_certificate(), ascii(*next), false));
  KB_CRASH_POINT("distributor.rotation.after_both");
  KB_TRY(remove_file(path_ / kNextKey));
  return remove_file(next_certificate());
}

Result<void> DistributorFolder::finish_rotation(const ServerNames& names,
                                                std::int64_t now,
                                                crypto::Rng& rng) const {
  std::error_code error;
  if (std::filesystem::exists(next_certificate(), error)) {
    return fail(Errc::kState, "the next CA does not issue yet: switch first");
  }
  const std::optional<std::string> previous = KB_TRY(read_if_there(previous_certificate()));
  if (!previous) {
    return fail(Errc::kState, "there is no rotation to finish");
  }
  ServerNames wanted = names;
  if (names.dns_names.empty() && names.ip_addresses.empty()) {
    const std::string present = KB_TRY(crypto::read_text_file(server_certificate()));
    const auto found = KB_TRY(crypto::server_names(present));
    wanted = {.dns_names = found.dns_names, .ip_addresses = found.ip_addresses};
  }
  // Done again from here when it was cut: until `previous` is gone, both roots are good.
  KB_TRY(renew_server(wanted, now, rng));
  KB_CRASH_POINT("distributor.rotation.after_server");
  KB_TRY(remove_file(previous_certificate()));
  return remove_file(succession());
}

}  // namespace kagibin::roles::key_distribution_operator
