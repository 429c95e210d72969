// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fixed_rng.h"

#include "kagibin/base/byte_io.h"

namespace kagibin::test {

Result<void> FixedRng::fill(MutableByteView out) {
  for (std::uint8_t& octet : out) {
    if (used_ == block_.size()) {
      block_ = crypto::sha256({ascii(seed_), ByteWriter().u32(counter_).view()});
      ++counter_;
      used_ = 0;
    }
    octet = block_[used_];
    ++used_;
  }
  octets_drawn_ += out.size();
  ++calls_;
  return {};
}

}  // namespace kagibin::test
