// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/key_block_protection.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/base/declassified.h"
#include "kagibin/crypto/kdf/kdf.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kLengthField = 2;
constexpr std::size_t kPaddedKey = 32;  // AES keys of all sizes look alike
constexpr std::size_t kLongestKey = 4000;
constexpr std::uint16_t kForEncryption = 0x0000;
constexpr std::uint16_t kForAuthentication = 0x0001;

Result<SecretBytes> derived(const SecretBytes& kbpk, std::uint16_t usage) {
  const std::size_t size = kbpk.size();
  if (!is_aes_key_size(size)) {
    return fail(Errc::kInvalidArgument, "a key block protection key has 16, 24 or 32 octets");
  }
  const auto algorithm = static_cast<std::uint16_t>(size / 8);  // 2, 3, 4
  const Bytes suffix = ByteWriter()
                           .u16(usage)
                           .u8(0x00)
                           .u16(algorithm)
                           .u16(static_cast<std::uint16_t>(size * 8))
                           .take();
  return sp800_108_counter_cmac(kbpk.expose(), {}, suffix, size);
}

// The length of the key in octets; the MAC has been found right.
Result<std::size_t> key_size(ByteView data) {
  const std::size_t bits = declassified(std::size_t{data[0]} << 8U | data[1]);
  if (bits == 0 || bits % 8 != 0 || bits / 8 > data.size() - kLengthField) {
    return fail(Errc::kLength, "the key block holds a key of a length that cannot be");
  }
  return bits / 8;
}

}  // namespace

Result<SecretBytes> open_key_block(const SecretBytes& kbpk, const KeyBlock& block) {
  const SecretBytes kbek = KB_TRY(derived(kbpk, kForEncryption));
  const SecretBytes kbak = KB_TRY(derived(kbpk, kForAuthentication));
  const Bytes header = KB_TRY(block.header.encode(2 * (block.encrypted.size() + block.mac.size())));
  const SecretBytes data = KB_TRY(aes_cbc_decrypt(kbek.expose(), block.mac, block.encrypted));
  AesBlock mac = KB_TRY(aes_cmac(kbak.expose(), {header, data.expose()}));
  const bool good = ct_equal(mac, block.mac);
  wipe(mac);  // of another's octets: nobody may ask for it
  if (!good) {
    return fail(Errc::kAuthentication, "the key block does not open under this key");
  }
  const std::size_t size = KB_TRY(key_size(data.expose()));
  return SecretBytes::copy_of(data.expose().subspan(kLengthField, size));
}

Result<KeyBlock> protect_key(const SecretBytes& kbpk,
                             const KeyBlockHeader& header,
                             const SecretBytes& key,
                             Rng& rng) {
  if (key.empty() || key.size() > kLongestKey) {
    return fail(Errc::kLength, "a key block holds a key of 1 to 4,000 octets");
  }
  const SecretBytes kbek = KB_TRY(derived(kbpk, kForEncryption));
  const SecretBytes kbak = KB_TRY(derived(kbpk, kForAuthentication));
  const std::size_t used = kLengthField + std::max(key.size(), kPaddedKey);
  SecretBytes data((used + kAesBlockSize - 1) / kAesBlockSize * kAesBlockSize);
  const MutableByteView out = data.expose_mutable();
  const std::size_t bits = 8 * key.size();
  out[0] = static_cast<std::uint8_t>(bits >> 8U);
  out[1] = static_cast<std::uint8_t>(bits & 0xFFU);
  std::ranges::copy(key.expose(), out.subspan(kLengthField).begin());
  KB_TRY(rng.fill(out.subspan(kLengthField + key.size())));
  KeyBlock block{.header = header, .encrypted = {}, .mac = {}};
  const Bytes head = KB_TRY(header.encode(2 * (data.size() + kAesBlockSize)));
  block.mac = KB_TRY(aes_cmac(kbak.expose(), {head, data.expose()}));
  block.encrypted = KB_TRY(aes_cbc_encrypt(kbek.expose(), block.mac, data.expose()));
  return block;
}

}  // namespace kagibin::crypto
