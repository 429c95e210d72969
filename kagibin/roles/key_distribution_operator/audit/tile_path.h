// SPDX-License-Identifier: Apache-2.0
// How a log lies in a folder or behind a URL (C2SP tlog-tiles): names of tiles and of bundles of
// entries, and what is in a bundle.
//
//   tile/<level>/<number>[.p/<width>]     tile/entries/<number>[.p/<width>]
//
// A number stands in groups of three digits, all but the last behind an "x": 1234067 is
// x001/x234/067. A bundle is up to 256 entries, each behind its length of two octets. Pure values.
//
//   path_of(TilePlace{.level = 0, .number = 273}, 112)     "tile/0/273.p/112"
//   const std::vector<Bytes> entries = KB_TRY(decode_bundle(octets));
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

namespace kagibin::roles::key_distribution_operator {

// Width 256: a full one.
std::string path_of(const TilePlace& tile, std::size_t width);
std::string path_of_bundle(std::uint64_t number, std::size_t width);

struct TilePath {
  bool entries = false;  // a bundle; level 0
  TilePlace place{};
  std::size_t width = kTileWidth;
};
// What stands behind "tile/". kNotFound for another spelling than the two above give.
Result<TilePath> tile_path(std::string_view text);

// Preconditions: at most 256 entries of at most 65,535 octets.
Bytes encode_bundle(std::span<const Bytes> entries);
// kTruncated, kLength: not 1 to 256 entries.
Result<std::vector<Bytes>> decode_bundle(ByteView octets);

}  // namespace kagibin::roles::key_distribution_operator
