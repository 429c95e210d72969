// SPDX-License-Identifier: Apache-2.0
// Port: campaigns, the orders in them, and what happened to orders, as rows of the distributor's
// store. What a campaign does is decided by the role (roles/key_distribution_operator/campaigns).
//
// An order joins a campaign when it is inserted (OrderRow::membership). Its attempts are held: no
// work for their device, until the order is released. How many orders of a group are in which
// phase is counted in the transaction that changes an order. An OrderTransaction's campaigns() live
// as long as that; failures are those of order_store.h.
//
//   const auto due = KB_TRY(transaction->campaigns().take_due(INT64_MIN, now));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/campaign.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

// Of an order in a campaign.
struct Membership {
  CampaignId campaign;
  std::uint32_t group = 0;
  Attributes attributes{};
  bool held = true;      // until it is released; one that ends before stays so
  bool touched = false;  // something was handed over to the device once
  friend bool operator==(const Membership&, const Membership&) = default;
};

struct CampaignRow {
  CampaignId id;
  Spid provider;
  std::string terms{};  // JSON, as to_json() writes it
  std::int64_t created_at = 0;
  CampaignState state = CampaignState::kRunning;
  std::string reason{};         // of the last change of state
  std::int64_t changed_at = 0;  // when the state changed
  std::uint64_t released = 0;
  std::int64_t credit = 0;      // orders that may be released, in sixtieths of one
  std::int64_t credit_at = 0;   // and until when it was counted
  std::int64_t settled_at = 0;  // since when nothing is left to do; 0: there is something
  std::int64_t due = 0;         // when somebody has to look at it next
  std::optional<CampaignActor> changed_by{};  // empty: by a version that did not say
  Pausers paused_by{};
  CampaignKey key() const { return {.provider = provider, .id = id}; }
};

// How many orders of a group are in a phase: held, or else in a state.
inline constexpr std::string_view kHeldPhase = "held";
struct PhaseCount {
  std::uint32_t group = 0;
  std::optional<State> state{};  // empty: held
  std::uint64_t count = 0;
  friend bool operator==(const PhaseCount&, const PhaseCount&) = default;
};
struct CampaignCount {
  CampaignKey campaign;
  PhaseCount of_group{};
  friend bool operator==(const CampaignCount&, const CampaignCount&) = default;
};
// Held is what waits to be released and did not end before.
std::string_view phase_of(State state, bool held);
Result<std::optional<State>> state_of_phase(std::string_view phase);

// One thing that happened to an order: what the audit log has of it, without digests.
struct HistoryRow {
  std::int64_t time = 0;
  std::string event{};
  AttemptNumber attempt = 0;
  State state = State::kOrdered;
  State order_state = State::kOrdered;
  std::uint32_t revision = 0;
  std::uint64_t ordinal = 0;  // given by the store: 1, 2, 3, ... of the order
  friend bool operator==(const HistoryRow&, const HistoryRow&) = default;
};

struct OrderRow;

class CampaignRows {
 public:
  CampaignRows() = default;
  CampaignRows(const CampaignRows&) = delete;
  CampaignRows& operator=(const CampaignRows&) = delete;
  virtual ~CampaignRows() = default;

  // Others may change it meanwhile.
  virtual Result<std::optional<CampaignRow>> find_campaign(const CampaignKey& campaign) = 0;
  // The same, to be changed by this transaction alone.
  virtual Result<std::optional<CampaignRow>> take_campaign(const CampaignKey& campaign) = 0;
  virtual Result<void> insert_campaign(const CampaignRow& row) = 0;
  // Everything behind `created_at`.
  virtual Result<void> update_campaign(const CampaignRow& row) = 0;
  // Of the provider, by name, behind `after` ("": from the first).
  virtual Result<std::vector<CampaignRow>> list_campaigns(const Spid& provider,
                                                          std::string_view after,
                                                          std::uint32_t limit) = 0;
  // The first that has not ended and is due in this time, to be changed by this transaction alone;
  // past those that others change.
  virtual Result<std::optional<CampaignRow>> take_due(std::int64_t from, std::int64_t until) = 0;

  // How many of a provider have not ended, counted up to `limit`.
  virtual Result<std::uint32_t> open_campaigns(const Spid& provider, std::uint32_t limit) = 0;

  virtual Result<std::vector<PhaseCount>> phase_counts(const CampaignKey& campaign) = 0;
  // Orders that are held and have an attempt, of groups up to `last_group`, by group and name; past
  // those that others change.
  virtual Result<std::vector<OrderRow>> orders_to_release(const CampaignKey& campaign,
                                                          std::uint32_t last_group,
                                                          std::uint32_t limit) = 0;
  // Orders in state ordered, enrolled or sealed of which nothing was handed over yet, by name; past
  // those that others change.
  virtual Result<std::vector<OrderRow>> orders_to_cancel(const CampaignKey& campaign,
                                                         std::uint32_t limit) = 0;

  virtual Result<void> append_history(const OrderKey& order, const HistoryRow& row) = 0;
  // By ordinal, behind `after`.
  virtual Result<std::vector<HistoryRow>> history_of(const OrderKey& order,
                                                     std::uint64_t after,
                                                     std::uint32_t limit) = 0;
};

}  // namespace kagibin::delivery
