// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/key_block/key_block_protection.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/token_element_keys.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kProtection = "kbpk.";
constexpr std::string_view kBound = "bound.";
constexpr std::string_view kLiteral = "literal.";
constexpr std::string_view kMasterAttributes = "attributes.master.";
constexpr std::string_view kLegacyMethod = "00";
constexpr std::string_view kCmacMethod = "01";

std::string record_of(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(name);
}

Checked<StoredKey> read_stored(std::string_view prefix,
                               std::string_view name,
                               const KeyStore& keys) {
  const auto record = keys.record(record_of(prefix, name));
  if (!record) {
    return problem(record.error().code, fmt::format("The key \"{}\" cannot be used: {}.", name,
                                                    record.error().detail.text()));
  }
  return KB_TRY(StoredKey::decode(record->expose()));
}

// The protection key, when its mode of use is one of these.
Checked<StoredKey> protection_key(std::string_view name,
                                  std::string_view modes,
                                  std::string_view what,
                                  const KeyStore& keys) {
  if (!keys.has_record(record_of(kProtection, name))) {
    return problem(Errc::kNotFound, fmt::format("There is no protection key \"{}\"; it comes by "
                                                "kagibin provider ceremony, or as a key block of "
                                                "usage K1.",
                                                name));
  }
  StoredKey out = KB_TRY(read_stored(kProtection, name, keys));
  if (modes.find(out.attributes.mode_of_use) == std::string_view::npos) {
    return problem(Errc::kPolicy, fmt::format("The protection key \"{}\" has mode of use {}, which "
                                              "does not let it {} keys; nothing was done.",
                                              name, out.attributes.mode_of_use, what));
  }
  return out;
}

// Ties attributes to their key: should an import be cut before the key, a key that is made under
// the same name later does not inherit them.
SecretBytes fingerprint(const SecretBytes& key) {
  return SecretBytes::copy_of(crypto::sha256({ascii("KB1-KAT"), key.expose()}));
}

ByteView without_line_end(ByteView text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text = text.first(text.size() - 1);
  }
  return text;
}

// KC and KP: method (2 digits) and check value. True when it is that of `values`.
bool names(const std::string& block, const crypto::CheckValues& values) {
  const std::string_view method = std::string_view(block).substr(0, 2);
  const std::string_view digits =
      std::string_view(block).substr(std::min<std::size_t>(2, block.size()));
  const std::string whole = method == kCmacMethod     ? to_hex(values.cmac)
                            : method == kLegacyMethod ? to_hex(values.legacy)
                                                      : std::string();
  return digits.size() >= 4 && whole.starts_with(digits);
}

std::string described(const crypto::CheckValues& values) { return to_hex(values.cmac); }

Checked<SecretBytes> opened(const crypto::KeyBlock& block,
                            const StoredKey& kbpk,
                            std::string_view kbpk_name) {
  const crypto::CheckValues own = KB_TRY(crypto::check_values(kbpk.key));
  const std::string* stated = block.header.find(crypto::kProtectionCheckBlock);
  auto key = crypto::open_key_block(kbpk.key, block);
  if (!key && key.error().code == Errc::kAuthentication) {
    return problem(
        Errc::kAuthentication,
        fmt::format("The key block does not open under the protection key \"{}\" (check value {}): "
                    "it was made under another one, or was changed{}. Nothing was stored.",
                    kbpk_name, described(own),
                    stated == nullptr || names(*stated, own)
                        ? std::string()
                        : fmt::format("; it says itself (KP) that its protection key has check "
                                      "value {}",
                                      stated->substr(std::min<std::size_t>(2, stated->size())))));
  }
  if (!key) {
    return std::unexpected(Problem(key.error()));
  }
  const std::string* inner = block.header.find(crypto::kKeyCheckBlock);
  if (crypto::is_aes_key_size(key->size()) && inner != nullptr &&
      !names(*inner, KB_TRY(crypto::check_values(*key)))) {
    return problem(Errc::kValue,
                   "The key block's own check value (KC) is not that of its key: its sender made a "
                   "mistake. Nothing was stored.");
  }
  return std::move(*key);
}

Checked<void> add_bound_key(std::string_view name, const StoredKey& key, KeyStore& keys) {
  // First whose it is: what is claimed and not stored is no key yet.
  KB_TRY(keys.claim_key(name, key.key, key.attributes.binding->seid));
  KB_TRY(ExposedKeys(keys).add(key.key.expose()));
  KB_TRY(keys.put_new_record(record_of(kBound, name), key.encode()));
  return {};
}

Checked<void> add_master(std::string_view name,
                         const StoredKey& key,
                         KeyStore& keys,
                         bool dual_control,
                         const std::string& token_uri,
                         std::optional<Exposure> exposure) {
  if (exposure) {
    KB_TRY(ExposedKeys(keys).add_master(name, *exposure));
  }
  // First what it may be used for: attributes without their key are nothing.
  const StoredKey attributes{.attributes = key.attributes, .key = fingerprint(key.key)};
  KB_TRY(keys.put_record(record_of(kMasterAttributes, name), attributes.encode()));
  return dual_control ? keys.add_dual_master_key(name, key.key)
                      : keys.add_master_key(name, key.key, token_uri);
}

}  // namespace

bool is_block_key(std::string_view name, const KeyStore& keys) {
  return keys.has_record(record_of(kBound, name));
}

bool has_stored_key(KeyPurpose purpose, std::string_view name, const KeyStore& keys) {
  switch (purpose) {
    case KeyPurpose::kMasterKey:
      return keys.has_master_key(name);
    case KeyPurpose::kElementKey:
      return keys.has_record(record_of(kLiteral, name)) ||
             keys.has_record(record_of(kBound, name)) || is_token_element_key(name, keys);
    case KeyPurpose::kProtectionKey:
      break;
  }
  return keys.has_record(record_of(kProtection, name));
}

Checked<void> add_stored_key(KeyPurpose purpose,
                             std::string_view name,
                             const StoredKey& key,
                             KeyStore& keys,
                             bool dual_control,
                             const std::string& token_uri,
                             std::optional<Exposure> exposure) {
  if (!token_uri.empty() && (purpose != KeyPurpose::kMasterKey || dual_control)) {
    return problem(Errc::kInvalidArgument,
                   "Into a token goes a master key alone, and who may use it there is the token's "
                   "to say, not a second custodian's passphrase; nothing was stored.");
  }
  if (has_stored_key(purpose, name, keys)) {
    return problem(Errc::kConflict,
                   fmt::format("There is a key \"{}\" already, which is kept as it "
                               "is; nothing was stored. Choose another name.",
                               name));
  }
  switch (purpose) {
    case KeyPurpose::kMasterKey:
      return add_master(name, key, keys, dual_control, token_uri, exposure);
    case KeyPurpose::kElementKey:
      return add_bound_key(name, key, keys);
    case KeyPurpose::kProtectionKey:
      break;
  }
  KB_TRY(keys.put_new_record(record_of(kProtection, name), key.encode()));
  return {};
}

Checked<StoredKey> stored_key(KeyPurpose purpose, std::string_view name, KeyStore& keys) {
  if (purpose != KeyPurpose::kMasterKey) {
    return read_stored(purpose == KeyPurpose::kProtectionKey ? kProtection : kBound, name, keys);
  }
  StoredKey out{.attributes = {}, .key = KB_TRY(keys.master_key_octets(name))};
  if (keys.has_record(record_of(kMasterAttributes, name))) {
    const StoredKey kept = KB_TRY(read_stored(kMasterAttributes, name, keys));
    if (ct_equal(kept.key.expose(), fingerprint(out.key).expose())) {
      out.attributes = kept.attributes;
    }
  }
  return out;
}

Checked<ImportedKey> import_key_block(ByteView text,
                                      const KeyBlockRequest& request,
                                      KeyStore& keys) {
  const StoredKey kbpk = KB_TRY(protection_key(request.kbpk, "BDN", "open", keys));
  const auto block = crypto::KeyBlock::decode(without_line_end(text));
  if (!block) {
    return problem(block.error().code, fmt::format("The key block is refused: {}. Nothing was "
                                                   "stored.",
                                                   block.error().detail.text()));
  }
  StoredKey stored;
  stored.key = KB_TRY(opened(*block, kbpk, request.kbpk));
  ImportedKey out;
  out.purpose = KB_TRY(purpose_of(block->header));
  out.size_bytes = stored.key.size();
  if (!crypto::is_aes_key_size(stored.key.size())) {
    return problem(Errc::kLength,
                   "The key block's key is no AES key of 128, 192 or 256 bits; "
                   "nothing was stored.");
  }
  KB_TRY(check_strength(stored.key.size(), kbpk.key.size()));
  if (out.purpose == KeyPurpose::kElementKey && !request.binding) {
    return problem(Errc::kInvalidArgument,
                   "The key block's key is for one element; say for which, and for what there, by "
                   "--seid and --target. Nothing was stored.");
  }
  if (out.purpose != KeyPurpose::kElementKey && request.binding) {
    return problem(
        Errc::kInvalidArgument,
        fmt::format("The key block holds a {}, which is for no one element; leave --seid "
                    "and --target out. Nothing was stored.",
                    name(out.purpose)));
  }
  stored.attributes = {.key_usage = block->header.key_usage,
                       .mode_of_use = block->header.mode_of_use,
                       .key_version_number = block->header.key_version_number,
                       .exportability = block->header.exportability,
                       .binding = request.binding};
  out.attributes = stored.attributes;
  out.check_values = KB_TRY(crypto::check_values(stored.key));
  KB_TRY(add_stored_key(out.purpose, request.name, stored, keys, false, request.token_uri,
                        Exposure::kCame));
  return out;
}

Checked<Bytes> export_key_block(KeyPurpose purpose,
                                std::string_view name,
                                std::string_view kbpk_name,
                                KeyStore& keys,
                                crypto::Rng& rng) {
  const StoredKey stored = KB_TRY(stored_key(purpose, name, keys));
  const KeyAttributes& attributes = stored.attributes;
  if (attributes.exportability != 'E' && attributes.exportability != 'S') {
    return problem(
        Errc::kPolicy,
        fmt::format("The key \"{}\" has exportability N and never leaves as a key block; "
                    "nothing was written.",
                    name));
  }
  const StoredKey kbpk = KB_TRY(protection_key(kbpk_name, "BEN", "protect", keys));
  KB_TRY(check_strength(stored.key.size(), kbpk.key.size()));
  // Before anything is made of it: from here on the block may be with others.
  if (purpose == KeyPurpose::kMasterKey) {
    KB_TRY(ExposedKeys(keys).add_master(name, Exposure::kWent));
  } else if (purpose == KeyPurpose::kElementKey) {
    KB_TRY(ExposedKeys(keys).add(stored.key.expose()));
  }
  KB_CRASH_POINT("provider.key_block.after_mark");
  const auto check_block = [](std::string_view id, const crypto::CheckValues& values) {
    return crypto::OptionalBlock{.id = std::string(id),
                                 .data = std::string(kCmacMethod).append(to_hex(values.cmac))};
  };
  const crypto::CheckValues inner = KB_TRY(crypto::check_values(stored.key));
  const crypto::CheckValues outer = KB_TRY(crypto::check_values(kbpk.key));
  crypto::KeyBlockHeader header{
      .key_usage = attributes.key_usage,
      .algorithm = 'A',
      .mode_of_use = attributes.mode_of_use,
      .key_version_number = attributes.key_version_number,
      .exportability = attributes.exportability,
      .key_context = '0',
      .optional_blocks = {check_block(crypto::kKeyCheckBlock, inner),
                          check_block(crypto::kProtectionCheckBlock, outer)}};
  header.pad();
  const crypto::KeyBlock block = KB_TRY(crypto::protect_key(kbpk.key, header, stored.key, rng));
  return KB_TRY(block.encode());
}

Checked<void> check_binding(std::string_view name,
                            const Seid& seid,
                            const Aid& target,
                            const std::optional<KeySlot>& slot,
                            const KeyStore& keys) {
  if (!keys.has_record(record_of(kBound, name))) {
    return {};
  }
  const StoredKey stored = KB_TRY(read_stored(kBound, name, keys));
  if (!stored.attributes.binding) {
    return problem(Errc::kStore, fmt::format("The key \"{}\" has lost its element.", name));
  }
  const KeyBinding& binding = *stored.attributes.binding;
  if (binding.seid != seid || binding.target != target) {
    return problem(
        Errc::kPolicy,
        fmt::format("The key \"{}\" came in a key block for target {} of element {}, and "
                    "the payload puts it into target {} of element {}; nothing was "
                    "ordered.",
                    name, binding.target.hex(), binding.seid.hex(), target.hex(), seid.hex()));
  }
  if (binding.slot && binding.slot != slot) {
    return problem(Errc::kPolicy,
                   fmt::format("The key \"{}\" came in a key block for key version {:02X}, key "
                               "identifier {:02X}, and the payload puts it elsewhere; nothing was "
                               "ordered.",
                               name, binding.slot->key_version, binding.slot->key_identifier));
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
