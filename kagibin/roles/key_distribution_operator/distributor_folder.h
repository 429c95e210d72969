// SPDX-License-Identifier: Apache-2.0
// The distributor's folder: its transport CA, its server certificate, its orders.
//
//   ca.key.pem (0600)  ca.cert.pem  server.key.pem (0600)  server.cert.pem  orders.sqlite3 (0600)
//   log.key.pem (0600)  log.vkey: the key of the audit log, and for whoever verifies it
//   log.checkpoint: what was signed last, for a store that was restored does not know it
//   next.ca.key.pem (0600)  next.ca.cert.pem     from start_rotation() to switch_ca()
//   next.ca.signature                            of the CA before over the next, until the end
//   previous.ca.cert.pem                         from switch_ca() to finish_rotation()
//
// init() writes keys and certificates once (kConflict when a CA is there already); the server
// certificate can be renewed, the key of the log not. One CA takes another's place in three steps,
// each of which may be cut and is done again; between them two roots are good, and clients learn
// both (cli/transport/transport_upkeep.h): start makes the next CA; switch lets it issue, and
// erases the key of the one before; finish no longer believes that one. Failures: kConflict,
// kNotFound, kIo, kNoSpace, and those of transport_ca.h.
//
//   DistributorFolder folder(path);
//   KB_TRY(folder.init({.ca_name = "example", .server = {.dns_names = {"localhost"}}}, now, rng));
//   const DistributorIdentity identity = KB_TRY(folder.load());
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/roles/key_distribution_operator/transport_ca.h"

namespace kagibin::roles::key_distribution_operator {

struct InitOptions {
  std::string ca_name;
  ServerNames server;
};

struct DistributorIdentity {
  TransportCa ca;
  std::string server_certificate_pem;
  SecretBytes server_key_pem;
};

class DistributorFolder {
 public:
  explicit DistributorFolder(std::filesystem::path path) : path_(std::move(path)) {}

  Result<void> init(const InitOptions& options, std::int64_t now, crypto::Rng& rng) const;
  Result<void> renew_server(const ServerNames& names, std::int64_t now, crypto::Rng& rng) const;
  // kConflict while two roots are good.
  Result<void> start_rotation(std::string_view ca_name, std::int64_t now, crypto::Rng& rng) const;
  // Looks at all of the next CA before it touches the key of this one. kState before start,
  // kUntrusted when the files do not belong together, kExpired when the next CA is not good now.
  Result<void> switch_ca(std::int64_t now) const;
  // And a server certificate of the new CA, for the names of the present one where none are given.
  // kState before switch.
  Result<void> finish_rotation(const ServerNames& names, std::int64_t now, crypto::Rng& rng) const;
  Result<DistributorIdentity> load() const;
  Result<TransportCa> load_ca() const;
  // The key of the audit log; made where there is none and `make`, else empty. Several programs may
  // ask at once.
  Result<std::optional<crypto::Ed25519PrivateKey>> log_key(bool make, crypto::Rng& rng) const;

  std::filesystem::path orders() const { return path_ / "orders.sqlite3"; }
  std::filesystem::path ca_certificate() const { return path_ / "ca.cert.pem"; }
  // The checkpoint that was kept last; empty: none.
  Result<std::string> last_checkpoint() const;
  Result<void> keep_checkpoint(std::string_view note) const;

  std::filesystem::path log_checkpoint() const { return path_ / "log.checkpoint"; }
  std::filesystem::path log_verifier() const { return path_ / "log.vkey"; }
  std::filesystem::path server_certificate() const { return path_ / "server.cert.pem"; }
  std::filesystem::path next_certificate() const { return path_ / "next.ca.cert.pem"; }
  std::filesystem::path succession() const { return path_ / "next.ca.signature"; }
  std::filesystem::path previous_certificate() const { return path_ / "previous.ca.cert.pem"; }

 private:
  Result<std::optional<crypto::Ed25519PrivateKey>> stored_log_key() const;
  Result<void> write_server(const KeyAndCertificate& server) const;

  std::filesystem::path path_;
};

}  // namespace kagibin::roles::key_distribution_operator
