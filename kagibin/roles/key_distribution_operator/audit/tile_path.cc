// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

std::string groups_of(std::uint64_t number) {
  std::string text = fmt::format("{:03}", number % 1'000);
  while (number >= 1'000) {
    number /= 1'000;
    text = fmt::format("x{:03}/{}", number % 1'000, text);
  }
  return text;
}

std::string with_width(std::string path, std::size_t width) {
  return width == kTileWidth ? path : fmt::format("{}.p/{}", path, width);
}

}  // namespace

std::string path_of(const TilePlace& tile, std::size_t width) {
  return with_width(fmt::format("tile/{}/{}", tile.level, groups_of(tile.number)), width);
}

std::string path_of_bundle(std::uint64_t number, std::size_t width) {
  return with_width("tile/entries/" + groups_of(number), width);
}

Bytes encode_bundle(std::span<const Bytes> entries) {
  ByteWriter out;
  for (const Bytes& entry : entries) {
    out.u16(static_cast<std::uint16_t>(entry.size())).bytes(entry);
  }
  return out.take();
}

Result<std::vector<Bytes>> decode_bundle(ByteView octets) {
  ByteReader in(octets);
  std::vector<Bytes> entries;
  while (!in.empty()) {
    const std::uint16_t size = KB_TRY(in.u16());
    const ByteView entry = KB_TRY(in.bytes(size));
    entries.emplace_back(entry.begin(), entry.end());
  }
  if (entries.empty() || entries.size() > kTileWidth) {
    return fail(Errc::kLength, "a bundle is 1 to 256 entries");
  }
  return entries;
}

}  // namespace kagibin::roles::key_distribution_operator
