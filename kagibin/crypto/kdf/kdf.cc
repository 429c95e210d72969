// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/kdf/kdf.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"

namespace kagibin::crypto {
namespace {

// Copies as much of the block as still fits and wipes it; what is left to fill.
MutableByteView take_block(MutableByteView out, MutableByteView block) {
  const std::size_t count = std::min(out.size(), block.size());
  std::ranges::copy(block.first(count), out.begin());
  wipe(block);
  return out.subspan(count);
}

Bytes u32_octets(std::uint32_t value) { return ByteWriter().u32(value).take(); }

}  // namespace

Result<SecretBytes> sp800_108_counter_cmac(ByteView key,
                                           ByteView prefix,
                                           ByteView suffix,
                                           std::size_t size) {
  if (size == 0 || size > 255 * kAesBlockSize) {
    return fail(Errc::kInvalidArgument, "SP 800-108 with one counter octet gives 1 to 255 blocks");
  }
  SecretBytes out(size);
  MutableByteView rest = out.expose_mutable();
  for (std::uint8_t counter = 1; !rest.empty(); ++counter) {
    Result<AesBlock> block = aes_cmac(key, {prefix, ByteView(&counter, 1), suffix});
    if (!block) {
      return std::unexpected(block.error());
    }
    rest = take_block(rest, *block);  // wiped where it stands
  }
  return out;
}

Result<SecretBytes> x963_kdf_sha256(ByteView z, ByteView shared_info, std::size_t size) {
  return x963_kdf(HashAlgorithm::kSha256, z, shared_info, size);
}

Result<SecretBytes> x963_kdf(HashAlgorithm hash,
                             ByteView z,
                             ByteView shared_info,
                             std::size_t size) {
  // ANSI X9.63 allows 2^32 - 1 blocks; nothing here asks for more than a few.
  constexpr std::size_t kLargest = std::size_t{1} << 20U;
  if (z.empty() || size == 0 || size > kLargest) {
    return fail(Errc::kInvalidArgument, "X9.63 needs a shared value and 1 octet to 1 MiB of keys");
  }
  SecretBytes out(size);
  MutableByteView rest = out.expose_mutable();
  for (std::uint32_t counter = 1; !rest.empty(); ++counter) {
    SecretBytes block = secret_digest(hash, {z, u32_octets(counter), shared_info});
    rest = take_block(rest, block.expose_mutable());
  }
  return out;
}

Result<SecretBytes> diversify_cmac(ByteView master_key,
                                   ByteView label,
                                   ByteView context,
                                   std::size_t size) {
  constexpr std::size_t kLargest = std::size_t{1} << 20U;
  if (size == 0 || size > kLargest) {
    return fail(Errc::kInvalidArgument, "diversification gives 1 octet to 1 MiB of keys");
  }
  constexpr std::array<std::uint8_t, 1> kSeparator = {0x00};
  const Bytes bits = u32_octets(static_cast<std::uint32_t>(size * 8));
  SecretBytes out(size);
  MutableByteView rest = out.expose_mutable();
  for (std::uint32_t counter = 1; !rest.empty(); ++counter) {
    Result<AesBlock> block =
        aes_cmac(master_key, {u32_octets(counter), label, kSeparator, context, bits});
    if (!block) {
      return std::unexpected(block.error());
    }
    rest = take_block(rest, *block);
  }
  return out;
}

}  // namespace kagibin::crypto
