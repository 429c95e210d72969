// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/key/key_policy.h"

#include <algorithm>

namespace kagibin::gp {

Result<KeyPolicy> KeyPolicy::read(ByteReader& in) {
  KeyPolicy out;
  out.usage_size = KB_TRY(in.u8());
  if (out.usage_size > out.usage.size()) {
    return fail(Errc::kLength, "key usage is one or two octets (GPCS 11.1.9)");
  }
  const ByteView usage = KB_TRY(in.bytes(out.usage_size));
  std::ranges::copy(usage, out.usage.begin());
  const std::size_t access_size = KB_TRY(in.u8());
  if (access_size > 1) {
    return fail(Errc::kLength, "key access is one octet (GPCS 11.1.10)");
  }
  if (access_size == 1) {
    out.says_access = true;
    out.access = KB_TRY(in.u8());
  }
  return out;
}

void KeyPolicy::write(ByteWriter& out) const {
  KB_CHECK(usage_size <= usage.size());
  out.u8(usage_size).bytes(ByteView(usage).first(usage_size)).u8(says_access ? 1 : 0);
  if (says_access) {
    out.u8(access);
  }
}

}  // namespace kagibin::gp
