// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/check_value.h"

#include <algorithm>

#include "kagibin/crypto/cipher/aes.h"

namespace kagibin::crypto {

bool CheckValues::matches(std::string_view digits) const {
  const auto octets = from_hex(digits);
  if (!octets || digits.size() != 2 * octets->size()) {
    return false;
  }
  return equal(*octets, cmac) || equal(*octets, ByteView(cmac).first(3)) ||
         equal(*octets, legacy) || equal(*octets, gp);
}

Result<CheckValues> check_values(const SecretBytes& key) {
  constexpr AesBlock kZeros{};
  const AesBlock mac = KB_TRY(aes_cmac(key.expose(), {kZeros}));
  const AesBlock encrypted = KB_TRY(aes_encrypt_block(key.expose(), kZeros));
  CheckValues out;
  std::copy_n(mac.begin(), out.cmac.size(), out.cmac.begin());
  std::copy_n(encrypted.begin(), out.legacy.size(), out.legacy.begin());
  out.gp = KB_TRY(aes_kcv(key.expose()));
  return out;
}

}  // namespace kagibin::crypto
