// SPDX-License-Identifier: Apache-2.0
// A key as a security domain holds it: its components in the clear, what they make together, and
// what the key may be used for (GPCS 2.3.1, 11.1.8 to 11.1.10; key_type.h, key_policy.h).
//
// No key exists that was not checked: sizes (AES 16, 24 or 32 octets, 3DES 16 or 24, RSA 1,024 to
// 4,096 bits), points on their curve (P-256, P-384), and that numbers belong together. What is told
// about the key is told of the components as they came. Ownership: secrets, move-only.
//
//   const Key key = KB_TRY(Key::from({{key_type::kAes, std::move(value)}}));
//   const Key token_key = KB_TRY(Key::ec_public(point));
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/secret.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/rsa/rsa_key.h"
#include "kagibin/gp/key/key_policy.h"
#include "kagibin/gp/key/key_type.h"

namespace kagibin::gp {

using KeyCheckValue = std::array<std::uint8_t, 3>;

struct KeyPart {
  std::uint8_t type = 0;
  SecretBytes value{};  // public parts, too: one type for all
};

class Key {
 public:
  // kNotSupported, kValue and kLength as above.
  static Result<Key> from(std::vector<KeyPart> parts, std::optional<KeyPolicy> policy = {});
  // Of components that from() took before: points and numbers are not looked at again.
  static Result<Key> trusted(std::vector<KeyPart> parts, std::optional<KeyPolicy> policy);
  // The components as hosts send them: EC keys with the curve's reference.
  static Result<Key> aes(ByteView value);
  static Result<Key> des(ByteView value);
  static Result<Key> rsa_public(const crypto::RsaPublicKey& key);
  static Result<Key> rsa_private(const crypto::RsaPrivateKey& key);
  static Result<Key> ec_public(const crypto::CurvePublicKey& key);
  static Result<Key> ec_private(const crypto::CurvePrivateKey& key);

  KeyKind kind() const { return kind_; }
  const std::vector<KeyPart>& parts() const { return parts_; }
  const std::optional<KeyPolicy>& policy() const { return policy_; }
  KeyPolicy effective_policy() const { return policy_.value_or(KeyPolicy{}); }
  // nullptr when the key has no component of this type.
  const SecretBytes* part(std::uint8_t type) const;
  // Of an EC key.
  std::optional<crypto::Curve> curve() const { return curve_; }
  Key duplicate() const;

  // The value of a symmetric key. Precondition: it is one (KB_CHECK).
  const SecretBytes& secret() const;
  // kNotFound when the key is of another kind, or has only the other half.
  Result<crypto::RsaPublicKey> rsa_public_key() const;
  Result<crypto::RsaPrivateKey> rsa_private_key() const;
  Result<crypto::CurvePublicKey> ec_public_key() const;
  Result<crypto::CurvePrivateKey> ec_private_key() const;

 private:
  Key(std::vector<KeyPart> parts, std::optional<KeyPolicy> policy, KeyKind kind)
      : parts_(std::move(parts)), policy_(policy), kind_(kind) {}
  Result<void> check_shape();
  Result<void> check_numbers() const;
  std::vector<KeyPart> parts_;
  std::optional<KeyPolicy> policy_;
  KeyKind kind_;
  std::optional<crypto::Curve> curve_;
};

// Three octets: of the encryption of sixteen octets 01 under an AES key, of eight octets 00 under a
// 3DES key (GPCS B.6). Empty for other keys.
Result<std::optional<KeyCheckValue>> key_check_value(const Key& key);
// Whether a key check value that came with the key is its own. Public and private keys of RSA and
// EC have none in the specification; hosts that send one take the first octets of the SHA-1 or the
// SHA-256 of the components in the order they come in, and either is believed.
Result<bool> matches_check_value(const Key& key, const KeyCheckValue& value);

}  // namespace kagibin::gp
