// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/manager_folder.h"

#include <array>
#include <set>
#include <utility>

#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::string_view kSigningKey = "signing_key";
constexpr std::string_view kExchangeKey = "exchange_key";
constexpr std::string_view kMasterKey = "master_key";
constexpr std::size_t kMasterKeySize = 32;
constexpr int kCertificateDays = 3650;

std::string issuer_record(ByteView iin, ByteView cin) {
  return "issuer." + to_hex(iin) + "." + to_hex(cin);
}

std::string domain_record(const DomainName& name) {
  return "domain." + to_hex(name.iin) + "." + to_hex(name.cin) + "." + name.security_domain.hex() +
         "." + to_hex(ByteView(&name.key_version, 1));
}

}  // namespace

std::filesystem::path ManagerFolder::signing_certificate(const std::filesystem::path& folder) {
  return folder / "signing.pem";
}

std::filesystem::path ManagerFolder::exchange_certificate(const std::filesystem::path& folder) {
  return folder / "exchange.pem";
}

Result<ManagerFolder> ManagerFolder::create(const std::filesystem::path& folder,
                                            const SecretBytes& passphrase,
                                            std::string_view name,
                                            const Clock& clock,
                                            crypto::Rng& rng,
                                            crypto::ScryptCost cost,
                                            const ManagerPlaces& places,
                                            crypto::KeyTokens* tokens) {
  if (std::filesystem::exists(folder / "keys")) {
    return fail(Errc::kConflict, "the folder holds a manager already, which is left as it is");
  }
  ManagerFolder out(
      folder, KB_TRY(crypto::RecordFolder::create(folder / "keys", passphrase, rng, cost)), tokens);
  KB_TRY(out.make_keys(places, name, clock, rng));
  return out;
}

Result<ManagerFolder> ManagerFolder::open(const std::filesystem::path& folder,
                                          const SecretBytes& passphrase,
                                          crypto::KeyTokens* tokens) {
  return ManagerFolder(folder, KB_TRY(crypto::RecordFolder::open(folder / "keys", passphrase)),
                       tokens);
}

Result<void> ManagerFolder::make_keys(const ManagerPlaces& places,
                                      std::string_view name,
                                      const Clock& clock,
                                      crypto::Rng& rng) {
  crypto::Founding made(tokens_);
  made.note_folder(records_.path());
  KB_TRY(held().make_signing_key(kSigningKey, places.signing, rng));
  made.note_key(places.signing);
  KB_TRY(certify(kSigningKey, signing_certificate(folder_), name, clock, rng));
  KB_TRY(held().make_exchange_key(kExchangeKey, places.exchange, rng));
  made.note_key(places.exchange);
  KB_TRY(certify(kExchangeKey, exchange_certificate(folder_), name, clock, rng));
  KB_TRY(held().make_derivation_key(kMasterKey, kMasterKeySize, places.master, rng));
  made.keep();
  return {};
}

Result<void> ManagerFolder::certify(std::string_view record,
                                    const std::filesystem::path& certificate,
                                    std::string_view name,
                                    const Clock& clock,
                                    crypto::Rng& rng) {
  const crypto::SigningKey key = KB_TRY(held().signing_key(record));
  const std::string pem =
      KB_TRY(crypto::self_signed_certificate(key, name, clock.now(), kCertificateDays, false, rng));
  return crypto::write_file(certificate, ascii(pem), false);
}

Result<std::size_t> ManagerFolder::import_issuer_keys(ByteView cms,
                                                      const crypto::EcPublicKey& maker_key,
                                                      crypto::Rng& rng) {
  const auto own = KB_TRY(held().agreement_key(kExchangeKey));
  const std::string pem = KB_TRY(crypto::read_text_file(exchange_certificate(folder_)));
  const crypto::CmsContent content = KB_TRY(crypto::cms_open(cms, own, pem));
  if (content.signer != maker_key) {
    return fail(Errc::kUntrusted, "the file is signed by another key than the maker's pinned one");
  }
  const auto records = KB_TRY(delivery::decode_key_exports(content.content.expose()));
  std::set<std::pair<Bytes, Bytes>> cards;
  for (const delivery::KeyExport& record : records) {
    const bool is_issuers = cards.emplace(record.iin, record.cin).second;
    KB_TRY(is_issuers ? put_issuer_keys(record, rng) : put_domain_keys(record, rng));
  }
  return cards.size();
}

Result<void> ManagerFolder::put_issuer_keys(const delivery::KeyExport& keys, crypto::Rng& rng) {
  const SecretBytes octets =
      KB_TRY(delivery::encode_key_exports(std::span<const delivery::KeyExport>(&keys, 1)));
  return records_.put(issuer_record(keys.iin, keys.cin), octets.expose(), rng);
}

Result<delivery::KeyExport> ManagerFolder::issuer_keys(ByteView iin, ByteView cin) const {
  const SecretBytes octets = KB_TRY(records_.get(issuer_record(iin, cin)));
  auto records = KB_TRY(delivery::decode_key_exports(octets.expose()));
  return std::move(records.front());
}

Result<void> ManagerFolder::put_domain_keys(const delivery::KeyExport& keys, crypto::Rng& rng) {
  const SecretBytes octets = KB_TRY(delivery::encode_key_exports(std::span(&keys, 1)));
  return records_.put(domain_record({.iin = keys.iin,
                                     .cin = keys.cin,
                                     .security_domain = keys.security_domain,
                                     .key_version = keys.key_version_number}),
                      octets.expose(), rng);
}

Result<delivery::KeyExport> ManagerFolder::domain_keys(const DomainName& name,
                                                       std::size_t key_size,
                                                       std::uint8_t i) {
  const std::string record = domain_record(name);
  if (!records_.contains(record)) {
    const crypto::DerivationKey master = KB_TRY(master_key());
    return diversified_keys(master, name, key_size, i);
  }
  const SecretBytes octets = KB_TRY(records_.get(record));
  auto records = KB_TRY(delivery::decode_key_exports(octets.expose()));
  return std::move(records.front());
}

Result<Bytes> ManagerFolder::seal_exports(std::span<const delivery::KeyExport> exports,
                                          std::string_view recipient_certificate_pem) {
  const SecretBytes content = KB_TRY(delivery::encode_key_exports(exports));
  const auto own = KB_TRY(held().signing_key(kSigningKey));
  const std::string pem = KB_TRY(crypto::read_text_file(signing_certificate(folder_)));
  return crypto::cms_seal(content.expose(), own, pem, recipient_certificate_pem);
}

}  // namespace kagibin::roles::security_module_manager
