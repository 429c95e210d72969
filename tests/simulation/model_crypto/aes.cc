// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/cipher/aes.h: a permutation of blocks that its key chooses, which
// decrypts; CBC over it; a CMAC and a GCM that are keyed hashes. Lengths and refusals are those of
// the real ones.
#include "kagibin/crypto/cipher/aes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::crypto {
namespace {

using model_crypto::Mixing;

constexpr std::size_t kGcmNonceSize = 12;
constexpr std::size_t kGcmTagSize = 16;
constexpr std::size_t kRounds = 6;
using RoundKeys = std::array<std::uint64_t, kRounds>;
using Halves = std::array<std::uint64_t, 2>;
static_assert(sizeof(Halves) == kAesBlockSize);

Result<void> check_key(ByteView key) {
  if (!is_aes_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "an AES key has 16, 24 or 32 octets");
  }
  return {};
}

RoundKeys round_keys(ByteView key) {
  RoundKeys out{};
  std::uint64_t number = Mixing("cipher").add(key).number();
  for (std::uint64_t& one : out) {
    number = number * 0x5851F42D4C957F2DU + 0x14057B7EF767814FU;
    one = number ^ (number >> 29U);
  }
  return out;
}

std::uint64_t scramble(std::uint64_t half, std::uint64_t key) {
  const std::uint64_t product = (half ^ key) * 0xD6E8FEB86659FD93U;
  return (product ^ (product >> 32U)) * 0x9FB21C651E98DF25U;
}

Halves encrypt(const RoundKeys& keys, Halves halves) {
  for (const std::uint64_t key : keys) {
    const std::uint64_t scrambled = scramble(halves[1], key);
    halves = {halves[1], halves[0] ^ (scrambled ^ (scrambled >> 32U))};
  }
  return halves;
}

Halves decrypt(const RoundKeys& keys, Halves halves) {
  for (std::size_t i = keys.size(); i-- > 0;) {
    const std::uint64_t scrambled = scramble(halves[0], keys.at(i));
    halves = {halves[1] ^ (scrambled ^ (scrambled >> 32U)), halves[0]};
  }
  return halves;
}

Halves halves_of(ByteView block) {
  Halves out{};
  std::memcpy(out.data(), block.data(), kAesBlockSize);
  return out;
}

void put(const Halves& halves, MutableByteView block) {
  std::memcpy(block.data(), halves.data(), kAesBlockSize);
}

Halves both(const Halves& a, const Halves& b) { return {a[0] ^ b[0], a[1] ^ b[1]}; }

Result<void> check_blocks(ByteView key, ByteView data) {
  KB_TRY(check_key(key));
  if (data.size() % kAesBlockSize != 0) {
    return fail(Errc::kInvalidArgument, "CBC without padding takes whole blocks");
  }
  return {};
}

Result<void> check_gcm(ByteView key, ByteView nonce) {
  KB_TRY(check_key(key));
  if (nonce.size() != kGcmNonceSize) {
    return fail(Errc::kInvalidArgument, "the nonce of AES-GCM has 12 octets");
  }
  return {};
}

void run_stream(ByteView key, ByteView nonce, ByteView in, MutableByteView out) {
  Mixing("gcm stream").add(key).add(nonce).give(out);
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] ^= in[i];
  }
}

std::array<std::uint8_t, kGcmTagSize> gcm_tag(ByteView key,
                                              ByteView nonce,
                                              ByteView aad,
                                              ByteView ciphertext) {
  std::array<std::uint8_t, kGcmTagSize> out{};
  Mixing("gcm tag").add(key).add(nonce).add(aad).add(ciphertext).give(out);
  return out;
}

}  // namespace

Result<AesBlock> aes_encrypt_block(ByteView key, const AesBlock& block) {
  KB_TRY(check_key(key));
  AesBlock out{};
  put(encrypt(round_keys(key), halves_of(block)), out);
  return out;
}

Result<Bytes> aes_cbc_encrypt(ByteView key, const AesBlock& iv, ByteView data) {
  KB_TRY(check_blocks(key, data));
  const RoundKeys keys = round_keys(key);
  Bytes out(data.size());
  Halves chain = halves_of(iv);
  for (std::size_t at = 0; at < data.size(); at += kAesBlockSize) {
    chain = encrypt(keys, both(chain, halves_of(data.subspan(at, kAesBlockSize))));
    put(chain, MutableByteView(out).subspan(at, kAesBlockSize));
  }
  return out;
}

Result<SecretBytes> aes_cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data) {
  KB_TRY(check_blocks(key, data));
  const RoundKeys keys = round_keys(key);
  SecretBytes out(data.size());
  Halves chain = halves_of(iv);
  for (std::size_t at = 0; at < data.size(); at += kAesBlockSize) {
    const Halves block = halves_of(data.subspan(at, kAesBlockSize));
    put(both(chain, decrypt(keys, block)), out.expose_mutable().subspan(at, kAesBlockSize));
    chain = block;
  }
  return out;
}

Result<AesBlock> aes_cmac(ByteView key, std::initializer_list<ByteView> pieces) {
  KB_TRY(check_key(key));
  AesBlock out{};
  Mixing("cmac").add(key).add(pieces).give(out);
  return out;
}

Result<std::array<std::uint8_t, 3>> aes_kcv(ByteView key) {
  AesBlock ones{};
  ones.fill(0x01);
  const AesBlock block = KB_TRY(aes_encrypt_block(key, ones));
  return std::array<std::uint8_t, 3>{block[0], block[1], block[2]};
}

Result<Bytes> aes_gcm_seal(ByteView key, ByteView nonce, ByteView aad, ByteView plaintext) {
  KB_TRY(check_gcm(key, nonce));
  Bytes out(plaintext.size());
  run_stream(key, nonce, plaintext, out);
  append(out, gcm_tag(key, nonce, aad, out));
  return out;
}

Result<SecretBytes> aes_gcm_open(ByteView key, ByteView nonce, ByteView aad, ByteView sealed) {
  KB_TRY(check_gcm(key, nonce));
  if (sealed.size() < kGcmTagSize) {
    return fail(Errc::kAuthentication, "the octets do not open");
  }
  const ByteView ciphertext = sealed.first(sealed.size() - kGcmTagSize);
  if (!equal(gcm_tag(key, nonce, aad, ciphertext), sealed.last(kGcmTagSize))) {
    return fail(Errc::kAuthentication, "the octets do not open");
  }
  SecretBytes out(ciphertext.size());
  run_stream(key, nonce, ciphertext, out.expose_mutable());
  return out;
}

}  // namespace kagibin::crypto
