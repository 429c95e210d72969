// SPDX-License-Identifier: Apache-2.0
// The rows of a distributor's store, in memory, with the indexes by which they are found. Each
// change notes how it is undone, until keep(). For memory_order_store.h.
//
// A copy is a moment of the store: it has nothing to undo. Thread-safety: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "kagibin/delivery/order_store.h"

namespace kagibin::test {

struct StoredOrder {
  delivery::OrderRow row;
  std::uint64_t ordinal = 0;  // in order of insertion
};
struct AttemptKey {
  delivery::OrderKey order;
  delivery::AttemptNumber number = 1;
  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
};
struct StoredAttempt {
  delivery::AttemptRow row;
  std::int64_t not_after = 0;  // of the order
};
struct StoredCampaign {
  delivery::CampaignRow row;
  std::uint64_t ordinal = 0;
};
struct StoredAnswer {
  delivery::AnswerRow row;
  std::int64_t number = 0;    // grows by the units of each of its owner
  std::uint64_t ordinal = 0;  // in order of insertion
};
struct PhaseKey {
  delivery::CampaignKey campaign;
  std::uint32_t group = 0;
  std::string_view phase;
  friend auto operator<=>(const PhaseKey&, const PhaseKey&) = default;
};

class OrderTables {
 public:
  explicit OrderTables(std::int64_t created_at);
  OrderTables(const OrderTables& other);
  OrderTables& operator=(const OrderTables&) = delete;
  ~OrderTables() = default;

  using ReceiptKey = std::tuple<delivery::OrderKey, delivery::AttemptNumber, std::uint32_t>;
  using TileKey = std::pair<std::uint32_t, std::uint64_t>;

  // Read as they are; changed by set() and append() alone.
  std::map<delivery::OrderKey, StoredOrder> orders{};
  std::map<AttemptKey, StoredAttempt> attempts{};
  std::map<ReceiptKey, Bytes> receipts{};
  std::map<Bytes, delivery::InvitationRow> invitations{};
  std::map<delivery::CampaignKey, StoredCampaign> campaigns{};
  std::map<std::pair<delivery::OrderKey, std::uint64_t>, delivery::HistoryRow> histories{};
  std::map<Spid, delivery::TenantRow> tenants{};
  std::map<delivery::AnswerName, StoredAnswer> answers{};
  std::map<TileKey, Bytes> tiles{};
  std::map<std::string_view, std::uint64_t> numbers{};  // the last of each kind
  std::map<int, delivery::AuditHead> head{};            // one, under 0
  std::vector<Bytes> entries{};                         // of the audit log, by place

  // What set() keeps in step with the rows.
  struct Indexes {
    std::map<std::pair<std::int64_t, std::uint64_t>, delivery::OrderKey> without_attempt{};
    std::map<std::pair<Spid, std::string_view>, std::int64_t> counts{};
    std::map<PhaseKey, std::int64_t> phases{};
    std::map<std::pair<Spid, std::uint64_t>, AttemptKey> by_change{};
    std::map<std::pair<delivery::DeviceId, std::uint64_t>, AttemptKey> to_do{};
    std::map<std::pair<std::int64_t, std::uint64_t>, AttemptKey> expiring{};
  };
  const Indexes& indexes() const { return indexes_; }
  bool is_taken = false;  // by a transaction

  // Writes the row of this name; nothing: removes it. `rows` is one of the maps above.
  template <typename Key, typename Row>
  void set(std::map<Key, Row>& rows, const Key& key, std::optional<Row> row) {
    std::optional<Row> before = replace(rows, key, std::move(row));
    undo_.emplace_back(
        [this, &rows, key, before = std::move(before)] { replace(rows, key, before); });
  }
  void append(ByteView entry);
  // Counts on, from 1.
  std::uint64_t next(std::string_view kind);

  std::size_t mark() const { return undo_.size(); }
  void undo_to(std::size_t mark);
  void keep() { undo_.clear(); }

 private:
  template <typename Key, typename Row>
  std::optional<Row> replace(std::map<Key, Row>& rows, const Key& key, std::optional<Row> row) {
    std::optional<Row> before;
    const auto found = rows.find(key);
    if (found != rows.end()) {
      before = std::move(found->second);
    }
    index(key, before ? &*before : nullptr, row ? &*row : nullptr);
    if (!row) {
      rows.erase(key);
    } else if (found != rows.end()) {
      found->second = std::move(*row);
    } else {
      rows.emplace(key, std::move(*row));
    }
    return before;
  }
  template <typename Key, typename Row>
  void index(const Key& /*key*/, const Row* /*before*/, const Row* /*after*/) {}
  void index(const delivery::OrderKey& key, const StoredOrder* before, const StoredOrder* after);
  void index(const AttemptKey& key, const StoredAttempt* before, const StoredAttempt* after);

  Indexes indexes_{};
  std::vector<std::function<void()>> undo_{};
};

// Of a provider, or of all.
std::vector<delivery::OrderCount> order_counts_of(const OrderTables& tables,
                                                  const std::optional<Spid>& provider);

}  // namespace kagibin::test
