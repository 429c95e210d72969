// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

#include <charconv>

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

// Read loosely, and held to the one spelling by writing it again.
Result<TilePath> tile_path(std::string_view text) {
  constexpr std::size_t kMaxText = 64;
  const auto none = [] { return fail(Errc::kNotFound, "the log has no such tile"); };
  TilePath out;
  std::uint64_t width = kTileWidth;
  std::uint64_t level = 0;
  const auto read = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() > kMaxText) {
    return none();
  }
  const std::string_view first = text.substr(0, slash);
  out.entries = first == "entries";
  if (!out.entries && (!read(first, level) || level > 63)) {
    return none();
  }
  std::string_view rest = text.substr(slash + 1);
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    if (!read(rest.substr(partial + 3), width) || width == 0 || width >= kTileWidth) {
      return none();
    }
    rest = rest.substr(0, partial);
  }
  std::string digits;
  for (const char c : rest) {
    if (c >= '0' && c <= '9') {
      digits.push_back(c);
    }
  }
  if (!read(digits, out.place.number) || out.place.number > kMaxTreeSize / kTileWidth) {
    return none();
  }
  out.place.level = static_cast<std::uint32_t>(level);
  out.width = static_cast<std::size_t>(width);
  const std::string written =
      out.entries ? path_of_bundle(out.place.number, out.width) : path_of(out.place, out.width);
  return written == "tile/" + std::string(text) ? Result<TilePath>(out) : none();
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
