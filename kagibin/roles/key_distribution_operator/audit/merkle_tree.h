// SPDX-License-Identifier: Apache-2.0
// The Merkle tree of a log (RFC 9162, 2.1.1; RFC 6962, 2.1) in tiles of height 8 (C2SP tlog-tiles):
// hashing, and the right edge to which leaves are added.
//
// A tile of level l holds up to 256 hashes, each of a perfect subtree of 256^l leaves. The edge is
// the last, unfinished tile of every level: all that adding a leaf and computing the root need.
// Limits: 2^63 leaves. Pure values.
//
//   TreeEdge edge;
//   std::vector<Tile> finished;
//   edge.append(leaf_hash(entry), finished);
//   const Hash root = edge.root();
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::key_distribution_operator {

using Hash = crypto::Digest256;

inline constexpr std::size_t kTileWidth = 256;
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{1} << 63U;

Hash leaf_hash(ByteView entry);                       // SHA-256(00 | entry)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(01 | left | right)
Hash subtree_root(std::span<const Hash> hashes);      // MTH; SHA-256 of nothing for none

struct TilePlace {
  std::uint32_t level = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const TilePlace&, const TilePlace&) = default;
};

struct Tile {
  TilePlace place{};
  std::vector<Hash> hashes{};  // 1 to 256
  friend bool operator==(const Tile&, const Tile&) = default;
};
Bytes encode(std::span<const Hash> hashes);
// kLength unless 1 to 256 hashes of 32 octets.
Result<std::vector<Hash>> decode_hashes(ByteView octets);

// How many hashes the tile has in a tree of `size` leaves; 0: it is not there.
std::size_t width_of(const TilePlace& tile, std::uint64_t size);
// The unfinished tiles of a tree of `size` leaves, from level 0 upwards.
std::vector<TilePlace> edge_of(std::uint64_t size);

class TreeEdge {
 public:
  TreeEdge() = default;
  // From the tiles that edge_of(size) names; a tile may have more hashes than it had at that size.
  // kValue when one is missing or too short.
  static Result<TreeEdge> from_tiles(std::uint64_t size, std::span<const Tile> tiles);

  std::uint64_t size() const { return size_; }
  // Tiles that became full are put behind `finished`.
  void append(const Hash& leaf, std::vector<Tile>& finished);
  Hash root() const;
  std::vector<Tile> tiles() const;  // those that are not full and not empty

 private:
  // An unfinished tile, and the roots of its perfect subtrees, the largest first.
  struct Level {
    std::vector<Hash> hashes;
    std::vector<Hash> peaks;
    void add(const Hash& hash);
  };
  std::uint64_t size_ = 0;
  std::vector<Level> levels_;
};

}  // namespace kagibin::roles::key_distribution_operator
