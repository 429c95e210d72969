// SPDX-License-Identifier: Apache-2.0
// What a key block says of its key (crypto/key_block/key_block.h), kept with the key for as long as
// it is here; and the one place in one element that the key is for.
//
// As it lies in a record of the key store, in front of the key, or of the key's fingerprint where
// the key has a record of its own ("attributes.master.<name>"):
//
//   02 | usage (2) | mode (1) | key version number (2) | exportability (1) | bound (1)
//   bound 01, 02: SEID (16) | length of target (1) | target
//   bound 02: KVN (1) | KID (1)
//
// Format 01, otherwise the same, is of programs that marked no key that came or went
// (keys/exposed_keys.h); it is read, and not written any more.
//
// Ownership: values. Thread-safety: values.
//
//   const StoredKey stored = KB_TRY(StoredKey::decode(record.expose()));
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kagibin/base/aid.h"
#include "kagibin/base/secret.h"

namespace kagibin::roles::service_provider {

struct KeySlot {
  std::uint8_t key_version = 0;
  std::uint8_t key_identifier = 0;
  bool operator==(const KeySlot&) const = default;
};

struct KeyBinding {
  Seid seid;
  Aid target;
  std::optional<KeySlot> slot;  // none: any of the target's
  bool operator==(const KeyBinding&) const = default;
};

struct KeyAttributes {
  std::string key_usage = "B3";
  char mode_of_use = 'X';
  std::string key_version_number = "00";
  char exportability = 'N';
  std::optional<KeyBinding> binding{};
  bool operator==(const KeyAttributes&) const = default;
};

struct StoredKey {
  KeyAttributes attributes;
  SecretBytes key;
  bool marks_are_kept = true;  // read from format 02

  SecretBytes encode() const;
  // kEncoding for anything else than the above.
  static Result<StoredKey> decode(ByteView octets);
};

}  // namespace kagibin::roles::service_provider
