// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::uint32_t kTileHeight = 8;
constexpr std::size_t kMaxProof = 64;

// The largest power of two below n; n > 1.
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

// RFC 9162, 2.1.3.1: PATH of the leaf `place` of [first, first + count).
Result<void> add_path(
    std::uint64_t place, std::uint64_t first, std::uint64_t count, TileReader& tiles, Proof& out) {
  if (count == 1) {
    return {};
  }
  const std::uint64_t k = split(count);
  if (place < k) {
    KB_TRY(add_path(place, first, k, tiles, out));
    const Hash other = KB_TRY(tiles.root_of(first + k, count - k));
    out.push_back(other);
  } else {
    KB_TRY(add_path(place - k, first + k, count - k, tiles, out));
    const Hash other = KB_TRY(tiles.root_of(first, k));
    out.push_back(other);
  }
  return {};
}

// RFC 9162, 2.1.4.1: SUBPROOF.
Result<void> add_subproof(std::uint64_t m,
                          std::uint64_t first,
                          std::uint64_t count,
                          bool whole,
                          TileReader& tiles,
                          Proof& out) {
  if (m == count) {
    if (!whole) {
      const Hash other = KB_TRY(tiles.root_of(first, count));
      out.push_back(other);
    }
    return {};
  }
  const std::uint64_t k = split(count);
  if (m <= k) {
    KB_TRY(add_subproof(m, first, k, whole, tiles, out));
    const Hash other = KB_TRY(tiles.root_of(first + k, count - k));
    out.push_back(other);
  } else {
    KB_TRY(add_subproof(m - k, first + k, count - k, false, tiles, out));
    const Hash other = KB_TRY(tiles.root_of(first, k));
    out.push_back(other);
  }
  return {};
}

}  // namespace

Result<Hash> TileReader::perfect(std::uint32_t height, std::uint64_t number) {
  const std::uint32_t level = height / kTileHeight;
  const std::uint64_t count = std::uint64_t{1} << (height % kTileHeight);
  const std::uint64_t first = number * count;
  const TilePlace place{.level = level, .number = first / kTileWidth};
  auto known = known_.find(place);
  if (known == known_.end()) {
    std::vector<Hash> hashes = KB_TRY(source_(place));
    known = known_.emplace(place, std::move(hashes)).first;
  }
  const std::span<const Hash> hashes = known->second;
  if (first % kTileWidth + count > hashes.size()) {
    return fail(Errc::kValue, "a tile of the log is missing or too short");
  }
  return subtree_root(hashes.subspan(first % kTileWidth, count));
}

Result<Hash> TileReader::root_of(std::uint64_t first, std::uint64_t count) {
  if (std::has_single_bit(count)) {
    return perfect(static_cast<std::uint32_t>(std::countr_zero(count)), first / count);
  }
  const std::uint64_t k = split(count);
  const Hash left = KB_TRY(root_of(first, k));
  const Hash right = KB_TRY(root_of(first + k, count - k));
  return node_hash(left, right);
}

Result<Proof> inclusion_proof(std::uint64_t leaf, TileReader& tiles) {
  if (leaf >= tiles.size()) {
    return fail(Errc::kInvalidArgument, "the tree has no such leaf");
  }
  Proof proof;
  KB_TRY(add_path(leaf, 0, tiles.size(), tiles, proof));
  return proof;
}

Result<Proof> consistency_proof(std::uint64_t from, TileReader& tiles) {
  if (from == 0 || from > tiles.size()) {
    return fail(Errc::kInvalidArgument, "the tree never had this size");
  }
  Proof proof;
  KB_TRY(add_subproof(from, 0, tiles.size(), true, tiles, proof));
  return proof;
}

// RFC 9162, 2.1.3.2.
bool proves_inclusion(const Hash& leaf,
                      std::uint64_t place,
                      std::span<const Hash> proof,
                      const TreeHead& head) {
  if (place >= head.size || proof.size() > kMaxProof) {
    return false;
  }
  std::uint64_t fn = place;
  std::uint64_t sn = head.size - 1;
  Hash r = leaf;
  for (const Hash& p : proof) {
    if (sn == 0) {
      return false;
    }
    if (fn % 2 == 1 || fn == sn) {
      r = node_hash(p, r);
      while (fn % 2 == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && r == head.root;
}

// RFC 9162, 2.1.4.2.
bool proves_consistency(const TreeHead& from, std::span<const Hash> proof, const TreeHead& to) {
  if (from.size == 0) {
    return proof.empty() && from.root == subtree_root({});
  }
  if (from.size >= to.size || proof.empty() || proof.size() > kMaxProof) {
    return from == to && proof.empty();
  }
  Proof path(proof.begin(), proof.end());
  if (std::has_single_bit(from.size)) {
    path.insert(path.begin(), from.root);
  }
  std::uint64_t fn = from.size - 1;
  std::uint64_t sn = to.size - 1;
  while (fn % 2 == 1) {
    fn >>= 1U;
    sn >>= 1U;
  }
  Hash fr = path.front();
  Hash sr = path.front();
  for (const Hash& c : std::span(path).subspan(1)) {
    if (sn == 0) {
      return false;
    }
    if (fn % 2 == 1 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while (fn % 2 == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && fr == from.root && sr == to.root;
}

}  // namespace kagibin::roles::key_distribution_operator
