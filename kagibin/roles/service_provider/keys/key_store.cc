// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_store.h"

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kSigningKey = "signing_key";
constexpr std::string_view kExchangeKey = "exchange_key";
constexpr std::string_view kMaster = "master.";
constexpr std::string_view kLiteral = "literal.";
constexpr std::string_view kChannelKind = "channel_keys";
constexpr std::string_view kLiteralKind = "literal_key";

Bytes channel_name(const Seid& seid, const Aid& security_domain, std::uint8_t key_version) {
  return ByteWriter().bytes(seid.view()).u8(key_version).bytes(security_domain.view()).take();
}

std::string channel_label(ByteView name) {
  return fmt::format("{}/{}", kChannelKind, to_hex(name));
}

crypto::Digest256 fingerprint(const SecretBytes& key) {
  return crypto::sha256({ascii("KB1-KFP"), key.expose()});
}

Checked<void> bound_elsewhere(std::string_view name, const Seid& seid) {
  return problem(Errc::kPolicy,
                 fmt::format("The key {} belongs to another element than {}; nothing "
                             "was ordered. One key never serves two elements: derive keys from a "
                             "master key, or add a literal key for this element.",
                             name, seid.hex()));
}

}  // namespace

Checked<crypto::EcPrivateKey> KeyStore::private_key(std::string_view record) const {
  const auto scalar = records_.get(record);
  if (!scalar && scalar.error().code == Errc::kNotFound) {
    return problem(Errc::kNotFound, fmt::format("The key store has no {}; make it first.", record));
  }
  if (!scalar) {
    return problem(scalar.error().code,
                   fmt::format("The record {} of the key store does not open: {}.", record,
                               scalar.error().detail.text()));
  }
  return KB_TRY(crypto::EcPrivateKey::from_scalar(scalar->expose()));
}

Result<void> KeyStore::create_signing_key() {
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng_));
  return records_.put_new(kSigningKey, key.expose_scalar(), rng_);
}

Checked<crypto::EcPrivateKey> KeyStore::signing_key() const {
  if (!signing_key_) {
    const crypto::EcPrivateKey key = KB_TRY(private_key(kSigningKey));
    signing_key_ = KB_TRY(crypto::EcPrivateKey::from_pair(key.expose_scalar(), key.public_key()));
  }
  return signing_key_->duplicate();
}

Result<void> KeyStore::create_exchange_key() {
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng_));
  return records_.put_new(kExchangeKey, key.expose_scalar(), rng_);
}

Checked<crypto::EcPrivateKey> KeyStore::exchange_key() const { return private_key(kExchangeKey); }

Checked<void> KeyStore::add_aes_key(std::string_view prefix,
                                    std::string_view name,
                                    const SecretBytes& key) {
  if (!crypto::is_aes_key_size(key.size())) {
    return problem(Errc::kLength,
                   fmt::format("The key \"{}\" is not an AES key of 16, 24 or 32 octets; nothing "
                               "was stored.",
                               name));
  }
  const auto put = records_.put_new(std::string(prefix).append(name), key.expose(), rng_);
  if (!put) {
    return problem(put.error().code, fmt::format("The key \"{}\" was not stored: {}.", name,
                                                 put.error().detail.text()));
  }
  return {};
}

Checked<SecretBytes> KeyStore::aes_key(std::string_view prefix, std::string_view name) const {
  auto key = records_.get(std::string(prefix).append(name));
  if (!key) {
    return problem(key.error().code,
                   fmt::format("The key \"{}\" cannot be used: {}. Add it to the key store or "
                               "correct the payload.",
                               name, key.error().detail.text()));
  }
  return std::move(*key);
}

Checked<void> KeyStore::create_master_key(std::string_view name, std::size_t size_bytes) {
  const SecretBytes key = KB_TRY(crypto::random_secret(rng_, size_bytes));
  return add_aes_key(kMaster, name, key);
}

Checked<void> KeyStore::add_master_key(std::string_view name, const SecretBytes& key) {
  return add_aes_key(kMaster, name, key);
}

Checked<SecretBytes> KeyStore::master_key(std::string_view name) const {
  return aes_key(kMaster, name);
}

Checked<void> KeyStore::add_literal_key(std::string_view name, const SecretBytes& key) {
  return add_aes_key(kLiteral, name, key);
}

Checked<SecretBytes> KeyStore::literal_key(std::string_view name) const {
  return aes_key(kLiteral, name);
}

Checked<void> KeyStore::claim_key(std::string_view name, const SecretBytes& key, const Seid& seid) {
  const auto claimed = journal_.claim_record(kLiteralKind, fingerprint(key), seid.view());
  if (!claimed && claimed.error().code == Errc::kConflict) {
    return bound_elsewhere(name, seid);
  }
  KB_TRY(claimed);
  return {};
}

Checked<void> KeyStore::check_claim(std::string_view name,
                                    const SecretBytes& key,
                                    const Seid& seid) const {
  const std::optional<Bytes> owner = KB_TRY(journal_.find_record(kLiteralKind, fingerprint(key)));
  if (owner && !equal(*owner, seid.view())) {
    return bound_elsewhere(name, seid);
  }
  return {};
}

Result<SecretBytes> encode_key_set(const ChannelKeySet& keys) {
  const std::size_t size = keys.enc.size();
  if (!crypto::is_aes_key_size(size) || keys.mac.size() != size || keys.dek.size() != size) {
    return fail(Errc::kLength, "a channel key set is three AES keys of one size");
  }
  SecretBytes plain(1 + 3 * size);
  const MutableByteView out = plain.expose_mutable();
  out[0] = keys.i;
  std::ranges::copy(keys.enc.expose(), out.subspan(1).begin());
  std::ranges::copy(keys.mac.expose(), out.subspan(1 + size).begin());
  std::ranges::copy(keys.dek.expose(), out.subspan(1 + 2 * size).begin());
  return plain;
}

Result<ChannelKeySet> decode_key_set(ByteView octets) {
  if (octets.empty() || (octets.size() - 1) % 3 != 0 ||
      !crypto::is_aes_key_size((octets.size() - 1) / 3)) {
    return fail(Errc::kEncoding, "a stored channel key set is damaged");
  }
  const std::size_t size = (octets.size() - 1) / 3;
  ChannelKeySet out;
  out.i = octets[0];
  out.enc = SecretBytes::copy_of(octets.subspan(1, size));
  out.mac = SecretBytes::copy_of(octets.subspan(1 + size, size));
  out.dek = SecretBytes::copy_of(octets.subspan(1 + 2 * size, size));
  return out;
}

Result<void> KeyStore::put_channel_keys(const Seid& seid,
                                        const Aid& security_domain,
                                        std::uint8_t key_version,
                                        const ChannelKeySet& keys) {
  const SecretBytes plain = KB_TRY(encode_key_set(keys));
  const Bytes name = channel_name(seid, security_domain, key_version);
  const Bytes blob = KB_TRY(seal(channel_label(name), plain.expose()));
  return journal_.put_record(kChannelKind, name, blob);
}

Result<std::optional<ChannelKeySet>> KeyStore::channel_keys(const Seid& seid,
                                                            const Aid& security_domain,
                                                            std::uint8_t key_version) const {
  const Bytes name = channel_name(seid, security_domain, key_version);
  const std::optional<Bytes> blob = KB_TRY(journal_.find_record(kChannelKind, name));
  if (!blob || blob->empty()) {
    return std::optional<ChannelKeySet>();
  }
  const SecretBytes plain = KB_TRY(unseal(channel_label(name), *blob));
  ChannelKeySet out = KB_TRY(decode_key_set(plain.expose()));
  return std::optional(std::move(out));
}

Result<void> KeyStore::forget_channel_keys(const Seid& seid,
                                           const Aid& security_domain,
                                           std::uint8_t key_version) {
  return journal_.put_record(kChannelKind, channel_name(seid, security_domain, key_version), {});
}

Result<void> KeyStore::forget_other_channel_keys(const Seid& seid,
                                                 const Aid& security_domain,
                                                 std::uint8_t kept_version) {
  const std::size_t version_at = seid.view().size();
  for (const auto& [name, blob] : KB_TRY(journal_.records(kChannelKind))) {
    if (blob.empty() || name.size() <= version_at || name[version_at] == kept_version ||
        name != channel_name(seid, security_domain, name[version_at])) {
      continue;
    }
    KB_TRY(journal_.put_record(kChannelKind, name, {}));
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
