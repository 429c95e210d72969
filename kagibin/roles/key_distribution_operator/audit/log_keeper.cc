// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/log_keeper.h"

#include <span>
#include <utility>
#include <vector>

#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

struct SignedTree {
  TreeEdge edge;
  TreeHead head;
};

// The tree as it was signed last.
Result<SignedTree> signed_tree(delivery::AuditRows& audit,
                               const delivery::AuditHead& head,
                               const VerifierKey& verifier) {
  std::vector<delivery::AuditTileName> names;
  const std::vector<TilePlace> places = edge_of(head.size);
  if (head.size == 0) {
    names.push_back({.level = 0, .number = 0});  // of every log that was begun
  }
  names.reserve(places.size());
  for (const TilePlace& place : places) {
    names.push_back({.level = place.level, .number = place.number});
  }
  const std::vector<delivery::AuditTile> rows = KB_TRY(audit.tiles(names));
  if (head.size == 0 && !rows.empty()) {
    return fail(Errc::kAuthentication, "the audit log was begun, and its head was emptied");
  }
  std::vector<Tile> tiles;
  for (const delivery::AuditTile& row : rows) {
    std::vector<Hash> hashes = KB_TRY(decode_hashes(row.hashes));
    tiles.push_back({.place = {.level = row.name.level, .number = row.name.number},
                     .hashes = std::move(hashes)});
  }
  TreeEdge edge = KB_TRY(TreeEdge::from_tiles(head.size, tiles));
  const TreeHead now{.size = head.size, .root = edge.root()};
  const TreeHead before =
      KB_TRY(head.checkpoint.empty() ? Result<TreeHead>({.size = 0, .root = subtree_root({})})
                                     : open_checkpoint(head.checkpoint, verifier));
  if (now != before) {
    return fail(Errc::kAuthentication, "the audit log is not the one that was signed");
  }
  return SignedTree{.edge = std::move(edge), .head = now};
}

delivery::AuditTile row_of(const Tile& tile) {
  return {.name = {.level = tile.place.level, .number = tile.place.number},
          .hashes = encode(tile.hashes)};
}

}  // namespace

Result<void> LogKeeper::check_continues_last(delivery::AuditRows& audit, const TreeHead& head) {
  if (last_.empty()) {
    return {};
  }
  const TreeHead last = KB_TRY(open_checkpoint(last_, verifier_));
  if (last.size > head.size) {
    return fail(
        Errc::kConflict,
        "the audit log is behind what was signed: an older state of the store was restored");
  }
  if (proved_ || last.size == 0) {
    return {};
  }
  TileReader tiles(
      [&audit](const TilePlace& place) -> Result<std::vector<Hash>> {
        const delivery::AuditTileName name{.level = place.level, .number = place.number};
        const std::vector<delivery::AuditTile> rows = KB_TRY(audit.tiles(std::span(&name, 1)));
        return rows.empty() ? std::vector<Hash>() : decode_hashes(rows.front().hashes);
      },
      head.size);
  const Proof proof = KB_TRY(consistency_proof(last.size, tiles));
  if (!proves_consistency(last, proof, head)) {
    return fail(Errc::kConflict, "the audit log does not continue what was signed");
  }
  proved_ = true;
  return {};
}

bool LogKeeper::signs(const delivery::AuditHead& head) const {
  return head.verifier.empty() || head.verifier == verifier_.text();
}

Result<void> LogKeeper::check(delivery::OrderTransaction& transaction) {
  delivery::AuditRows& audit = transaction.audit();
  const std::optional<delivery::AuditHead> head = KB_TRY(audit.take_head());
  if (!head || !signs(*head)) {
    return {};
  }
  const SignedTree tree = KB_TRY(signed_tree(audit, *head, verifier_));
  return check_continues_last(audit, tree.head);
}

void LogKeeper::committed() {
  last_ = std::move(signed_);
  if (keep_) {
    keep_(last_);
  }
}

Result<std::size_t> LogKeeper::extend(delivery::OrderTransaction& transaction) {
  delivery::AuditRows& audit = transaction.audit();
  const std::vector<Bytes> some = KB_TRY(audit.without_place(1));
  if (some.empty()) {
    return 0U;
  }
  std::optional<delivery::AuditHead> head = KB_TRY(audit.take_head());
  if (!head || !signs(*head)) {
    return 0U;
  }
  // Again, now that nobody else can have placed them meanwhile.
  const std::vector<Bytes> entries = KB_TRY(audit.without_place(kPlacesATime));
  if (entries.empty()) {
    return 0U;
  }
  auto [edge, before] = KB_TRY(signed_tree(audit, *head, verifier_));
  KB_TRY(check_continues_last(audit, before));
  std::vector<Tile> finished;
  for (const Bytes& entry : entries) {
    edge.append(leaf_hash(entry), finished);
  }
  std::vector<delivery::AuditTile> rows;
  const std::vector<Tile> open = edge.tiles();
  rows.reserve(finished.size() + open.size());
  for (const Tile& tile : finished) {
    rows.push_back(row_of(tile));
  }
  for (const Tile& tile : open) {
    rows.push_back(row_of(tile));
  }
  head->size = edge.size();
  head->verifier = verifier_.text();
  head->checkpoint =
      KB_TRY(sign(TreeHead{.size = edge.size(), .root = edge.root()}, key_, verifier_.name));
  signed_ = head->checkpoint;
  KB_TRY(audit.extend(*head, rows));
  return entries.size();
}

}  // namespace kagibin::roles::key_distribution_operator
