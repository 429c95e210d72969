// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/keys/key_store.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/se/domain/keys/key_set_record.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kKeys = "key/";
constexpr std::string_view kSequence = "seq/";
constexpr std::string_view kTries = "try/";
constexpr std::string_view kTokens = "tok/";
constexpr std::string_view kConfirmation = "cnf/";
constexpr std::uint8_t kNoVersion = 0x00;
constexpr std::uint16_t kLastConfirmation = 0xFFFF;
constexpr std::uint32_t kMaxSequenceCounter = 0xFFFFFF;
constexpr std::size_t kMaxRecord = 8'192;
constexpr std::size_t kDes2Size = 16;
constexpr std::uint8_t kEnc = 0x01;
constexpr std::uint8_t kMac = 0x02;
constexpr std::uint8_t kDek = 0x03;

std::string folder_of(std::string_view kind, const Aid& domain) {
  std::string out(kind);
  out += domain.hex();
  out += '/';
  return out;
}

std::string name_of(std::string_view kind, const Aid& domain, std::uint8_t version) {
  std::string out = folder_of(kind, domain);
  out += to_hex(ByteView(&version, 1));
  return out;
}

gp::KeyEntry entry_of(std::uint8_t version, const StoredKey& stored) {
  gp::KeyEntry out{
      .identifier = stored.identifier, .version = version, .policy = stored.key.policy()};
  for (const gp::KeyPart& part : stored.key.parts()) {
    const std::size_t size = part.value.size();
    out.components.push_back({.type = part.type, .length_bytes = static_cast<std::uint16_t>(size)});
    if (size > 0xFF && !out.policy) {
      out.policy = gp::KeyPolicy{};
    }
  }
  return out;
}

}  // namespace

struct KeyStore::KeySet {
  std::uint8_t version = 0;
  KeySetRecord record{};

  const gp::Key* find(std::uint8_t identifier) const {
    const auto at = std::ranges::find(record.keys, identifier, &StoredKey::identifier);
    return at == record.keys.end() ? nullptr : &at->key;
  }
  std::optional<ChannelKeys> channel_keys() const {
    std::optional<gp::KeyKind> kind;
    std::size_t size = 0;
    for (const std::uint8_t identifier : {kEnc, kMac, kDek}) {
      const gp::Key* key = find(identifier);
      if (key == nullptr || !gp::is_symmetric(key->kind()) ||
          !key->effective_policy().is_for_domain()) {
        return std::nullopt;
      }
      if (!kind) {
        kind = key->kind();
        size = key->secret().size();
      }
      if (key->kind() != *kind || key->secret().size() != size) {
        return std::nullopt;
      }
    }
    if (*kind == gp::KeyKind::kAes) {
      return ChannelKeys::kAes;
    }
    return size == kDes2Size ? std::optional(ChannelKeys::kDes) : std::nullopt;
  }
};

std::optional<KeyStore::KeySet> KeyStore::load(const Aid& domain, std::uint8_t version) const {
  const SecretBytes* record = nvm_.get(name_of(kKeys, domain, version));
  if (record == nullptr) {
    return std::nullopt;
  }
  auto set = KeySetRecord::decode(record->expose());
  KB_CHECK(set.has_value());  // check_records() at the start, and nobody else writes them
  return KeySet{.version = version, .record = std::move(*set)};
}

std::vector<KeyStore::KeySet> KeyStore::load_all(const Aid& domain) const {
  const std::string folder = folder_of(kKeys, domain);
  std::vector<KeySet> out;
  for (const std::string& name : nvm_.names(folder)) {
    const auto version = from_hex(std::string_view(name).substr(folder.size()));
    KB_CHECK(version.has_value() && version->size() == 1);
    auto set = load(domain, version->front());
    KB_CHECK(set.has_value());
    out.push_back(std::move(*set));
  }
  std::ranges::sort(out, {}, [](const KeySet& set) { return set.record.order; });
  return out;
}

Result<void> KeyStore::check_records() const {
  for (const std::string& name : nvm_.names(kKeys)) {
    const std::string_view text(name);
    const std::size_t slash = text.rfind('/');
    const auto version = from_hex(text.substr(slash + 1));
    const bool named = slash >= kKeys.size() && version && version->size() == 1 &&
                       Aid::from_hex(text.substr(kKeys.size(), slash - kKeys.size())).has_value();
    if (!named || !KeySetRecord::decode(nvm_.get(name)->expose())) {
      return fail(Errc::kEncoding, "a record of keys in the element's memory is damaged");
    }
  }
  return {};
}

Result<void> KeyStore::store(const Aid& domain, const KeySet& set) {
  const std::string name = name_of(kKeys, domain, set.version);
  if (set.record.keys.empty()) {
    KB_TRY(nvm_.erase(name));
    return reset_counters(domain, set.version);
  }
  const SecretBytes octets = set.record.encode();
  if (octets.size() > kMaxRecord) {
    return fail(Errc::kLimit, "the keys of one version have at most 8,192 octets together");
  }
  return nvm_.put(name, octets.expose());
}

Result<void> KeyStore::reset_counters(const Aid& domain, std::uint8_t version) {
  KB_TRY(nvm_.erase(name_of(kSequence, domain, version)));
  KB_TRY(nvm_.erase(name_of(kTokens, domain, version)));
  return nvm_.erase(name_of(kTries, domain, version));
}

gp::KeyInformation KeyStore::information(const Aid& domain) const {
  gp::KeyInformation out;
  for (const KeySet& set : load_all(domain)) {
    for (const StoredKey& stored : set.record.keys) {
      out.keys.push_back(entry_of(set.version, stored));
    }
  }
  return out;
}

bool KeyStore::has_key(const Aid& domain, KeyName name) const {
  const auto set = load(domain, name.version);
  return set && set->find(name.identifier) != nullptr;
}

bool KeyStore::has_version(const Aid& domain, std::uint8_t version) const {
  return nvm_.get(name_of(kKeys, domain, version)) != nullptr;
}

std::optional<crypto::Digest256> KeyStore::fingerprint(const Aid& domain,
                                                       std::uint8_t version) const {
  const SecretBytes* record = nvm_.get(name_of(kKeys, domain, version));
  return record == nullptr ? std::nullopt : std::optional(crypto::sha256(record->expose()));
}

std::optional<gp::Key> KeyStore::key(const Aid& domain, KeyName name) const {
  const auto set = load(domain, name.version);
  const gp::Key* key = set ? set->find(name.identifier) : nullptr;
  return key == nullptr ? std::nullopt : std::optional(key->duplicate());
}

Result<void> KeyStore::put_key(const Aid& domain, KeyName name, const gp::Key& key) {
  std::optional<KeySet> set = load(domain, name.version);
  if (!set) {
    const std::vector<KeySet> all = load_all(domain);
    if (all.size() >= kMaxSets || (!all.empty() && all.back().record.order == 0xFFFF)) {
      return fail(Errc::kLimit, "a security domain has at most 48 key sets");
    }
    const unsigned order = all.empty() ? 0U : all.back().record.order + 1U;
    set = KeySet{.version = name.version, .record = {.order = static_cast<std::uint16_t>(order)}};
  }
  std::vector<StoredKey>& keys = set->record.keys;
  std::erase_if(keys, [&](const auto& one) { return one.identifier == name.identifier; });
  if (keys.size() >= kMaxKeysInSet) {
    return fail(Errc::kLimit, "a key set has at most 16 keys");
  }
  keys.push_back({name.identifier, key.duplicate()});
  std::ranges::sort(keys, {}, &StoredKey::identifier);
  KB_TRY(store(domain, *set));
  return reset_counters(domain, name.version);
}

Result<void> KeyStore::put_key(const Aid& domain, KeyName name, ByteView value) {
  const gp::Key key = KB_TRY(gp::Key::aes(value));
  return put_key(domain, name, key);
}

Result<void> KeyStore::erase_key(const Aid& domain, KeyName name) {
  std::optional<KeySet> set = load(domain, name.version);
  if (!set || set->find(name.identifier) == nullptr) {
    return {};
  }
  std::erase_if(set->record.keys,
                [&](const auto& one) { return one.identifier == name.identifier; });
  return store(domain, *set);
}

Result<void> KeyStore::erase_version(const Aid& domain, std::uint8_t version) {
  KB_TRY(nvm_.erase(name_of(kKeys, domain, version)));
  return reset_counters(domain, version);
}

Result<void> KeyStore::inherit_order(const Aid& domain, std::uint8_t from, std::uint8_t to) {
  const std::optional<KeySet> old_set = load(domain, from);
  std::optional<KeySet> new_set = load(domain, to);
  if (!old_set || !new_set) {
    return fail(Errc::kNotFound, "one of the key sets is not there");
  }
  new_set->record.order = old_set->record.order;
  return store(domain, *new_set);
}

Result<void> KeyStore::erase_domain(const Aid& domain) {
  for (const std::string_view kind : {kKeys, kSequence, kTries, kTokens, kConfirmation}) {
    for (const std::string& name : nvm_.names(folder_of(kind, domain))) {
      KB_TRY(nvm_.erase(name));
    }
  }
  return {};
}

Result<scp::Scp03KeySet> KeyStore::scp03_key_set(const Aid& domain, std::uint8_t version) const {
  const std::optional<KeySet> set = load(domain, version);
  if (!set || set->channel_keys() != ChannelKeys::kAes) {
    return fail(Errc::kNotFound, "there is no complete SCP03 key set of this version");
  }
  return scp::Scp03KeySet::create(set->find(kEnc)->secret().duplicate(),
                                  set->find(kMac)->secret().duplicate(),
                                  set->find(kDek)->secret().duplicate());
}

bool KeyStore::is_complete(const Aid& domain, std::uint8_t version) const {
  return channel_keys(domain, version).has_value();
}

std::optional<ChannelKeys> KeyStore::channel_keys(const Aid& domain, std::uint8_t version) const {
  const std::optional<KeySet> set = load(domain, version);
  return set ? set->channel_keys() : std::nullopt;
}

std::optional<std::uint8_t> KeyStore::default_version(const Aid& domain,
                                                      std::optional<ChannelKeys> kind) const {
  for (const KeySet& set : load_all(domain)) {
    const auto found = set.channel_keys();
    if (found && (!kind || *kind == *found)) {
      return set.version;
    }
  }
  return std::nullopt;
}

Result<std::uint32_t> KeyStore::sequence_counter(const Aid& domain, std::uint8_t version) const {
  const SecretBytes* record = nvm_.get(name_of(kSequence, domain, version));
  return record == nullptr ? 0 : ByteReader(record->expose()).u32();
}

Result<std::uint32_t> KeyStore::take_sequence_counter(const Aid& domain, std::uint8_t version) {
  const std::uint32_t now = KB_TRY(sequence_counter(domain, version));
  if (now >= kMaxSequenceCounter) {
    return fail(Errc::kLimit, "the sequence counter of this key set has come to its end");
  }
  KB_TRY(nvm_.put(name_of(kSequence, domain, version), ByteWriter().u32(now + 1).view()));
  return now;
}

std::uint8_t KeyStore::failures(const Aid& domain, std::uint8_t version) const {
  const SecretBytes* record = nvm_.get(name_of(kTries, domain, version));
  return record == nullptr || record->empty() ? 0 : record->expose().front();
}

Result<void> KeyStore::set_failures(const Aid& domain, std::uint8_t version, std::uint8_t count) {
  const std::string name = name_of(kTries, domain, version);
  if (count == 0) {
    return nvm_.erase(name);
  }
  return nvm_.put(name, ByteView(&count, 1));
}

std::uint16_t KeyStore::confirmation_counter(const Aid& domain) const {
  const SecretBytes* record = nvm_.get(name_of(kConfirmation, domain, kNoVersion));
  if (record == nullptr) {
    return 0;
  }
  return ByteReader(record->expose()).u16().value_or(kLastConfirmation);
}

Result<std::uint16_t> KeyStore::take_confirmation_counter(const Aid& domain) {
  const std::uint16_t now = confirmation_counter(domain);
  if (now == kLastConfirmation) {
    return fail(Errc::kLimit, "the confirmation counter of receipts has come to its end");
  }
  const auto next = static_cast<std::uint16_t>(now + 1);
  KB_TRY(nvm_.put(name_of(kConfirmation, domain, kNoVersion), ByteWriter().u16(next).view()));
  return now;
}

std::string KeyStore::used_tokens_record(const Aid& domain, std::uint8_t version) {
  return name_of(kTokens, domain, version);
}

}  // namespace kagibin::se
