// SPDX-License-Identifier: Apache-2.0
// The service provider's folder, opened: keys, journal, shipment book, certificate, trust.
//
//   keys/ (encrypted records)  journal.sqlite3  exchange.pem  request.kbq  provider.cert  roots.pem
//   revoked.txt  policy.json transport.* (transport_folder.h)
//
// revoked.txt: one "ISSUER SERIAL" a line, hexadecimal; lines that begin with # are remarks.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "kagibin/cli/console/program.h"
#include "kagibin/roles/service_provider/keys/key_store.h"
#include "kagibin/roles/service_provider/shipment_book.h"

namespace kagibin::cli {

namespace provider = roles::service_provider;

struct ProviderPaths {
  std::filesystem::path home;
  std::filesystem::path keys() const { return home / "keys"; }
  std::filesystem::path journal() const { return home / "journal.sqlite3"; }
  std::filesystem::path exchange() const { return home / "exchange.pem"; }
  std::filesystem::path request() const { return home / "request.kbq"; }
  std::filesystem::path certificate() const { return home / "provider.cert"; }
  std::filesystem::path roots() const { return home / "roots.pem"; }
  std::filesystem::path revoked() const { return home / "revoked.txt"; }
};

class ProviderHome {
 public:
  // Opens journal and keys; refers to `program`, and to `tokens`, which outlive it. kNotFound with
  // what to do when init has not run.
  static provider::Checked<std::unique_ptr<ProviderHome>> open(const Program& program,
                                                               crypto::KeyTokens* tokens);

  provider::KeyStore& keys() { return *keys_; }
  provider::ShipmentBook& shipments() { return shipments_; }
  delivery::JournalStore& journal() { return *journal_; }
  crypto::Rng& rng() { return rng_; }
  const ProviderPaths& paths() const { return paths_; }

  // kNotFound before `provider install`.
  provider::Checked<provider::Trust> trust() const;
  provider::Checked<pki::Certificate> certificate() const;

 private:
  ProviderHome(ProviderPaths paths, std::unique_ptr<delivery::JournalStore> journal)
      : paths_(std::move(paths)), journal_(std::move(journal)), shipments_(*journal_) {}

  ProviderPaths paths_;
  std::unique_ptr<delivery::JournalStore> journal_;
  provider::ShipmentBook shipments_;
  crypto::SystemRng rng_;
  std::optional<provider::KeyStore> keys_;
};

// Public text; kNotFound names the file.
provider::Checked<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace kagibin::cli
