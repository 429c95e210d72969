// SPDX-License-Identifier: Apache-2.0
// The static keys of every security domain: key sets by Key Version Number, keys in them by Key
// Identifier (GPCS 7.3 and 11.1.8; Amendment D, 4.1).
//
//   key/<AID>/<KVN>   02 | order (2) | key...
//     key             KID (1) | policy (00, or 01 and as key_policy.h writes it)
//                     | count (1) | (type (1) | length (2) | value) x count
//   seq/<AID>/<KVN>   sequence counter (4); absent: 0
//   try/<AID>/<KVN>   wrong host cryptograms in a row (1); absent: 0
//   tok/<AID>/<KVN>   numbers of tokens that were used (delegated/used_tokens.h)
//   cnf/<AID>/00      confirmation counter (2); absent: 0
//
// 02 is the record's version. Version 01 has no such octet: order (2), whose first octet is 00 or
// 01, and AES keys alone, KID (1) | 88 | length (1) | value; it is read and written anew as 02.
//
// `order` counts up as sets are put: the first that can open a channel is the one that INITIALIZE
// UPDATE with P1 = 0 means. What replaces a set has its place, also what takes that of the factory
// set. A set is complete when its keys 01, 02 and 03 (Key-ENC, Key-MAC,
// Key-DEK) are AES keys of one size, or 3DES keys of 16 octets, and the domain may use them.
// Limits: 48 sets a domain, 16 keys a set, 8,192 octets a set. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/gp/key/key.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/scp/scp03/scp03.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

inline constexpr std::uint8_t kFactoryKeyVersion = 0xFF;
inline constexpr std::uint8_t kMaxKeyVersion = 0x7F;
inline constexpr std::uint8_t kMaxKeyIdentifier = 0x7F;
// Where keys of one use stand (GPCS 2.3.1, C.4, C.5, C.3; GPC_GUI_010): KID 01 of these versions.
inline constexpr std::uint8_t kTokenKeyVersion = 0x70;
inline constexpr std::uint8_t kReceiptKeyVersion = 0x71;
inline constexpr std::uint8_t kDapKeyVersion = 0x73;
inline constexpr std::uint8_t kFirstKeyIdentifier = 0x01;

struct KeyName {
  std::uint8_t version = 0;     // KVN
  std::uint8_t identifier = 0;  // KID
};

// Which channel a complete set opens.
enum class ChannelKeys : std::uint8_t { kDes, kAes };

class KeyStore {
 public:
  static constexpr std::size_t kMaxSets = 48;
  static constexpr std::size_t kMaxKeysInSet = 16;

  explicit KeyStore(Nvm& nvm) : nvm_(nvm) {}

  // What GET DATA 00E0 tells: sets in the order they were put in; keys of a set in order of their
  // KID.
  gp::KeyInformation information(const Aid& domain) const;
  bool has_key(const Aid& domain, KeyName name) const;
  bool has_version(const Aid& domain, std::uint8_t version) const;
  // SHA-256 of the set's record, so that a change is seen; never leaves the element. Empty: no set.
  std::optional<crypto::Digest256> fingerprint(const Aid& domain, std::uint8_t version) const;
  // Empty when there is no such key.
  std::optional<gp::Key> key(const Aid& domain, KeyName name) const;
  // Replaces a key of that name. The set's counters start anew. kLimit when the domain is full.
  Result<void> put_key(const Aid& domain, KeyName name, const gp::Key& key);
  // The same of an AES key.
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
  // Of a complete set; empty of another.
  std::optional<ChannelKeys> channel_keys(const Aid& domain, std::uint8_t version) const;
  // The first complete set; empty when there is none. With `kind`: of those that are of that kind.
  std::optional<std::uint8_t> default_version(const Aid& domain,
                                              std::optional<ChannelKeys> kind = {}) const;

  // The counter as it stands: SCP02's, which a session counts when it opens.
  Result<std::uint32_t> sequence_counter(const Aid& domain, std::uint8_t version) const;
  // The counter to use now; it is stored incremented before this returns. kLimit at the end of its
  // three octets.
  Result<std::uint32_t> take_sequence_counter(const Aid& domain, std::uint8_t version);
  std::uint8_t failures(const Aid& domain, std::uint8_t version) const;
  Result<void> set_failures(const Aid& domain, std::uint8_t version, std::uint8_t count);

  // Of receipts (GPCS C.5): the next one's. take_ stores it incremented; kLimit after FFFF.
  std::uint16_t confirmation_counter(const Aid& domain) const;
  Result<std::uint16_t> take_confirmation_counter(const Aid& domain);

  // The name of the record tok/ above.
  static std::string used_tokens_record(const Aid& domain, std::uint8_t version);
  // kEncoding when a record of keys is not one: the element cannot start.
  Result<void> check_records() const;

 private:
  struct KeySet;
  std::optional<KeySet> load(const Aid& domain, std::uint8_t version) const;
  std::vector<KeySet> load_all(const Aid& domain) const;
  Result<void> store(const Aid& domain, const KeySet& set);
  Result<void> reset_counters(const Aid& domain, std::uint8_t version);

  Nvm& nvm_;
};

}  // namespace kagibin::se
