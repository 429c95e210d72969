// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_origin.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::uint8_t kFormat = 0x01;

}  // namespace

void encode_origin(const KeyOrigin& origin, ByteWriter& out) {
  out.u8(kFormat).u8(static_cast<std::uint8_t>(origin.size()));
  for (const std::string& name : origin) {
    out.u8(static_cast<std::uint8_t>(name.size())).bytes(ascii(name));
  }
}

Result<KeyOrigin> decode_origin(ByteReader& in) {
  if (KB_TRY(in.u8()) != kFormat) {
    return fail(Errc::kEncoding, "the origin of a stored key is of another format");
  }
  const std::uint8_t count = KB_TRY(in.u8());
  KeyOrigin out;
  for (std::uint8_t i = 0; i < count; ++i) {
    const std::uint8_t size = KB_TRY(in.u8());
    const ByteView name = KB_TRY(in.bytes(size));
    out.emplace_back(name.begin(), name.end());
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
