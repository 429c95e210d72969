// SPDX-License-Identifier: Apache-2.0
// The static keys of every security domain: key sets by Key Version Number, keys in them by Key
// Identifier (GPCS 7.3 and Amendment D, 4.1).
//
//   key/<AID>/<KVN>   order (2) | key ...      key: KID (1) | type (1) | length (1) | value
//   seq/<AID>/<KVN>   SCP03 sequence counter (4); absent: 0
//   try/<AID>/<KVN>   wrong host cryptograms in a row (1); absent: 0
//
// `order` counts up as sets are put: the first that can open a channel is the one that INITIALIZE
// UPDATE with P1 = 0 means. A set is complete when it has AES keys 01, 02 and 03 of one size
// (Key-ENC, Key-MAC, Key-DEK). Limits: 48 sets a domain, 16 keys a set. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/scp/scp03.h"
#include "kagibin/se/nvm.h"

namespace kagibin::se {

inline constexpr std::uint8_t kFactoryKeyVersion = 0xFF;
inline constexpr std::uint8_t kMaxKeyVersion = 0x7F;
inline constexpr std::uint8_t kMaxKeyIdentifier = 0x7F;
inline constexpr std::uint8_t kAesKeyType = 0x88;  // GPCS 11.1.8

struct KeyName {
  std::uint8_t version = 0;     // KVN
  std::uint8_t identifier = 0;  // KID
};

struct KeyFacts {
  KeyName name;
  std::uint8_t type = 0;
  std::uint8_t length = 0;  // octets
};

class KeyStore {
 public:
  static constexpr std::size_t kMaxSets = 48;
  static constexpr std::size_t kMaxKeysInSet = 16;

  explicit KeyStore(Nvm& nvm) : nvm_(nvm) {}

  // In the order the sets were put in; keys of a set in order of their KID.
  std::vector<KeyFacts> keys(const Aid& domain) const;
  bool has_key(const Aid& domain, KeyName name) const;
  bool has_version(const Aid& domain, std::uint8_t version) const;
  // Replaces a key of that name. The set's counters start anew. kLimit when the domain is full.
  Result<void> put_key(const Aid& domain, KeyName name, ByteView value);
  // Nothing happens when there is no such key. A set without keys is gone, with its counters.
  Result<void> erase_key(const Aid& domain, KeyName name);
  Result<void> erase_version(const Aid& domain, std::uint8_t version);
  // Gives the set `to` the place in the order that `from` has.
  Result<void> inherit_order(const Aid& domain, std::uint8_t from, std::uint8_t to);
  // All keys and counters of a domain.
  Result<void> erase_domain(const Aid& domain);

  // kNotFound unless the set is complete.
  Result<scp::Scp03KeySet> scp03_key_set(const Aid& domain, std::uint8_t version) const;
  bool is_complete(const Aid& domain, std::uint8_t version) const;
  // The first complete set; empty when there is none.
  std::optional<std::uint8_t> default_version(const Aid& domain) const;

  // The counter to use now; it is stored incremented before this returns. kLimit at the end of its
  // three octets.
  Result<std::uint32_t> take_sequence_counter(const Aid& domain, std::uint8_t version);
  std::uint8_t failures(const Aid& domain, std::uint8_t version) const;
  Result<void> set_failures(const Aid& domain, std::uint8_t version, std::uint8_t count);

 private:
  struct KeySet;
  std::optional<KeySet> load(const Aid& domain, std::uint8_t version) const;
  std::vector<KeySet> load_all(const Aid& domain) const;
  Result<void> store(const Aid& domain, const KeySet& set);
  Result<void> reset_counters(const Aid& domain, std::uint8_t version);

  Nvm& nvm_;
};

}  // namespace kagibin::se
