// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/secret.h"

#include <cstring>

#include "kagibin/base/declassified.h"

namespace kagibin {

void wipe(MutableByteView octets) {
  if (!octets.empty()) {
    explicit_bzero(octets.data(), octets.size());
  }
}

bool ct_equal(ByteView left, ByteView right) {
  if (left.size() != right.size()) {
    return false;
  }
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (left[i] ^ right[i]));
  }
  return declassified(difference) == 0;
}

SecretBytes SecretBytes::copy_of(ByteView octets) {
  SecretBytes out(octets.size());
  std::ranges::copy(octets, out.octets_.begin());
  return out;
}

void SecretBytes::shrink(std::size_t size) {
  if (size < octets_.size()) {
    *this = copy_of(ByteView(octets_).first(size));
  }
}

void PrintTo(const SecretBytes& secret, std::ostream* out) {
  *out << "<secret " << secret.size() << " bytes>";
}

}  // namespace kagibin
