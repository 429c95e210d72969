// SPDX-License-Identifier: Apache-2.0
// The audit log's head and tiles, and receipts, as rows: their columns, read from a query. The
// columns are those of postgres/ as well.
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/delivery/audit_rows.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/row.h"

// For literals of SQL: statements are kept by their literal.
#define KB_AUDIT_HEAD "size, checkpoint, verifier"
#define KB_AUDIT_TILE "level, number, hashes"
#define KB_RECEIPT_COLUMNS "provider, order_id, number, revision, receipt"

namespace kagibin::store {

inline delivery::AuditHead read_audit_head(const Row& row) {
  return {.size = static_cast<std::uint64_t>(row.integer(0)),
          .checkpoint = std::string(row.text(1)),
          .verifier = std::string(row.text(2))};
}

inline delivery::AuditTile read_audit_tile(const Row& row) {
  const ByteView hashes = row.octets(2);
  return {.name = {.level = static_cast<std::uint32_t>(row.integer(0)),
                   .number = static_cast<std::uint64_t>(row.integer(1))},
          .hashes = Bytes(hashes.begin(), hashes.end())};
}

inline Result<delivery::ReceiptRow> read_receipt(const Row& row) {
  const Spid provider = KB_TRY(Spid::from(row.octets(0)));
  const delivery::OrderId id = KB_TRY(delivery::OrderId::from(row.text(1)));
  const ByteView receipt = row.octets(4);
  return delivery::ReceiptRow{.order = {.provider = provider, .id = id},
                              .number = static_cast<delivery::AttemptNumber>(row.integer(2)),
                              .revision = static_cast<std::uint32_t>(row.integer(3)),
                              .receipt = Bytes(receipt.begin(), receipt.end())};
}

}  // namespace kagibin::store
