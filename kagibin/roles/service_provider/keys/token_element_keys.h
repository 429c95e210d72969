// SPDX-License-Identifier: Apache-2.0
// Keys of one element that are in a token and never here: made or put there, bound to one place in
// one element, delivered by having the token seal (envelope/delivery_seal.h).
//
// In the key store the record "held.<name>", with the attributes of keys/blocks/key_attributes.h in
// front of
//
//   size of the key (1) | check value (8) | URI (RFC 7512)
//
// The check value is asked of the token each time: another key under the same name is kUntrusted.
// A payload names such a key as `literal`, and what is no PUT KEY refuses it. Thread-safety: one
// thread.
//
//   KB_TRY(create_token_element_key({.name = "k", .place = place, .binding = binding}, 16, keys));
//   const TokenElementKey key = KB_TRY(find_token_element_key("k", keys));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/held_key/joined_plaintext.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct TokenElementKeyPlan {
  std::string name;        // in payload files
  crypto::KeyPlace place;  // in a token
  KeyBinding binding;
};

struct TokenElementKey {
  crypto::KeyInToken key;
  crypto::LongCheckValue check_value{};
  KeyBinding binding;

  std::array<std::uint8_t, 3> kcv() const {
    return {check_value[0], check_value[1], check_value[2]};
  }
};

// Made in the token, or there already, with this size. kConflict when the name is taken;
// kNotSupported when the token cannot seal, and nothing is made then; kPolicy for a key that is
// another element's.
Checked<TokenElementKey> create_token_element_key(const TokenElementKeyPlan& plan,
                                                  std::size_t size_bytes,
                                                  KeyStore& keys);
// A key that came from outside, the token's from now on.
Checked<TokenElementKey> put_token_element_key(const TokenElementKeyPlan& plan,
                                               const SecretBytes& key,
                                               KeyStore& keys);

bool is_token_element_key(std::string_view name, const KeyStore& keys);
// Asks the token. kNotFound; kIo when it does not answer; kUntrusted when it has another key.
Checked<TokenElementKey> find_token_element_key(std::string_view name, const KeyStore& keys);

// kPolicy when the key is bound elsewhere.
Checked<void> check_token_binding(std::string_view name,
                                  const TokenElementKey& key,
                                  const Seid& seid,
                                  const Aid& target,
                                  const std::optional<KeySlot>& slot);

}  // namespace kagibin::roles::service_provider
