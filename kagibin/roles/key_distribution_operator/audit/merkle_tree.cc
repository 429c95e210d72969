// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::array<std::uint8_t, 1> kLeaf = {0x00};
constexpr std::array<std::uint8_t, 1> kNode = {0x01};
constexpr std::uint32_t kTileHeight = 8;
constexpr std::uint32_t kLevels = 8;  // of a tree of less than 2^64 leaves

}  // namespace

Hash leaf_hash(ByteView entry) { return crypto::sha256({kLeaf, entry}); }

Hash node_hash(const Hash& left, const Hash& right) { return crypto::sha256({kNode, left, right}); }

Hash subtree_root(std::span<const Hash> hashes) {
  if (hashes.empty()) {
    return crypto::sha256(ByteView());
  }
  std::vector<Hash> row(hashes.begin(), hashes.end());
  // The last of an odd row goes up as it is, which gives the largest power of two on the left.
  while (row.size() > 1) {
    std::size_t out = 0;
    for (std::size_t i = 0; i + 1 < row.size(); i += 2) {
      row[out++] = node_hash(row[i], row[i + 1]);
    }
    if (row.size() % 2 != 0) {
      row[out++] = row.back();
    }
    row.resize(out);
  }
  return row.front();
}

Bytes encode(std::span<const Hash> hashes) {
  Bytes out;
  out.reserve(hashes.size() * sizeof(Hash));
  for (const Hash& hash : hashes) {
    append(out, hash);
  }
  return out;
}

Result<std::vector<Hash>> decode_hashes(ByteView octets) {
  constexpr std::size_t kSize = std::tuple_size_v<Hash>;
  if (octets.empty() || octets.size() % kSize != 0 || octets.size() > kSize * kTileWidth) {
    return fail(Errc::kLength, "a tile is 1 to 256 hashes of 32 octets");
  }
  std::vector<Hash> hashes;
  for (; !octets.empty(); octets = octets.subspan(kSize)) {
    hashes.push_back(*to_array<kSize>(octets.first(kSize)));
  }
  return hashes;
}

std::size_t width_of(const TilePlace& tile, std::uint64_t size) {
  if (tile.level >= kLevels) {
    return 0;
  }
  const std::uint64_t hashes = size >> (kTileHeight * tile.level);
  const std::uint64_t full = hashes / kTileWidth;
  if (tile.number < full) {
    return kTileWidth;
  }
  return tile.number == full ? hashes % kTileWidth : 0;
}

std::vector<TilePlace> edge_of(std::uint64_t size) {
  std::vector<TilePlace> places;
  for (std::uint32_t level = 0; level < kLevels; ++level) {
    const std::uint64_t hashes = size >> (kTileHeight * level);
    if (hashes % kTileWidth != 0) {
      places.push_back({.level = level, .number = hashes / kTileWidth});
    }
  }
  return places;
}

Result<TreeEdge> TreeEdge::from_tiles(std::uint64_t size, std::span<const Tile> tiles) {
  TreeEdge edge;
  edge.size_ = size;
  const std::vector<TilePlace> places = edge_of(size);
  for (const TilePlace& place : places) {
    const auto tile = std::ranges::find(tiles, place, &Tile::place);
    const std::size_t width = width_of(place, size);
    if (tile == tiles.end() || tile->hashes.size() < width) {
      return fail(Errc::kValue, "a tile of the log is missing or too short");
    }
    edge.levels_.resize(place.level + 1U);
    for (const Hash& hash : std::span(tile->hashes).first(width)) {
      edge.levels_.back().add(hash);
    }
  }
  return edge;
}

void TreeEdge::Level::add(const Hash& hash) {
  hashes.push_back(hash);
  peaks.push_back(hash);
  // Two of one height are one of the next.
  for (std::size_t rest = hashes.size(); rest % 2 == 0; rest /= 2) {
    const Hash right = peaks.back();
    peaks.pop_back();
    peaks.back() = node_hash(peaks.back(), right);
  }
}

void TreeEdge::append(const Hash& leaf, std::vector<Tile>& finished) {
  Hash hash = leaf;
  ++size_;
  for (std::uint32_t level = 0;; ++level) {
    if (levels_.size() <= level) {
      levels_.emplace_back();
    }
    levels_[level].add(hash);
    if (levels_[level].hashes.size() < kTileWidth) {
      return;
    }
    Level full = std::exchange(levels_[level], {});
    hash = full.peaks.front();
    const std::uint64_t number = (size_ >> (kTileHeight * (level + 1))) - 1;
    finished.push_back(
        {.place = {.level = level, .number = number}, .hashes = std::move(full.hashes)});
  }
}

Hash TreeEdge::root() const {
  std::vector<Hash> peaks;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    peaks.insert(peaks.end(), level->peaks.begin(), level->peaks.end());
  }
  if (peaks.empty()) {
    return subtree_root({});
  }
  Hash root = peaks.back();
  for (auto peak = peaks.rbegin() + 1; peak != peaks.rend(); ++peak) {
    root = node_hash(*peak, root);
  }
  return root;
}

std::vector<Tile> TreeEdge::tiles() const {
  std::vector<Tile> tiles;
  const std::vector<TilePlace> places = edge_of(size_);
  tiles.reserve(places.size());
  for (const TilePlace& place : places) {
    tiles.push_back({.place = place, .hashes = levels_[place.level].hashes});
  }
  return tiles;
}

}  // namespace kagibin::roles::key_distribution_operator
