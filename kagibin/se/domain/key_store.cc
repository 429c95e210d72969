// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/key_store.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/aes.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kKeys = "key/";
constexpr std::string_view kSequence = "seq/";
constexpr std::string_view kTries = "try/";
constexpr std::uint32_t kMaxSequenceCounter = 0xFFFFFF;
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

}  // namespace

struct KeyStore::KeySet {
  struct Key {
    std::uint8_t identifier = 0;
    std::uint8_t type = 0;
    SecretBytes value{};
  };
  std::uint8_t version = 0;
  std::uint16_t order = 0;
  std::vector<Key> keys{};

  const Key* find(std::uint8_t identifier) const {
    const auto at = std::ranges::find(keys, identifier, &Key::identifier);
    return at == keys.end() ? nullptr : &*at;
  }
  bool complete() const {
    const Key* enc = find(kEnc);
    const Key* mac = find(kMac);
    const Key* dek = find(kDek);
    return enc != nullptr && mac != nullptr && dek != nullptr &&
           enc->value.size() == mac->value.size() && enc->value.size() == dek->value.size();
  }
  static Result<KeySet> decode(std::uint8_t version, ByteView octets) {
    ByteReader in(octets);
    KeySet out{.version = version, .order = KB_TRY(in.u16())};
    while (!in.empty()) {
      const std::uint8_t identifier = KB_TRY(in.u8());
      const std::uint8_t type = KB_TRY(in.u8());
      const std::uint8_t length = KB_TRY(in.u8());
      const ByteView value = KB_TRY(in.bytes(length));
      out.keys.push_back({identifier, type, SecretBytes::copy_of(value)});
    }
    return out;
  }
};

std::optional<KeyStore::KeySet> KeyStore::load(const Aid& domain, std::uint8_t version) const {
  const SecretBytes* record = nvm_.get(name_of(kKeys, domain, version));
  if (record == nullptr) {
    return std::nullopt;
  }
  auto set = KeySet::decode(version, record->expose());
  KB_CHECK(set.has_value());
  return std::move(*set);
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
  std::ranges::sort(out, {}, &KeySet::order);
  return out;
}

Result<void> KeyStore::store(const Aid& domain, const KeySet& set) {
  const std::string name = name_of(kKeys, domain, set.version);
  if (set.keys.empty()) {
    KB_TRY(nvm_.erase(name));
    return reset_counters(domain, set.version);
  }
  std::size_t size = 2;
  for (const KeySet::Key& key : set.keys) {
    size += 3 + key.value.size();
  }
  SecretBytes record(size);
  const MutableByteView out = record.expose_mutable();
  out[0] = static_cast<std::uint8_t>(set.order >> 8U);
  out[1] = static_cast<std::uint8_t>(set.order & 0xFFU);
  std::size_t at = 2;
  for (const KeySet::Key& key : set.keys) {
    out[at] = key.identifier;
    out[at + 1] = key.type;
    out[at + 2] = static_cast<std::uint8_t>(key.value.size());
    std::ranges::copy(key.value.expose(), out.subspan(at + 3).begin());
    at += 3 + key.value.size();
  }
  return nvm_.put(name, record.expose());
}

Result<void> KeyStore::reset_counters(const Aid& domain, std::uint8_t version) {
  KB_TRY(nvm_.erase(name_of(kSequence, domain, version)));
  return nvm_.erase(name_of(kTries, domain, version));
}

std::vector<KeyFacts> KeyStore::keys(const Aid& domain) const {
  std::vector<KeyFacts> out;
  for (const KeySet& set : load_all(domain)) {
    for (const KeySet::Key& key : set.keys) {
      out.push_back({.name = {set.version, key.identifier},
                     .type = key.type,
                     .length = static_cast<std::uint8_t>(key.value.size())});
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

Result<void> KeyStore::put_key(const Aid& domain, KeyName name, ByteView value) {
  if (!crypto::is_aes_key_size(value.size())) {
    return fail(Errc::kInvalidArgument, "an AES key has 16, 24 or 32 octets");
  }
  std::optional<KeySet> set = load(domain, name.version);
  if (!set) {
    const std::vector<KeySet> all = load_all(domain);
    if (all.size() >= kMaxSets || (!all.empty() && all.back().order == 0xFFFF)) {
      return fail(Errc::kLimit, "a security domain has at most 48 key sets");
    }
    const unsigned order = all.empty() ? 0U : all.back().order + 1U;
    set = KeySet{.version = name.version, .order = static_cast<std::uint16_t>(order)};
  }
  std::erase_if(set->keys, [&](const auto& key) { return key.identifier == name.identifier; });
  if (set->keys.size() >= kMaxKeysInSet) {
    return fail(Errc::kLimit, "a key set has at most 16 keys");
  }
  set->keys.push_back({name.identifier, kAesKeyType, SecretBytes::copy_of(value)});
  std::ranges::sort(set->keys, {}, &KeySet::Key::identifier);
  KB_TRY(store(domain, *set));
  return reset_counters(domain, name.version);
}

Result<void> KeyStore::erase_key(const Aid& domain, KeyName name) {
  std::optional<KeySet> set = load(domain, name.version);
  if (!set || set->find(name.identifier) == nullptr) {
    return {};
  }
  std::erase_if(set->keys, [&](const auto& key) { return key.identifier == name.identifier; });
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
  new_set->order = old_set->order;
  return store(domain, *new_set);
}

Result<void> KeyStore::erase_domain(const Aid& domain) {
  for (const std::string_view kind : {kKeys, kSequence, kTries}) {
    for (const std::string& name : nvm_.names(folder_of(kind, domain))) {
      KB_TRY(nvm_.erase(name));
    }
  }
  return {};
}

Result<scp::Scp03KeySet> KeyStore::scp03_key_set(const Aid& domain, std::uint8_t version) const {
  const std::optional<KeySet> set = load(domain, version);
  if (!set || !set->complete()) {
    return fail(Errc::kNotFound, "there is no complete SCP03 key set of this version");
  }
  return scp::Scp03KeySet::create(set->find(kEnc)->value.duplicate(),
                                  set->find(kMac)->value.duplicate(),
                                  set->find(kDek)->value.duplicate());
}

bool KeyStore::is_complete(const Aid& domain, std::uint8_t version) const {
  const std::optional<KeySet> set = load(domain, version);
  return set && set->complete();
}

std::optional<std::uint8_t> KeyStore::default_version(const Aid& domain) const {
  for (const KeySet& set : load_all(domain)) {
    if (set.complete()) {
      return set.version;
    }
  }
  return std::nullopt;
}

Result<std::uint32_t> KeyStore::take_sequence_counter(const Aid& domain, std::uint8_t version) {
  const std::string name = name_of(kSequence, domain, version);
  const SecretBytes* record = nvm_.get(name);
  const std::uint32_t now = record == nullptr ? 0 : KB_TRY(ByteReader(record->expose()).u32());
  if (now >= kMaxSequenceCounter) {
    return fail(Errc::kLimit, "the sequence counter of this key set has come to its end");
  }
  KB_TRY(nvm_.put(name, ByteWriter().u32(now + 1).view()));
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

}  // namespace kagibin::se
