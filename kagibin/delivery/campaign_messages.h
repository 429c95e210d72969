// SPDX-License-Identifier: Apache-2.0
// Bodies of the API about campaigns and histories (doc/openapi.yaml), as structures with JSON
// codecs, strict as those of messages.h. PUT /v1/campaigns/{campaign} has CampaignTerms
// (campaign.h).
//
//   const CampaignStatus status = KB_TRY(campaign_status_from_json(body));
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/campaign.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

// PUT /v1/campaigns/{campaign}/state: { "state": "running"|"paused"|"cancelled", "reason" }
struct CampaignStateRequest {
  CampaignState state = CampaignState::kRunning;
  std::string reason{};
  friend bool operator==(const CampaignStateRequest&, const CampaignStateRequest&) = default;
};
std::string to_json(const CampaignStateRequest& message);
Result<CampaignStateRequest> campaign_state_request_from_json(std::string_view text);

// How many orders of a group are held, and how many are in which state.
struct GroupStatus {
  std::string name;
  std::uint64_t held = 0;
  std::map<State, std::uint64_t> orders{};  // none of zero
  friend bool operator==(const GroupStatus&, const GroupStatus&) = default;
};

// GET /v1/campaigns/{campaign}, and the answer to its PUTs.
struct CampaignStatus {
  CampaignId campaign;
  CampaignState state = CampaignState::kRunning;
  std::string reason{};
  std::int64_t created_at = 0;
  std::int64_t changed_at = 0;
  std::optional<CampaignActor> changed_by{};
  Pausers paused_by{};
  std::uint64_t released = 0;
  std::uint32_t per_minute = 0;              // the rate of now
  std::optional<std::int64_t> next_release;  // none: paused, ended, or nothing is held
  std::vector<GroupStatus> groups{};
  CampaignTerms terms{};
  friend bool operator==(const CampaignStatus&, const CampaignStatus&) = default;
};
std::string to_json(const CampaignStatus& message);
Result<CampaignStatus> campaign_status_from_json(std::string_view text);

// GET /v1/campaigns?after=&limit=: by name. Pass `next` as ?after= while `more` is true.
struct ListedCampaign {
  CampaignId campaign;
  CampaignState state = CampaignState::kRunning;
  std::int64_t not_after = 0;
  std::uint64_t released = 0;
  friend bool operator==(const ListedCampaign&, const ListedCampaign&) = default;
};
struct CampaignListing {
  std::vector<ListedCampaign> campaigns{};
  std::string next{};
  bool more = false;
  friend bool operator==(const CampaignListing&, const CampaignListing&) = default;
};
std::string to_json(const CampaignListing& message);
Result<CampaignListing> campaign_listing_from_json(std::string_view text);

// GET /v1/orders/{order}/history?after=&limit=: what happened, oldest first. Attempt 0 is the order
// itself.
struct HistoryEvent {
  std::int64_t time = 0;
  std::string event;
  AttemptNumber attempt = 0;
  State state = State::kOrdered;
  State order_state = State::kOrdered;
  std::optional<std::uint32_t> revision{};  // of the receipt that came or was judged
  friend bool operator==(const HistoryEvent&, const HistoryEvent&) = default;
};
struct OrderHistory {
  std::vector<HistoryEvent> events{};
  std::string next{};
  bool more = false;
  friend bool operator==(const OrderHistory&, const OrderHistory&) = default;
};
std::string to_json(const OrderHistory& message);
Result<OrderHistory> order_history_from_json(std::string_view text);

}  // namespace kagibin::delivery
