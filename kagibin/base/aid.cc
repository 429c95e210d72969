// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/aid.h"

#include <algorithm>

namespace kagibin {

Result<Aid> Aid::from(ByteView octets) {
  if (octets.size() < kMinLength || octets.size() > kMaxLength) {
    return fail(Errc::kLength, "an AID has 5 to 16 octets");
  }
  Aid aid;
  std::ranges::copy(octets, aid.octets_.begin());
  aid.length_ = static_cast<std::uint8_t>(octets.size());
  return aid;
}

Result<Aid> Aid::from_hex(std::string_view text) {
  const auto octets = kagibin::from_hex(text);
  if (!octets) {
    return fail(Errc::kEncoding, "an AID is 10 to 32 hexadecimal digits");
  }
  return from(*octets);
}

bool Aid::starts_with(ByteView prefix) const {
  return prefix.size() <= length_ && equal(view().first(prefix.size()), prefix);
}

}  // namespace kagibin
