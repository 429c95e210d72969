// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"
#include "kagibin/roles/service_provider/keys/exposed_keys.h"
#include "kagibin/roles/service_provider/keys/kem_key_sweep.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kSigningKey = "signing_key";
constexpr std::string_view kExchangeKey = "exchange_key";
constexpr std::string_view kKemToken = "kem_token";
constexpr std::string_view kMaster = "master.";
constexpr std::string_view kDual = "dual.";  // master keys under dual control
constexpr std::string_view kSecondCustodian = "dual_control";
constexpr std::string_view kLiteral = "literal.";
constexpr std::string_view kBound = "bound.";  // keys/blocks/block_keys.h
constexpr std::string_view kHeld = "held.";    // keys/token_element_keys.h
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

// A token that does not give a key says nothing about an order: kIo, whatever the reason.
std::unexpected<Problem> not_opened(std::string_view record,
                                    const Error& error,
                                    const Result<std::string>& uri) {
  if (error.code == Errc::kNotFound && !uri) {
    return problem(Errc::kNotFound, fmt::format("The key store has no {}; make it first.", record));
  }
  if (uri && !uri->empty()) {
    return problem(Errc::kIo, fmt::format("The key {} is in a token ({}): {}.", record, *uri,
                                          error.detail.text()));
  }
  return problem(error.code, fmt::format("The record {} of the key store does not open: {}.",
                                         record, error.detail.text()));
}

std::unexpected<Problem> not_usable(std::string_view name, const Error& error) {
  return problem(error.code,
                 fmt::format("The key \"{}\" cannot be used: {}. Add it to the key store "
                             "or correct the payload.",
                             name, error.detail.text()));
}

Checked<void> bound_elsewhere(std::string_view name, const Seid& seid) {
  return problem(Errc::kPolicy,
                 fmt::format("The key {} belongs to another element than {}; nothing "
                             "was ordered. One key never serves two elements: derive keys from a "
                             "master key, or add a literal key for this element.",
                             name, seid.hex()));
}

}  // namespace

Result<void> KeyStore::create_signing_key(const crypto::KeyPlace& place) {
  return held().make_signing_key(kSigningKey, place, rng_);
}

Result<void> KeyStore::keep_new_keys(const crypto::SigningKey& signing,
                                     const crypto::AgreementKey& exchange) {
  KB_TRY(held().put(kSigningKey, signing, rng_));
  return held().put(kExchangeKey, exchange, rng_);
}

Checked<crypto::SigningKey> KeyStore::signing_key() {
  if (!signing_key_) {
    auto key = held().signing_key(kSigningKey);
    if (!key) {
      return not_opened(kSigningKey, key.error(), held().token_uri(kSigningKey));
    }
    if (const crypto::EcPrivateKey* own = key->in_memory()) {
      const crypto::EcPublicKey point = own->public_key();
      key = KB_TRY(crypto::EcPrivateKey::from_pair(own->expose_scalar(), point));
    }
    signing_key_ = std::move(*key);
  }
  return *signing_key_;
}

Result<void> KeyStore::create_exchange_key(const crypto::KeyPlace& place) {
  return held().make_exchange_key(kExchangeKey, place, rng_);
}

Checked<crypto::AgreementKey> KeyStore::exchange_key() {
  auto key = held().agreement_key(kExchangeKey);
  if (!key) {
    return not_opened(kExchangeKey, key.error(), held().token_uri(kExchangeKey));
  }
  return std::move(*key);
}

Checked<crypto::SigningKey> KeyStore::exchange_key_as_signer() {
  auto key = held().signing_key(kExchangeKey);
  if (!key) {
    return not_opened(kExchangeKey, key.error(), held().token_uri(kExchangeKey));
  }
  return std::move(*key);
}

Result<void> KeyStore::keep_kem_keys_in(std::string_view token_uri) {
  if (tokens_ == nullptr) {
    return fail(Errc::kNotSupported, "there is no way to tokens here");
  }
  if (!token_uri.starts_with("pkcs11:") || token_uri.find("object=") != std::string_view::npos ||
      token_uri.find(";id=") != std::string_view::npos || token_uri.starts_with("pkcs11:id=")) {
    return fail(Errc::kValue,
                "the place of KEM keys is a token: pkcs11:token=NAME?module-path=/FILE.so");
  }
  return records_.put(kKemToken, ascii(token_uri), rng_);
}

Result<void> KeyStore::keep_kem_keys_in_memory() {
  return records_.contains(kKemToken) ? records_.erase(kKemToken) : Result<void>();
}

Checked<KeyStore::NewKemKey> KeyStore::make_kem_key(const delivery::OrderId& order,
                                                    delivery::AttemptNumber attempt,
                                                    std::int64_t now) {
  if (!records_.contains(kKemToken)) {
    const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng_));
    return NewKemKey{.record = SecretBytes::copy_of(key.expose_scalar()),
                     .point = key.public_key()};
  }
  if (tokens_ == nullptr) {
    return problem(Errc::kNotSupported,
                   "KEM keys are made in a token, and there is no way to it here.");
  }
  // A random part: an attempt that was cut before it stood in the journal left a key of its name.
  const SecretBytes token = KB_TRY(records_.get(kKemToken));
  const auto part = KB_TRY(crypto::random_array<8>(rng_));
  std::string uri(token.expose().begin(), token.expose().end());
  uri.insert(std::min(uri.find('?'), uri.size()),
             fmt::format(";object={}", kem_object(order, attempt, part)));
  KB_TRY(KemKeyNotes(journal_, *this)
             .add(part, {.made_at = now, .order = order, .attempt = attempt, .uri = uri}));
  KB_CRASH_POINT("provider.kem_key.before_made");
  const auto key = tokens_->generate_agreement_key(uri);
  if (!key) {
    return problem(Errc::kIo, fmt::format("No KEM key was made in the token: {}. Nothing was sent.",
                                          key.error().detail.text()));
  }
  return NewKemKey{.record = crypto::place_in_token(*key), .point = key->public_key()};
}

Checked<bool> KeyStore::erase_kem_key_in_token(ByteView record) const {
  return erase_kem_key_named(KB_TRY(crypto::token_uri_of(record)));
}

Checked<bool> KeyStore::erase_kem_key_named(const std::string& uri) const {
  if (tokens_ == nullptr) {
    return problem(Errc::kNotSupported, "There is no way to tokens here.");
  }
  const auto erased = tokens_->erase(uri);
  if (erased) {
    return true;
  }
  // A token that is not there answers as one without the key does.
  const bool is_gone = erased.error().code == Errc::kNotFound && tokens_->reach(uri).has_value();
  return is_gone ? Checked<bool>(false)
                 : problem(Errc::kIo, fmt::format("The KEM key {} was not erased: {}.", uri,
                                                  erased.error().detail.text()));
}

Checked<crypto::AgreementKey> KeyStore::kem_key_in_token(ByteView record) const {
  auto key = crypto::agreement_key_at(record, tokens_);
  if (!key) {
    // A token that is not there has no key either; it is what every order waits for.
    const bool is_token_there =
        tokens_ != nullptr && tokens_->reach(KB_TRY(crypto::token_uri_of(record))).has_value();
    return problem(
        is_token_there ? crypto::code_for_orders(key.error().code) : Errc::kIo,
        fmt::format("The KEM key of this attempt is in a token: {}.", key.error().detail.text()));
  }
  return std::move(*key);
}

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
    return not_usable(name, key.error());
  }
  return std::move(*key);
}

Checked<void> KeyStore::create_master_key(std::string_view name,
                                          std::size_t size_bytes,
                                          const crypto::KeyPlace& place) {
  KB_TRY(refuse_taken_master(name));
  // A second name for a key that others have is marked before there is such a name.
  if (const auto mark = KB_TRY(mark_of_key_at(place))) {
    KB_TRY(ExposedKeys(*this).add_master(name, static_cast<Exposure>(*mark)));
  }
  const auto made =
      held().make_derivation_key(std::string(kMaster).append(name), size_bytes, place, rng_);
  if (!made) {
    return problem(made.error().code, fmt::format("The key \"{}\" was not stored: {}.", name,
                                                  made.error().detail.text()));
  }
  return {};
}

Result<std::optional<std::uint8_t>> KeyStore::mark_of_key_at(const crypto::KeyPlace& place) {
  if (place.uri.empty() || place.is_made_there) {
    return std::optional<std::uint8_t>();
  }
  SecretBytes check;
  for (const std::string& record : KB_TRY(records_.names(kMaster))) {
    const auto how = KB_TRY(ExposedKeys(*this).master(record.substr(kMaster.size())));
    if (!how) {
      continue;
    }
    if (check.empty()) {
      check = KB_TRY(held().derivation_check_at(place.uri));
    }
    if (ct_equal(KB_TRY(held().derivation_check(record)).expose(), check.expose())) {
      return std::optional(static_cast<std::uint8_t>(*how));
    }
  }
  return std::optional<std::uint8_t>();
}

Checked<void> KeyStore::create_halved_master_key(std::string_view name,
                                                 std::size_t size_bytes,
                                                 const crypto::KeyPlace& left,
                                                 const crypto::KeyPlace& right) {
  KB_TRY(refuse_taken_master(name));
  // Others have it where they have both halves.
  const auto mark = KB_TRY(mark_of_key_at(left));
  if (mark && KB_TRY(mark_of_key_at(right))) {
    KB_TRY(ExposedKeys(*this).add_master(name, static_cast<Exposure>(*mark)));
  }
  const auto made =
      held().make_halved_key(std::string(kMaster).append(name), size_bytes, left, right, rng_);
  if (!made) {
    return problem(made.error().code, fmt::format("The key \"{}\" was not stored: {}.", name,
                                                  made.error().detail.text()));
  }
  return {};
}

Checked<void> KeyStore::add_master_key(std::string_view name,
                                       const SecretBytes& key,
                                       const std::string& token_uri) {
  KB_TRY(refuse_taken_master(name));
  if (token_uri.empty()) {
    return add_aes_key(kMaster, name, key);
  }
  const auto put =
      held().put_derivation_key(std::string(kMaster).append(name), key, token_uri, rng_);
  if (!put) {
    return problem(put.error().code, fmt::format("The key \"{}\" was not put into the token: {}.",
                                                 name, put.error().detail.text()));
  }
  return {};
}

Checked<bool> KeyStore::is_master_key(std::string_view name, const SecretBytes& key) {
  constexpr std::size_t kSize = 32;
  const crypto::DerivationKey there = KB_TRY(master_key(name));
  const crypto::DerivationKey own = KB_TRY(crypto::DerivationKey::in_memory(key.duplicate()));
  const SecretBytes theirs = KB_TRY(there.diversify(ascii("KB1-CHK"), ascii(name), kSize));
  const SecretBytes ours = KB_TRY(own.diversify(ascii("KB1-CHK"), ascii(name), kSize));
  return ct_equal(theirs.expose(), ours.expose());
}

Checked<crypto::DerivationKey> KeyStore::master_key(std::string_view name) {
  if (records_.contains(std::string(kDual).append(name))) {
    SecretBytes key = KB_TRY(dual_master_key(name));
    return KB_TRY(crypto::DerivationKey::in_memory(std::move(key)));
  }
  const std::string record = std::string(kMaster).append(name);
  auto key = held().derivation_key(record);
  if (!key) {
    const auto uri = held().token_uri(record);
    return uri && !uri->empty()
               ? problem(key.error().code, fmt::format("The key \"{}\" is in a token ({}): {}.",
                                                       name, *uri, key.error().detail.text()))
               : not_usable(name, key.error());
  }
  return std::move(*key);
}

Checked<SecretBytes> KeyStore::master_key_octets(std::string_view name) const {
  if (records_.contains(std::string(kDual).append(name))) {
    return dual_master_key(name);
  }
  SecretBytes record = KB_TRY(aes_key(kMaster, name));
  if (crypto::is_place_in_token(record.expose())) {
    return problem(Errc::kPolicy,
                   fmt::format("The master key \"{}\" is in a token and never leaves it; nothing "
                               "was written.",
                               name));
  }
  return record;
}

bool KeyStore::has_master_key(std::string_view name) const {
  return records_.contains(std::string(kMaster).append(name)) ||
         records_.contains(std::string(kDual).append(name));
}

Checked<void> KeyStore::refuse_taken_master(std::string_view name) const {
  if (has_master_key(name)) {
    return problem(
        Errc::kConflict,
        fmt::format("There is a master key \"{}\" already, which is kept as it is.", name));
  }
  return {};
}

bool KeyStore::has_second_custodian() const { return records_.contains(kSecondCustodian); }

Checked<void> KeyStore::create_second_custodian(const SecretBytes& passphrase,
                                                crypto::ScryptCost cost) {
  if (crypto::RecordFolder::open(records_.path(), passphrase)) {
    return problem(Errc::kPolicy,
                   "The second custodian's passphrase is the key store's own; dual control is of "
                   "two people with one each. Nothing was made.");
  }
  Bytes record;
  DualControl second = KB_TRY(DualControl::create(passphrase, rng_, record, cost));
  KB_TRY(records_.put_new(kSecondCustodian, record, rng_));
  second_ = std::move(second);
  return {};
}

Checked<void> KeyStore::admit_second_custodian() const {
  if (second_) {
    return {};
  }
  if (!has_second_custodian()) {
    return problem(Errc::kPolicy,
                   "There is no second custodian; set the passphrase by: kagibin provider "
                   "second-custodian.");
  }
  if (!ask_) {
    return problem(Errc::kPolicy, "The second custodian is not there; nothing was done.");
  }
  const SecretBytes record = KB_TRY(records_.get(kSecondCustodian));
  const SecretBytes passphrase = KB_TRY(ask_());
  auto second = DualControl::open(passphrase, record.expose());
  if (!second && second.error().code == Errc::kAuthentication) {
    return problem(Errc::kAuthentication,
                   "The second custodian's passphrase is another one than was set; nothing was "
                   "done.");
  }
  second_ = KB_TRY(std::move(second));
  return {};
}

Checked<void> KeyStore::add_dual_master_key(std::string_view name, const SecretBytes& key) {
  if (!crypto::is_aes_key_size(key.size())) {
    return problem(Errc::kLength,
                   "A master key is an AES key of 16, 24 or 32 octets; nothing was "
                   "stored.");
  }
  KB_TRY(refuse_taken_master(name));
  KB_TRY(admit_second_custodian());
  const std::string record = std::string(kDual).append(name);
  const Bytes sealed = KB_TRY(second_->seal(record, key.expose(), rng_));
  KB_TRY(records_.put_new(record, sealed, rng_));
  return {};
}

Checked<SecretBytes> KeyStore::dual_master_key(std::string_view name) const {
  const auto admitted = admit_second_custodian();
  if (!admitted) {
    return problem(admitted.error().code,
                   fmt::format("The master key \"{}\" is under dual control and needs the second "
                               "custodian (--second-passphrase-file): {}",
                               name, admitted.error().text));
  }
  const std::string record = std::string(kDual).append(name);
  const SecretBytes sealed = KB_TRY(records_.get(record));
  return KB_TRY(second_->unseal(record, sealed.expose()));
}

Checked<void> KeyStore::add_literal_key(std::string_view name, const SecretBytes& key) {
  if (records_.contains(std::string(kBound).append(name))) {
    return problem(Errc::kConflict,
                   fmt::format("There is a key \"{}\" already, which came as a key block; nothing "
                               "was stored. Choose another name.",
                               name));
  }
  if (records_.contains(std::string(kHeld).append(name))) {
    return problem(Errc::kConflict,
                   fmt::format("There is a key \"{}\" already, which is in a token; nothing was "
                               "stored. Choose another name.",
                               name));
  }
  return add_aes_key(kLiteral, name, key);
}

Checked<SecretBytes> KeyStore::literal_key(std::string_view name) const {
  const std::string bound = std::string(kBound).append(name);
  if (records_.contains(bound)) {
    const SecretBytes record = KB_TRY(records_.get(bound));
    return std::move(KB_TRY(StoredKey::decode(record.expose())).key);
  }
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
