// SPDX-License-Identifier: Apache-2.0
// AES (FIPS 197) with 16, 24 or 32 octets of key: one block, CBC without padding (SP 800-38A), CMAC
// (SP 800-38B), GCM (SP 800-38D).
//
// Failures: kInvalidArgument for key or data lengths; kAuthentication from gcm_open; kCrypto from
// the library.
//
//   const auto mac = KB_TRY(aes_cmac(key.expose(), {chaining_value, header, data}));
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/cipher/padding.h"

namespace kagibin::crypto {

inline constexpr std::size_t kAesBlockSize = 16;
using AesBlock = std::array<std::uint8_t, kAesBlockSize>;

// True for 16, 24 and 32.
constexpr bool is_aes_key_size(std::size_t size) { return size == 16 || size == 24 || size == 32; }

Result<AesBlock> aes_encrypt_block(ByteView key, const AesBlock& block);
// `data` is a multiple of 16 octets; the result has the same length.
Result<Bytes> aes_cbc_encrypt(ByteView key, const AesBlock& iv, ByteView data);
Result<SecretBytes> aes_cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data);
// One CMAC over the pieces read as one string.
Result<AesBlock> aes_cmac(ByteView key, std::initializer_list<ByteView> pieces);

// Key check value of an AES key: the first three octets of the encryption of sixteen octets 01
// (GPCS, B.6).
Result<std::array<std::uint8_t, 3>> aes_kcv(ByteView key);

// AES-GCM with a 12-octet nonce and a 16-octet tag behind the ciphertext.
Result<Bytes> aes_gcm_seal(ByteView key, ByteView nonce, ByteView aad, ByteView plaintext);
Result<SecretBytes> aes_gcm_open(ByteView key, ByteView nonce, ByteView aad, ByteView sealed);

}  // namespace kagibin::crypto
