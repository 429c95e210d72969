// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/campaign_messages.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/delivery/message_fields.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxStateName = 16;
constexpr std::size_t kMaxEventName = 32;
constexpr std::size_t kMaxListed = 1'000;
constexpr std::int64_t kMost = INT64_MAX;

Result<CampaignState> read_campaign_state(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("state", kMaxStateName));
  return campaign_state_by_name(text);
}

Result<std::string> read_line(ObjectReader& in, std::string_view key, std::size_t max) {
  std::string text = KB_TRY(in.text(key, max));
  if (!is_printable(text)) {
    return fail(Errc::kValue, "a reason is one line of printable text");
  }
  return text;
}

Result<std::uint64_t> read_count(ObjectReader& in, std::string_view key) {
  const std::int64_t count = KB_TRY(in.integer(key, 0, kMost));
  return static_cast<std::uint64_t>(count);
}

json::object json_of(const GroupStatus& group) {
  json::object orders;
  for (const auto& [state, count] : group.orders) {
    orders.emplace(name(state), count);
  }
  return {{"name", text_of(group.name)}, {"held", group.held}, {"orders", std::move(orders)}};
}

Result<GroupStatus> read_group(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  GroupStatus group;
  group.name = KB_TRY(read_line(in, "name", kMaxName));
  group.held = KB_TRY(read_count(in, "held"));
  ObjectReader orders = KB_TRY(in.object("orders"));
  for (std::size_t i = 0; i < kStateCount; ++i) {
    const auto state = static_cast<State>(i);
    if (orders.has(name(state))) {
      group.orders[state] = KB_TRY(read_count(orders, name(state)));
    }
  }
  KB_TRY(orders.finish());
  KB_TRY(in.finish());
  return group;
}

Result<HistoryEvent> read_event(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  HistoryEvent event;
  event.time = KB_TRY(in.integer("time", INT64_MIN, kMost));
  event.event = KB_TRY(read_line(in, "event", kMaxEventName));
  const std::int64_t attempt = KB_TRY(in.integer("attempt", 0, kMaxAttempts));
  event.attempt = static_cast<AttemptNumber>(attempt);
  event.state = KB_TRY(read_state(in));
  const std::string order_state = KB_TRY(in.text("orderState", kMaxStateName));
  event.order_state = KB_TRY(state_by_name(order_state));
  if (in.has("revision")) {
    const std::int64_t revision = KB_TRY(in.integer("revision", 1, UINT32_MAX));
    event.revision = static_cast<std::uint32_t>(revision);
  }
  KB_TRY(in.finish());
  return event;
}

json::array json_of(const Pausers& pausers) {
  json::array names;
  if (pausers.provider) {
    names.push_back(text_of(name(CampaignActor::kProvider)));
  }
  if (pausers.operated) {
    names.push_back(text_of(name(CampaignActor::kOperator)));
  }
  return names;
}

Result<Pausers> read_pausers(ObjectReader& in) {
  Pausers pausers;
  const json::array* names = KB_TRY(in.array("pausedBy", 2));
  for (const json::value& one : *names) {
    if (!one.is_string()) {
      return fail(Errc::kValue, "pausedBy has names");
    }
    const CampaignActor actor = KB_TRY(campaign_actor_by_name(one.get_string()));
    if (actor == CampaignActor::kDistributor || pausers.of(actor)) {
      return fail(Errc::kValue, "pausedBy has provider or operator, once");
    }
    pausers.of(actor) = true;
  }
  return pausers;
}

}  // namespace

std::string to_json(const CampaignStateRequest& message) {
  return json::serialize(
      json::object{{"state", text_of(name(message.state))}, {"reason", text_of(message.reason)}});
}

Result<CampaignStateRequest> campaign_state_request_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  CampaignStateRequest message;
  message.state = KB_TRY(read_campaign_state(in));
  message.reason = KB_TRY(read_line(in, "reason", kMaxReasonBytes));
  KB_TRY(in.finish());
  if (!is_open(message.state) && message.state != CampaignState::kCancelled) {
    return fail(Errc::kValue, "a campaign is made running, paused or cancelled");
  }
  return message;
}

std::string to_json(const CampaignStatus& message) {
  json::object out{{"campaign", text_of(message.campaign.text())},
                   {"state", text_of(name(message.state))},
                   {"reason", text_of(message.reason)},
                   {"createdAt", message.created_at},
                   {"changedAt", message.changed_at},
                   {"pausedBy", json_of(message.paused_by)},
                   {"released", message.released},
                   {"perMinute", message.per_minute}};
  if (message.next_release) {
    out.emplace("nextRelease", *message.next_release);
  }
  if (message.changed_by) {
    out.emplace("changedBy", text_of(name(*message.changed_by)));
  }
  json::array groups;
  for (const GroupStatus& group : message.groups) {
    groups.push_back(json_of(group));
  }
  out.emplace("groups", std::move(groups));
  out.emplace("terms", json_of(message.terms));
  return json::serialize(out);
}

Result<CampaignStatus> campaign_status_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 2 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const CampaignId campaign = KB_TRY(read_campaign(in));
  CampaignStatus message{.campaign = campaign, .next_release = {}};
  message.state = KB_TRY(read_campaign_state(in));
  message.reason = KB_TRY(read_line(in, "reason", kMaxReasonBytes));
  message.created_at = KB_TRY(in.integer("createdAt", INT64_MIN, kMost));
  message.changed_at = KB_TRY(in.integer("changedAt", INT64_MIN, kMost));
  if (in.has("changedBy")) {
    const std::string by = KB_TRY(in.text("changedBy", kMaxStateName));
    message.changed_by = KB_TRY(campaign_actor_by_name(by));
  }
  if (in.has("pausedBy")) {
    message.paused_by = KB_TRY(read_pausers(in));
  }
  message.released = KB_TRY(read_count(in, "released"));
  const std::int64_t rate = KB_TRY(in.integer("perMinute", 0, kMaxPerMinute));
  message.per_minute = static_cast<std::uint32_t>(rate);
  if (in.has("nextRelease")) {
    message.next_release = KB_TRY(in.integer("nextRelease", INT64_MIN, kMost));
  }
  const json::array* groups = KB_TRY(in.array("groups", kMaxGroups));
  for (const json::value& one : *groups) {
    GroupStatus group = KB_TRY(read_group(one));
    message.groups.push_back(std::move(group));
  }
  ObjectReader terms = KB_TRY(in.object("terms"));
  message.terms = KB_TRY(read_campaign_terms(terms));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const CampaignListing& message) {
  json::array campaigns;
  for (const ListedCampaign& one : message.campaigns) {
    campaigns.push_back(json::object{{"campaign", text_of(one.campaign.text())},
                                     {"state", text_of(name(one.state))},
                                     {"notAfter", one.not_after},
                                     {"released", one.released}});
  }
  return json::serialize(json::object{{"campaigns", std::move(campaigns)},
                                      {"next", text_of(message.next)},
                                      {"more", message.more}});
}

Result<CampaignListing> campaign_listing_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 8 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  CampaignListing message;
  const json::array* campaigns = KB_TRY(in.array("campaigns", kMaxListed));
  for (const json::value& element : *campaigns) {
    ObjectReader one = KB_TRY(ObjectReader::of(element));
    const CampaignId campaign = KB_TRY(read_campaign(one));
    ListedCampaign listed{.campaign = campaign};
    listed.state = KB_TRY(read_campaign_state(one));
    listed.not_after = KB_TRY(read_not_after(one));
    listed.released = KB_TRY(read_count(one, "released"));
    KB_TRY(one.finish());
    message.campaigns.push_back(std::move(listed));
  }
  message.next = KB_TRY(in.text("next", kMaxName));
  message.more = KB_TRY(in.boolean("more"));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const OrderHistory& message) {
  json::array events;
  for (const HistoryEvent& event : message.events) {
    json::object one{{"time", event.time},
                     {"event", text_of(event.event)},
                     {"attempt", event.attempt},
                     {"state", text_of(name(event.state))},
                     {"orderState", text_of(name(event.order_state))}};
    if (event.revision) {
      one.emplace("revision", *event.revision);
    }
    events.push_back(std::move(one));
  }
  return json::serialize(json::object{
      {"events", std::move(events)}, {"next", text_of(message.next)}, {"more", message.more}});
}

Result<OrderHistory> order_history_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 8 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  OrderHistory message;
  const json::array* events = KB_TRY(in.array("events", kMaxListed));
  for (const json::value& element : *events) {
    HistoryEvent event = KB_TRY(read_event(element));
    message.events.push_back(std::move(event));
  }
  message.next = KB_TRY(in.text("next", kMaxName));
  message.more = KB_TRY(in.boolean("more"));
  KB_TRY(in.finish());
  return message;
}

}  // namespace kagibin::delivery
