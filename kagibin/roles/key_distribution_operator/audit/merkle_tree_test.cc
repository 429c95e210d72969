// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

#include <array>
#include <string_view>

#include <gtest/gtest.h>

#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

// The leaves and roots that implementations of Certificate Transparency test with.
constexpr std::array<std::string_view, 8> kLeaves = {"",
                                                     "00",
                                                     "10",
                                                     "2021",
                                                     "3031",
                                                     "40414243",
                                                     "5051525354555657",
                                                     "606162636465666768696a6b6c6d6e6f"};
constexpr std::array<std::string_view, 9> kRoots = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

Hash hash_in(std::string_view hex) { return *to_array<32>(*from_hex(hex)); }

Hash leaf(std::uint64_t number) { return leaf_hash(ascii("leaf " + std::to_string(number))); }

// A log as it is kept: finished tiles, and the edge.
struct Log {
  void append(const Hash& hash) {
    leaves.push_back(hash);
    edge.append(hash, tiles);
  }
  std::vector<Tile> all_tiles() const {
    std::vector<Tile> all = tiles;
    const std::vector<Tile> open = edge.tiles();
    all.insert(all.end(), open.begin(), open.end());
    return all;
  }
  TileSource source() const {
    return [all = all_tiles()](const TilePlace& place) -> Result<std::vector<Hash>> {
      for (const Tile& tile : all) {
        if (tile.place == place) {
          return tile.hashes;
        }
      }
      return fail(Errc::kNotFound, "no such tile");
    };
  }
  TreeHead head() const { return {.size = edge.size(), .root = edge.root()}; }
  std::vector<Hash> leaves;
  std::vector<Tile> tiles;
  TreeEdge edge;
};

// RFC 9162, 2.1.1: hashing of leaves and nodes
TEST(MerkleTreeTest, RootsAreThoseOfCertificateTransparency) {
  TreeEdge edge;
  std::vector<Tile> finished;
  EXPECT_EQ(edge.root(), hash_in(kRoots[0]));
  for (std::size_t i = 0; i < kLeaves.size(); ++i) {
    edge.append(leaf_hash(*from_hex(kLeaves.at(i))), finished);
    EXPECT_EQ(edge.root(), hash_in(kRoots.at(i + 1))) << i;
  }
}

TEST(MerkleTreeTest, TheEdgeHasTheRootOfTheWholeTreeAtEverySize) {
  Log log;
  for (std::uint64_t size = 1; size <= 1'200; ++size) {
    log.append(leaf(size));
    EXPECT_EQ(log.edge.root(), subtree_root(log.leaves)) << size;
    const auto again = TreeEdge::from_tiles(size, log.edge.tiles()).value();
    EXPECT_EQ(again.root(), log.edge.root()) << size;
  }
  ASSERT_EQ(log.tiles.size(), 4U);
  EXPECT_EQ(log.tiles[3].place, (TilePlace{.level = 0, .number = 3}));
  EXPECT_EQ(log.edge.tiles()[1].hashes.size(), 4U);
}

// The example of C2SP tlog-tiles, "Partial Tiles".
TEST(MerkleTreeTest, ATreeOf70000HasTheTilesOfTheSpecification) {
  Log log;
  for (std::uint64_t i = 0; i < 70'000; ++i) {
    log.append(leaf(i));
  }
  EXPECT_EQ(log.tiles.size(), 273U + 1U);
  const std::vector<Tile> open = log.edge.tiles();
  ASSERT_EQ(open.size(), 3U);
  EXPECT_EQ(open[0].hashes.size(), 112U);
  EXPECT_EQ(open[1].hashes.size(), 17U);
  EXPECT_EQ(open[2].hashes.size(), 1U);
  EXPECT_EQ(path_of(open[0].place, 112), "tile/0/273.p/112");
  EXPECT_EQ(log.edge.root(), subtree_root(log.leaves));
  for (const Tile& tile : log.all_tiles()) {
    EXPECT_EQ(width_of(tile.place, 70'000), tile.hashes.size());
  }
  EXPECT_EQ(width_of({.level = 0, .number = 274}, 70'000), 0U);
  EXPECT_EQ(width_of({.level = 8, .number = 0}, 70'000), 0U);
  TileReader tiles(log.source(), 70'000);
  for (const std::uint64_t place : {0ULL, 65'535ULL, 65'536ULL, 69'999ULL}) {
    const Proof proof = inclusion_proof(place, tiles).value();
    EXPECT_TRUE(proves_inclusion(log.leaves[place], place, proof, log.head())) << place;
  }
}

TEST(MerkleTreeTest, TilesThatAreMissingOrShortAreRefused) {
  Log log;
  for (std::uint64_t i = 0; i < 300; ++i) {
    log.append(leaf(i));
  }
  std::vector<Tile> tiles = log.edge.tiles();
  EXPECT_TRUE(TreeEdge::from_tiles(299, tiles).has_value()) << "a longer tile serves";
  EXPECT_EQ(TreeEdge::from_tiles(301, tiles).error().code, Errc::kValue);
  tiles.pop_back();
  EXPECT_EQ(TreeEdge::from_tiles(300, tiles).error().code, Errc::kValue);
  EXPECT_EQ(decode_hashes(Bytes()).error().code, Errc::kLength);
  EXPECT_EQ(decode_hashes(Bytes(33)).error().code, Errc::kLength);
  EXPECT_EQ(decode_hashes(Bytes(257UL * 32)).error().code, Errc::kLength);
  EXPECT_EQ(encode(decode_hashes(encode(log.leaves.front() == leaf(0)
                                            ? std::vector<Hash>{leaf(0), leaf(1)}
                                            : std::vector<Hash>{}))
                       .value()),
            encode(std::vector<Hash>{leaf(0), leaf(1)}));
}

// RFC 9162, 2.1.3: inclusion proofs
TEST(MerkleProofTest, EveryLeafIsProvedAndNothingElse) {
  for (const std::uint64_t size : {1ULL, 2ULL, 3ULL, 7ULL, 8ULL, 33ULL, 257ULL}) {
    Log log;
    for (std::uint64_t i = 0; i < size; ++i) {
      log.append(leaf(i));
    }
    const TreeHead head = log.head();
    TileReader tiles(log.source(), size);
    for (std::uint64_t place = 0; place < size; ++place) {
      Proof proof = inclusion_proof(place, tiles).value();
      EXPECT_TRUE(proves_inclusion(leaf(place), place, proof, head));
      EXPECT_FALSE(proves_inclusion(leaf(place + 1), place, proof, head));
      EXPECT_FALSE(proves_inclusion(leaf(place), size, proof, head));
      EXPECT_EQ(proves_inclusion(leaf(place), place == 0 ? 1 : place - 1, proof, head), false);
      proof.push_back(leaf(0));
      EXPECT_FALSE(proves_inclusion(leaf(place), place, proof, head));
      proof.pop_back();
      for (Hash& hash : proof) {
        hash[31] ^= 1U;
        EXPECT_FALSE(proves_inclusion(leaf(place), place, proof, head));
        hash[31] ^= 1U;
      }
      if (!proof.empty()) {
        proof.pop_back();
        EXPECT_FALSE(proves_inclusion(leaf(place), place, proof, head));
      }
    }
    EXPECT_EQ(inclusion_proof(size, tiles).error().code, Errc::kInvalidArgument);
  }
}

// RFC 9162, 2.1.4: consistency proofs
TEST(MerkleProofTest, EveryEarlierTreeIsProvedToBeAPrefix) {
  Log log;
  std::vector<TreeHead> heads = {log.head()};
  for (std::uint64_t size = 1; size <= 70; ++size) {
    log.append(leaf(size));
    heads.push_back(log.head());
    TileReader tiles(log.source(), size);
    EXPECT_TRUE(proves_consistency(heads[0], {}, heads[size]));
    for (std::uint64_t from = 1; from <= size; ++from) {
      Proof proof = consistency_proof(from, tiles).value();
      EXPECT_TRUE(proves_consistency(heads[from], proof, heads[size])) << from << " " << size;
      TreeHead other = heads[from];
      other.root[0] ^= 1U;
      EXPECT_FALSE(proves_consistency(other, proof, heads[size]));
      other = heads[size];
      other.root[0] ^= 1U;
      EXPECT_FALSE(proves_consistency(heads[from], proof, other));
      EXPECT_FALSE(
          proves_consistency({.size = from - 1, .root = heads[from].root}, proof, heads[size]));
      for (Hash& hash : proof) {
        hash[0] ^= 1U;
        EXPECT_FALSE(proves_consistency(heads[from], proof, heads[size]));
        hash[0] ^= 1U;
      }
      proof.push_back(leaf(0));
      EXPECT_FALSE(proves_consistency(heads[from], proof, heads[size]));
    }
    EXPECT_EQ(consistency_proof(0, tiles).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(consistency_proof(size + 1, tiles).error().code, Errc::kInvalidArgument);
  }
  EXPECT_FALSE(proves_consistency(heads[70], {}, heads[69])) << "a log does not shrink";
}

TEST(TilePathTest, NumbersStandInGroupsOfThreeDigits) {
  EXPECT_EQ(path_of({.level = 0, .number = 0}, 256), "tile/0/000");
  EXPECT_EQ(path_of({.level = 3, .number = 1'234'067}, 256), "tile/3/x001/x234/067");
  EXPECT_EQ(path_of_bundle(1'000, 7), "tile/entries/x001/000.p/7");
}

TEST(TilePathTest, BundlesReadBackAndTruncationIsRefused) {
  const std::vector<Bytes> entries = {{1, 2, 3}, {}, Bytes(300, 7)};
  const Bytes octets = encode_bundle(entries);
  EXPECT_EQ(decode_bundle(octets).value(), entries);
  std::size_t whole = 0;
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto cut = decode_bundle(ByteView(octets).first(size));
    whole += cut.has_value() ? 1 : 0;
  }
  EXPECT_EQ(whole, 2U) << "only where an entry ends";
  EXPECT_EQ(decode_bundle(encode_bundle(std::vector<Bytes>(257))).error().code, Errc::kLength);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
