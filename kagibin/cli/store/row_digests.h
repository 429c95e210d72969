// SPDX-License-Identifier: Apache-2.0
// A count and a digest of each table of a store, to compare two of them.
//
// The digest is SHA-256 of the digest so far and the next row's canonical octets
// (store/postgres/order_migration.h), beginning with 32 octets of zero.
//
//   RowDigests source;
//   KB_TRY(migration.read_source(source));
#pragma once

#include <map>
#include <string>

#include "kagibin/store/postgres/order_migration.h"

namespace kagibin::cli {

class RowDigests final : public store::RowSink {
 public:
  struct Table {
    std::uint64_t rows = 0;
    std::string sha256 = std::string(64, '0');
    friend bool operator==(const Table&, const Table&) = default;
  };
  using Tables = std::map<std::string, Table>;
  void row(std::string_view table, ByteView columns) override;
  const Tables& tables() const { return tables_; }
  // Leaves out the tables of the audit log.
  void forget_log() {
    std::erase_if(tables_, [](const auto& table) { return table.first.starts_with("audit_"); });
  }

 private:
  Tables tables_;
};

}  // namespace kagibin::cli
