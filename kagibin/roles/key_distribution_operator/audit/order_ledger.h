// SPDX-License-Identifier: Apache-2.0
// What the entries of an audit log say of every order, to be compared with the rows of a store.
//
// Entries are taken in the order of the log; then rows: orders, attempts, receipts. A row that the
// log knows otherwise, one that it does not know, and one that it knows and the store lacks are
// findings; so is a message in a row that the log saw from its beginning and never saw it come.
// Orders from before the log's beginning are known by their number only. Limits: some 600 octets of
// memory an attempt. Pure.
//
//   OrderLedger ledger;
//   ledger.take(entry);                       // every entry
//   ledger.compare(order_row, findings);      // every row
//   ledger.finish(findings);
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"

namespace kagibin::roles::key_distribution_operator {

// What is wrong, one sentence each; after the first hundred they are only counted.
class Findings {
 public:
  void add(std::string sentence) {
    if (sentences_.size() < kMost) {
      sentences_.push_back(std::move(sentence));
    }
    ++count_;
  }
  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  static constexpr std::size_t kMost = 100;
  std::vector<std::string> sentences_;
  std::uint64_t count_ = 0;
};

class OrderLedger {
 public:
  void take(const AuditEntry& entry);
  std::uint64_t orders() const { return orders_.size(); }

  void compare(const delivery::OrderRow& row, Findings& findings);
  void compare(const delivery::AttemptRow& row, Findings& findings);
  void compare(const delivery::ReceiptRow& row, Findings& findings);
  // After the last row.
  void finish(Findings& findings) const;

 private:
  struct Attempt {
    delivery::State state = delivery::State::kOrdered;
    bool opened = false;  // else it was there before the log
    bool seen = false;
    bool held = false;  // if its order is in a campaign, and it takes nothing back
    std::optional<crypto::Digest256> opening{};
    std::optional<crypto::Digest256> answer{};
    std::optional<crypto::Digest256> envelope{};
    std::optional<crypto::Digest256> verdict{};
    std::optional<crypto::Digest256> withdrawal{};
    std::map<std::uint32_t, crypto::Digest256> receipts{};
    std::uint32_t receipts_seen = 0;
  };
  struct Order {
    delivery::State state = delivery::State::kOrdered;
    bool made = false;  // else it was there before the log
    bool seen = false;
    bool released = false;
    bool touched = false;  // if it is in a campaign
    bool member = false;   // of the row
    std::int64_t created_at = 0;
    delivery::AttemptNumber last_opened = 0;
    std::optional<delivery::DeviceId> device{};  // of the row
    std::optional<crypto::Digest256> content{};
    std::map<delivery::AttemptNumber, Attempt> attempts{};
  };
  static bool is_in_doubt(const Order& order, delivery::AttemptNumber opened);
  static void take_message(Attempt& attempt, const OrderChange& change);

  std::map<delivery::OrderKey, Order> orders_;
  LogBegin begin_;
  std::uint64_t older_orders_ = 0;  // rows that the log did not see being made
  std::uint64_t older_attempts_ = 0;
};

}  // namespace kagibin::roles::key_distribution_operator
