// SPDX-License-Identifier: Apache-2.0
// Port: the audit log of the key distribution operator, as rows of its store. What an entry says,
// how the tree is hashed and who signs is the role's (roles/key_distribution_operator/audit).
//
// An entry is durable with the transaction that it belongs to, and gets its place in the log a
// little later, from whichever distributor does it first: places are 0, 1, 2, ... without gaps and
// are never given again. Entries of one order get their places in the order of their commits. An
// OrderTransaction's audit() lives as long as that; failures are those of order_store.h.
//
//   KB_TRY(transaction->audit().append(entry));
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

struct AuditHead {
  std::uint64_t size = 0;    // how many entries have a place
  std::string checkpoint{};  // of that size, signed; empty: none yet
  std::string verifier{};    // the verifier key of who signs; empty: nobody yet
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

struct AuditTileName {
  std::uint32_t level = 0;
  std::uint64_t number = 0;
  friend bool operator==(const AuditTileName&, const AuditTileName&) = default;
};
struct AuditTile {
  AuditTileName name{};
  Bytes hashes{};
  friend bool operator==(const AuditTile&, const AuditTile&) = default;
};

class AuditRows {
 public:
  AuditRows() = default;
  AuditRows(const AuditRows&) = delete;
  AuditRows& operator=(const AuditRows&) = delete;
  virtual ~AuditRows() = default;

  virtual Result<void> append(ByteView entry) = 0;

  // Entries of earlier transactions that have no place, in the order in which they get theirs.
  virtual Result<std::vector<Bytes>> without_place(std::uint32_t limit) = 0;
  // The head, to be extended by this transaction alone; empty while another one does.
  virtual Result<std::optional<AuditHead>> take_head() = 0;
  // Those that are there.
  virtual Result<std::vector<AuditTile>> tiles(std::span<const AuditTileName> names) = 0;
  // Gives the entries that without_place() answered last, behind take_head(), their places: from
  // the old head's size to the new one's. Tiles are new ones and longer ones.
  virtual Result<void> extend(const AuditHead& head, std::span<const AuditTile> tiles) = 0;
};

}  // namespace kagibin::delivery
