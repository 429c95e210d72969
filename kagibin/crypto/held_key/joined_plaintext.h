// SPDX-License-Identifier: Apache-2.0
// A plaintext with keys in it that stay in a token, and what the token makes of it: it joins the
// parts, encrypts the whole and authenticates the ciphertext, so that no key is ever in this
// process. The token's end of suites 01 and 02 (protocol, section 6); the port is key_tokens.h.
//
//   Z = ECDH(a key pair that the token makes for this once, recipient)
//   K_i = SHA-256(Z | i as 4 octets | shared_info), from the left: Kenc | Kmac | IV (16)
//   sealed = AES-CBC(Kenc, IV, pad80(parts));  mac = AES-CMAC(Kmac, authenticated)
//
// Limits: the first 16 octets are no key and no secret of any kind (kHeadSize), for they meet the
// IV in the token; all keys are in one token. Ownership: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

// The first octets of the encryption of sixteen octets 01: the first three are the KCV of GPCS,
// B.6, and all of them tell one key from another.
using LongCheckValue = std::array<std::uint8_t, 8>;

// An AES key in a token that leaves it under another key only.
struct KeyInToken {
  std::string uri{};            // of the key, or of the master key that it is derived from
  std::size_t size_bytes = 16;  // 16, 24 or 32
  // SP 800-108 as DerivationKey::diversify; an empty label: the key itself.
  std::string label{};
  Bytes context{};
  // Which key it is: a token that has another one under this name by now seals nothing.
  std::optional<LongCheckValue> check_value{};

  bool is_derived() const { return !label.empty(); }
};

struct JoinedPlaintext {
  static constexpr std::size_t kHeadSize = 16;
  std::vector<std::variant<SecretBytes, KeyInToken>> parts;

  // Without padding.
  std::size_t size_bytes() const;
};

// What hangs on the key pair that the token makes.
class SealingContext {
 public:
  SealingContext() = default;
  SealingContext(const SealingContext&) = delete;
  SealingContext& operator=(const SealingContext&) = delete;
  virtual ~SealingContext() = default;
  virtual Digest256 shared_info(const EcPoint& ephemeral) const = 0;
  virtual Bytes authenticated(const EcPoint& ephemeral, ByteView sealed) const = 0;
};

struct SealedInToken {
  EcPoint ephemeral{};
  Bytes sealed;
  AesBlock mac{};
};

}  // namespace kagibin::crypto
