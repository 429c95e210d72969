// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cipher/padding.h"

#include <algorithm>

#include "kagibin/base/declassified.h"

namespace kagibin::crypto {
namespace {

// From the end: zeros, then 80, all within the last `room` octets, every one of which is looked at,
// whatever stands there. All arithmetic is on 0 and 1.
Result<std::size_t> unpad(ByteView padded, std::size_t room) {
  unsigned searching = 1;
  unsigned found = 0;
  std::size_t position = 0;
  for (std::size_t i = 1; i <= std::min(room, padded.size()); ++i) {
    const unsigned octet = padded[padded.size() - i];
    const unsigned is_zero = 1U ^ ((octet + 0xFFU) >> 8U);
    const unsigned is_mark = 1U ^ (((octet ^ 0x80U) + 0xFFU) >> 8U);
    const unsigned here = searching & is_mark;
    found |= here;
    position |= (padded.size() - i) & (std::size_t{0} - here);
    searching &= is_zero;
  }
  if (declassified(found) == 0) {
    return fail(Errc::kAuthentication, "the octets do not open");
  }
  return declassified(position);
}

}  // namespace

SecretBytes pad80(ByteView data, std::size_t block_bytes) {
  SecretBytes out((data.size() / block_bytes + 1) * block_bytes);
  std::ranges::copy(data, out.expose_mutable().begin());
  out.expose_mutable()[data.size()] = 0x80;
  return out;
}

Result<std::size_t> unpad80(ByteView padded, std::size_t block_bytes) {
  return unpad(padded, padded.size() % block_bytes == 0 ? block_bytes : 0);
}

Result<std::size_t> unpad80_blocks(ByteView padded) { return unpad(padded, padded.size()); }

}  // namespace kagibin::crypto
