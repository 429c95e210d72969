// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/joined_plaintext.h"

namespace kagibin::crypto {

std::size_t JoinedPlaintext::size_bytes() const {
  std::size_t size = 0;
  for (const auto& part : parts) {
    const auto* octets = std::get_if<SecretBytes>(&part);
    size += octets != nullptr ? octets->size() : std::get<KeyInToken>(part).size_bytes;
  }
  return size;
}

}  // namespace kagibin::crypto
