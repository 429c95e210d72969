// SPDX-License-Identifier: Apache-2.0
// Proofs about a log's Merkle tree (RFC 9162, 2.1.3 and 2.1.4): that an entry is in a tree, and
// that one tree is a prefix of another.
//
// Proofs are made from tiles, which come through a function, and checked with nothing but two
// roots. Checking is total: any octets give true or false. Pure but for the function.
//
//   const Proof proof = KB_TRY(inclusion_proof(7, size, tiles));
//   if (!proves_inclusion(leaf_hash(entry), 7, size, proof, root)) { ... }
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

namespace kagibin::roles::key_distribution_operator {

using Proof = std::vector<Hash>;

// The hashes of a tile, at least as many as the tree has there.
using TileSource = std::function<Result<std::vector<Hash>>(const TilePlace&)>;

// Reads tiles of a tree of one size through a source, each once.
class TileReader {
 public:
  TileReader(TileSource source, std::uint64_t size) : source_(std::move(source)), size_(size) {}
  std::uint64_t size() const { return size_; }
  // Root of the leaves [first, first + count) of a tree (MTH), where `first` is a multiple of the
  // smallest power of two that is not below `count`. kValue when a tile is too short.
  Result<Hash> root_of(std::uint64_t first, std::uint64_t count);

 private:
  Result<Hash> perfect(std::uint32_t height, std::uint64_t number);
  TileSource source_;
  std::uint64_t size_;
  std::map<TilePlace, std::vector<Hash>> known_;
};

// kInvalidArgument unless leaf < size.
Result<Proof> inclusion_proof(std::uint64_t leaf, TileReader& tiles);
// kInvalidArgument unless 0 < from <= size.
Result<Proof> consistency_proof(std::uint64_t from, TileReader& tiles);

struct TreeHead {
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};
bool proves_inclusion(const Hash& leaf,
                      std::uint64_t place,
                      std::span<const Hash> proof,
                      const TreeHead& head);
// A tree of no leaves is a prefix of every tree, with an empty proof.
bool proves_consistency(const TreeHead& from, std::span<const Hash> proof, const TreeHead& to);

}  // namespace kagibin::roles::key_distribution_operator
