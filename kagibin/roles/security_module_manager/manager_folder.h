// SPDX-License-Identifier: Apache-2.0
// The security module manager on disk: FOLDER/keys (encrypted records), FOLDER/signing.pem (the
// X.509 certificate that its key exports are signed under; service providers pin its key) and
// FOLDER/exchange.pem (to which makers seal issuer keys).
//
// Records: "signing_key", "exchange_key", "master_key" (32 octets), each of them the key or its
// place in a token; one "issuer.<IIN>.<CIN>" a card, and "domain.<IIN>.<CIN>.<AID>.<KVN>" for each
// domain that its maker made. Thread-safety: one thread, one process.
//
//   ManagerFolder folder = KB_TRY(ManagerFolder::open("manager", passphrase));
//   const delivery::KeyExport issuer = KB_TRY(folder.issuer_keys(iin, cin));
//   const Bytes file = KB_TRY(folder.seal_exports(records, provider_pem));
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"

namespace kagibin::roles::security_module_manager {

// Where the manager's new keys are to be.
struct ManagerPlaces {
  crypto::KeyPlace signing{};
  crypto::KeyPlace exchange{};
  crypto::KeyPlace master{};
};

class ManagerFolder {
 public:
  // Makes all keys. kConflict when there is a manager already.
  static Result<ManagerFolder> create(const std::filesystem::path& folder,
                                      const SecretBytes& passphrase,
                                      std::string_view name,
                                      const Clock& clock,
                                      crypto::Rng& rng,
                                      crypto::ScryptCost cost = {},
                                      const ManagerPlaces& places = {},
                                      crypto::KeyTokens* tokens = nullptr);
  // `tokens` outlives the folder and its keys; it is needed where a key is in a token.
  static Result<ManagerFolder> open(const std::filesystem::path& folder,
                                    const SecretBytes& passphrase,
                                    crypto::KeyTokens* tokens = nullptr);

  Result<crypto::DerivationKey> master_key() { return held().derivation_key("master_key"); }

  // Issuer keys from a maker: CMS sealed to exchange.pem. The first key set of a card is the issuer
  // domain's; others are of domains that the maker made. The number of cards. kUntrusted when
  // another key than the maker's pinned one signed it.
  Result<std::size_t> import_issuer_keys(ByteView cms,
                                         const crypto::EcPublicKey& maker_key,
                                         crypto::Rng& rng);
  Result<void> put_issuer_keys(const delivery::KeyExport& keys, crypto::Rng& rng);
  // kNotFound for a card that no maker handed over.
  Result<delivery::KeyExport> issuer_keys(ByteView iin, ByteView cin) const;
  // The first key set of a domain: as its maker handed it over, or else as it is diversified here.
  Result<delivery::KeyExport> domain_keys(const DomainName& name,
                                          std::size_t key_size,
                                          std::uint8_t i);

  // The file for a service provider: signed, then sealed to its certificate (PEM).
  Result<Bytes> seal_exports(std::span<const delivery::KeyExport> exports,
                             std::string_view recipient_certificate_pem);

  static std::filesystem::path signing_certificate(const std::filesystem::path& folder);
  static std::filesystem::path exchange_certificate(const std::filesystem::path& folder);

 private:
  ManagerFolder(std::filesystem::path folder,
                crypto::RecordFolder records,
                crypto::KeyTokens* tokens)
      : folder_(std::move(folder)), records_(std::move(records)), tokens_(tokens) {}
  crypto::HeldKeys held() { return {records_, tokens_}; }
  Result<void> make_keys(const ManagerPlaces& places,
                         std::string_view name,
                         const Clock& clock,
                         crypto::Rng& rng);
  // X.509 of a key that is there.
  Result<void> certify(std::string_view record,
                       const std::filesystem::path& certificate,
                       std::string_view name,
                       const Clock& clock,
                       crypto::Rng& rng);
  Result<void> put_domain_keys(const delivery::KeyExport& keys, crypto::Rng& rng);

  std::filesystem::path folder_;
  crypto::RecordFolder records_;
  crypto::KeyTokens* tokens_;
};

}  // namespace kagibin::roles::security_module_manager
