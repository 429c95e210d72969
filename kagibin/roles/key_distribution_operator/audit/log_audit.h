// SPDX-License-Identifier: Apache-2.0
// The audit of a log: that its entries and tiles are those that were signed, that it continues an
// earlier checkpoint, that an order's entries are in it; and with a store, that its orders are as
// the log says and are as many as it counts.
//
// Everything is computed again from the entries; proofs are made from the tiles and checked. What
// is wrong is a finding, in a sentence; failures are what kept the audit from looking (kIo,
// kStore, kEncoding of a key or a checkpoint; kState: nothing was signed yet). An error
// kAuthentication or kUntrusted: the checkpoint is not one of this key. Pure but for the source.
//
//   LogAudit audit(source, verifier);
//   const LogReport report = KB_TRY(audit.run({.from = earlier}));
//   if (!report.findings.empty()) { ... }
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/campaign_ledger.h"
#include "kagibin/roles/key_distribution_operator/audit/log_source.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"
#include "kagibin/roles/key_distribution_operator/audit/order_census.h"
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

namespace kagibin::roles::key_distribution_operator {

struct AuditQuestion {
  std::optional<std::string> from{};          // an earlier checkpoint
  std::optional<delivery::OrderKey> order{};  // whose entries are listed
  delivery::StoreSnapshot* store = nullptr;   // whose rows are compared
  // Told now and then how many entries were read.
  std::function<void(std::uint64_t read, std::uint64_t all)> progress{};
};

struct ProvedEntry {
  std::uint64_t place = 0;
  std::string line;
  Proof proof;  // that it is in the tree of the checkpoint
};

struct LogReport {
  TreeHead head{};
  std::optional<TreeHead> from{};
  std::uint64_t orders = 0;         // that the log names
  std::uint64_t without_place = 0;  // entries of the store that wait for their place
  std::vector<ProvedEntry> entries{};
  Findings findings{};
};

class LogAudit {
 public:
  LogAudit(LogSource& source, VerifierKey verifier)
      : source_(source), verifier_(std::move(verifier)) {}
  Result<LogReport> run(const AuditQuestion& question);

 private:
  Result<void> read_entries(const AuditQuestion& question, LogReport& report);
  Result<void> check_bundle(std::uint64_t number,
                            const std::vector<Bytes>& entries,
                            LogReport& report);
  Result<void> check_tile(const Tile& tile, LogReport& report);
  void take(const Bytes& entry,
            std::uint64_t place,
            const AuditQuestion& question,
            LogReport& report);
  void prove_consistency(const AuditQuestion& question, LogReport& report);
  void prove_entries(LogReport& report);
  Result<void> compare_head(delivery::StoreSnapshot& store, LogReport& report);
  Result<void> compare_store(delivery::StoreSnapshot& store, LogReport& report);

  LogSource& source_;
  VerifierKey verifier_;
  TreeEdge edge_;
  std::optional<Hash> root_at_from_;
  OrderLedger ledger_;
  CampaignLedger campaigns_;
};

}  // namespace kagibin::roles::key_distribution_operator
