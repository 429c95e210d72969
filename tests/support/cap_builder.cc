// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cap_builder.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/base/result.h"

namespace kagibin::test {

namespace {

constexpr std::uint8_t kLastSize = 11;  // components in the Directory of format 2.1
constexpr std::uint8_t kHasApplets = 0x04;

void write_aid(ByteWriter& out, std::string_view text) {
  const auto aid = from_hex(text);
  KB_CHECK(aid.has_value());
  out.u8(static_cast<std::uint8_t>(aid->size())).bytes(*aid);
}

Bytes header_of(const CapBuilder& cap) {
  ByteWriter out;
  out.u32(0xDECAFFED).u8(cap.format).u8(2).u8(cap.applets.empty() ? 0 : kHasApplets);
  out.u8(cap.version[1]).u8(cap.version[0]);
  write_aid(out, cap.package);
  if (cap.format >= 2) {
    out.u8(4).bytes(ascii("test"));
  }
  return out.take();
}

Bytes imports_of(const CapBuilder& cap) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(cap.imports.size()));
  for (const std::string_view aid : cap.imports) {
    out.u8(0).u8(1);
    write_aid(out, aid);
  }
  return out.take();
}

Bytes applets_of(const CapBuilder& cap) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(cap.applets.size()));
  for (const std::string_view aid : cap.applets) {
    write_aid(out, aid);
    out.u16(0x000C);
  }
  return out.take();
}

using Components = std::vector<std::pair<std::uint8_t, Bytes>>;

Bytes directory_of(const CapBuilder& cap, const Components& others) {
  std::array<std::size_t, kLastSize + 3> sizes{};
  for (const auto& [tag, octets] : others) {
    sizes.at(tag) = octets.size();
  }
  const std::uint8_t last = cap.format >= 3 ? 13 : cap.format == 2 ? 12 : kLastSize;
  sizes.at(2) = last * 2U + 6U + 3U;
  ByteWriter out;
  for (std::uint8_t tag = 1; tag <= last; ++tag) {
    out.u16(static_cast<std::uint16_t>(sizes.at(tag)));
  }
  out.bytes(Bytes(6));
  out.u8(static_cast<std::uint8_t>(cap.imports.size()));
  out.u8(static_cast<std::uint8_t>(cap.applets.size())).u8(0);
  return out.take();
}

}  // namespace

Bytes CapBuilder::build() const {
  Components all{{1, header_of(*this)}, {4, imports_of(*this)}};
  if (!applets.empty()) {
    all.emplace_back(3, applets_of(*this));
  }
  all.emplace_back(7, Bytes(method_octets, 0x7A));
  all.emplace_back(11, Bytes(4));
  all.emplace(all.begin() + 1, 2, directory_of(*this, all));
  ByteWriter out;
  for (const auto& [tag, octets] : all) {
    out.u8(tag).u16(static_cast<std::uint16_t>(octets.size())).bytes(octets);
  }
  return out.take();
}

}  // namespace kagibin::test
