// SPDX-License-Identifier: Apache-2.0
// What a campaign is (doc/campaigns.md): terms under which a service provider's orders are released
// to their devices, as a structure with a JSON codec, strict as those of messages.h.
//
//   { "notAfter", "orders": 300,
//     "groups": [ { "name": "pilot", "match": { "site": "lab" } }, { "name": "rest" } ],
//     "nextGroup": "released" | "settled",
//     "rollout": { "kind": "constant", "perMinute": 60 }
//             or { "kind": "exponential", "first": 10, "factor": 2, "each": 50, "max": 600 },
//     "abort": [ { "on": "refused", "percent": 10, "after": 20 } ],
//     "windows": [ { "days": ["mon", "sun"], "from": "22:00", "to": "04:00" } ],
//     "retries": { "declined": 0, "refused": 1, "unknown": 3 } }
//
// notAfter and rollout are needed. An order is in the first group whose attributes it all has; the
// last group may match everything. Without groups there is one, "all". Windows are in UTC; one that
// ends before it begins ends on the next day; without days it is one of every day. Limits: 16
// groups, 8 attributes each of 32 and 64 characters, 4 rules, 16 windows, 60,000 orders a minute.
// Pure values.
//
//   const CampaignTerms terms = KB_TRY(campaign_terms_from_json(body));
//   const std::optional<std::uint32_t> group = terms.group_of(order.attributes);
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "kagibin/base/result.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {

inline constexpr std::size_t kMaxAttributes = 8;
inline constexpr std::size_t kMaxAttributeKey = 32;
inline constexpr std::size_t kMaxAttributeValue = 64;
inline constexpr std::size_t kMaxGroups = 16;
inline constexpr std::size_t kMaxAbortRules = 4;
inline constexpr std::size_t kMaxWindows = 16;
inline constexpr std::uint32_t kMaxPerMinute = 60'000;
inline constexpr std::int64_t kMaxCampaignOrders = 100'000'000;

// What an order says of its element: texts that groups match.
using Attributes = std::map<std::string, std::string, std::less<>>;
boost::json::object json_of(const Attributes& attributes);
// kLimit for more or longer ones than the limits; kValue for an empty or unprintable text.
Result<Attributes> read_attributes(const boost::json::value& value);
// As stores keep them: JSON, by key.
std::string attributes_text(const Attributes& attributes);
Result<Attributes> attributes_from_text(std::string_view text);

struct CampaignGroup {
  std::string name;
  Attributes match{};  // empty: every order
  friend bool operator==(const CampaignGroup&, const CampaignGroup&) = default;
};

struct Rollout {
  enum class Kind : std::uint8_t { kConstant, kExponential };
  Kind kind = Kind::kConstant;
  std::uint32_t per_minute = 1;  // the first rate, of an exponential one
  std::uint32_t factor = 2;      // by which it grows with
  std::uint32_t each = 1;        // so many confirmed orders
  std::uint32_t max = 1;
  friend bool operator==(const Rollout&, const Rollout&) = default;
};

// The campaign is aborted once `after` orders were judged and `percent` of them are in state `on`.
struct AbortRule {
  State on = State::kRefused;  // or kUnknown, kExpired
  std::uint32_t percent = 0;
  std::uint32_t after = 1;
  friend bool operator==(const AbortRule&, const AbortRule&) = default;
};

struct MaintenanceWindow {
  std::uint8_t days = 0x7F;  // bit 0: Monday; on which it begins
  std::uint16_t from = 0;    // minutes of the day
  std::uint16_t to = 0;
  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

// How many further attempts an order may have after each kind of failure.
struct RetryLimits {
  std::uint32_t declined = 0;  // refused before anything was handed over
  std::uint32_t refused = 0;   // by a receipt
  std::uint32_t unknown = 0;
  friend bool operator==(const RetryLimits&, const RetryLimits&) = default;
};

struct CampaignTerms {
  std::int64_t not_after = 0;
  std::optional<std::uint32_t> orders{};  // how many it will have; it is complete with them
  std::vector<CampaignGroup> groups{};    // at least one
  bool wait_for_group = false;            // until the group before has settled
  Rollout rollout{};
  std::vector<AbortRule> abort{};
  std::vector<MaintenanceWindow> windows{};
  std::optional<RetryLimits> retries{};  // none: the campaign limits nothing

  // Empty when no group takes such an order.
  std::optional<std::uint32_t> group_of(const Attributes& attributes) const;
  friend bool operator==(const CampaignTerms&, const CampaignTerms&) = default;
};
boost::json::object json_of(const CampaignTerms& terms);
std::string to_json(const CampaignTerms& terms);
Result<CampaignTerms> campaign_terms_from_json(std::string_view text);
Result<CampaignTerms> read_campaign_terms(ObjectReader& in);

// What becomes of a campaign:
//
//   running, paused      orders join, are released (running), or wait
//   cancelling, aborting, expiring   what nobody fetched yet is being cancelled
//   completed, cancelled, aborted, expired   ends
enum class CampaignState : std::uint8_t {
  kRunning,
  kPaused,
  kCancelling,
  kAborting,
  kExpiring,
  kCompleted,
  kCancelled,
  kAborted,
  kExpired,
};
inline constexpr std::size_t kCampaignStateCount = 9;
std::string_view name(CampaignState state);
Result<CampaignState> campaign_state_by_name(std::string_view text);
// Orders may join and be released.
bool is_open(CampaignState state);
bool is_end(CampaignState state);
// Where cancelling, aborting and expiring lead; expiring may lead to completed as well.
CampaignState end_of(CampaignState state);

// Who made a campaign what it is: its provider, the distributor's operator, or the distributor
// itself (time, a rule of abort, the end).
enum class CampaignActor : std::uint8_t { kProvider, kOperator, kDistributor };
std::string_view name(CampaignActor actor);
Result<CampaignActor> campaign_actor_by_name(std::string_view text);

// Who wants a campaign paused: it goes on when nobody does any more.
struct Pausers {
  bool provider = false;
  bool operated = false;  // the distributor's operator
  bool any() const { return provider || operated; }
  bool& of(CampaignActor actor) { return actor == CampaignActor::kOperator ? operated : provider; }
  friend bool operator==(const Pausers&, const Pausers&) = default;
};

}  // namespace kagibin::delivery
