// SPDX-License-Identifier: Apache-2.0
// Triple DES (SP 800-67) with 16 octets of key (K1 K2, K3 = K1) or 24: ECB and CBC without padding,
// the two MACs of GPCS B.1.2, and single DES where SCP02 wants it. Legacy: for SCP02 and for keys
// of cards that still have it.
//
// Parity bits of keys are not looked at. Failures: kInvalidArgument for key or data lengths;
// kCrypto from the library.
//
//   const auto mac = KB_TRY(retail_mac(key.expose(), icv, {header, data}));
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

inline constexpr std::size_t kDesBlockSize = 8;
using DesBlock = std::array<std::uint8_t, kDesBlockSize>;

// True for 16 and 24.
constexpr bool is_des3_key_size(std::size_t size) { return size == 16 || size == 24; }

// `data` is a multiple of 8 octets; the result has the same length.
Result<Bytes> des3_ecb_encrypt(ByteView key, ByteView data);
Result<SecretBytes> des3_ecb_decrypt(ByteView key, ByteView data);
Result<Bytes> des3_cbc_encrypt(ByteView key, const DesBlock& iv, ByteView data);
Result<SecretBytes> des3_cbc_decrypt(ByteView key, const DesBlock& iv, ByteView data);

// One block of single DES with an 8-octet key.
Result<DesBlock> des_encrypt_block(ByteView key, const DesBlock& block);

// Full triple DES MAC (GPCS B.1.2.1; ISO/IEC 9797-1, MAC algorithm 1 with triple DES and padding
// method 2) over the pieces read as one string.
Result<DesBlock> des3_mac(ByteView key,
                          const DesBlock& icv,
                          std::initializer_list<ByteView> pieces);
// Single DES plus final triple DES (GPCS B.1.2.2; ISO/IEC 9797-1, MAC algorithm 3, padding method
// 2), the retail MAC. The key has 16 octets.
Result<DesBlock> retail_mac(ByteView key,
                            const DesBlock& icv,
                            std::initializer_list<ByteView> pieces);

// Key check value of a triple DES key: the first three octets of the encryption of eight octets 00
// (GPCS B.6).
Result<std::array<std::uint8_t, 3>> des3_kcv(ByteView key);

}  // namespace kagibin::crypto
