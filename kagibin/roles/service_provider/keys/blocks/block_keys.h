// SPDX-License-Identifier: Apache-2.0
// Keys that come and go as key blocks (ANSI X9.143), and the keys that protect them.
//
// In the key store, beside "master.<name>" and "literal.<name>": "kbpk.<name>", a protection key,
// and "bound.<name>", a key for one place in one element, each with its attributes in one record;
// "attributes.master.<name>" of a master key. A master key without that record was made here and
// has exportability N. Whose exportability is N never leaves as a key block again. What came or
// goes is marked as known to others (keys/exposed_keys.h). Thread-safety: one thread.
//
//   const ImportedKey key = KB_TRY(import_key_block(text, {.name = "fleet", .kbpk = "zone"},
//   keys)); const Bytes block = KB_TRY(export_key_block(KeyPurpose::kMasterKey, "fleet", "zone",
//   keys, rng));
#pragma once

#include <string>
#include <string_view>

#include "kagibin/crypto/key_block/check_value.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"
#include "kagibin/roles/service_provider/keys/blocks/key_fitness.h"
#include "kagibin/roles/service_provider/keys/exposed_keys.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct KeyBlockRequest {
  std::string name;                     // of the key here
  std::string kbpk;                     // name of the protection key
  std::optional<KeyBinding> binding{};  // required for an element key, refused for others
  std::string token_uri{};              // where a master key is to be in a token; empty: a record
};

struct ImportedKey {
  KeyPurpose purpose = KeyPurpose::kElementKey;
  KeyAttributes attributes;
  crypto::CheckValues check_values;
  std::size_t size_bytes = 0;
};

// One block, with or without a line end. kAuthentication when it is not under that key or was
// changed; kPolicy, kNotSupported or kValue with the reason when the key does not fit; kConflict
// when the name is taken. Nothing is stored then.
Checked<ImportedKey> import_key_block(ByteView text,
                                      const KeyBlockRequest& request,
                                      KeyStore& keys);

// kPolicy when the key must not leave, or the protection key must not protect; kNotFound. The key
// is marked before the block is made: a caller that is cut before it wrote it leaves the mark.
Checked<Bytes> export_key_block(KeyPurpose purpose,
                                std::string_view name,
                                std::string_view kbpk,
                                KeyStore& keys,
                                crypto::Rng& rng);

// Stores a key with its attributes under the name that its purpose gives it. kConflict when the
// name is taken: the key that is there stays. `dual_control`: of a master key (dual_control.h).
// `token_uri`: of a master key, too, and not with dual control. kInvalidArgument. `exposure`: who
// else has a master key (keys/exposed_keys.h), marked before it is stored.
Checked<void> add_stored_key(KeyPurpose purpose,
                             std::string_view name,
                             const StoredKey& key,
                             KeyStore& keys,
                             bool dual_control = false,
                             const std::string& token_uri = {},
                             std::optional<Exposure> exposure = {});
// Whether a key of one element came as a key block.
bool is_block_key(std::string_view name, const KeyStore& keys);
bool has_stored_key(KeyPurpose purpose, std::string_view name, const KeyStore& keys);
// kNotFound.
Checked<StoredKey> stored_key(KeyPurpose purpose, std::string_view name, KeyStore& keys);

// kPolicy when the key "bound.<name>" is for another target or slot; a key that is not bound is
// for any. `slot` is none outside PUT KEY.
Checked<void> check_binding(std::string_view name,
                            const Seid& seid,
                            const Aid& target,
                            const std::optional<KeySlot>& slot,
                            const KeyStore& keys);

}  // namespace kagibin::roles::service_provider
