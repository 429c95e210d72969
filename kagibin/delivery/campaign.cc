// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/campaign.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/delivery/message_fields.h"
#include "kagibin/delivery/messages.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::string_view kReleased = "released";
constexpr std::string_view kSettled = "settled";
constexpr std::uint16_t kMinutesADay = 24 * 60;
constexpr std::uint8_t kEveryDay = 0x7F;
constexpr std::uint32_t kMaxFactor = 100;
constexpr std::uint32_t kMaxRetries = 100;
constexpr std::size_t kMaxGroupName = 32;

constexpr std::array<std::string_view, kCampaignStateCount> kStates = {
    "running",   "paused",    "cancelling", "aborting", "expiring",
    "completed", "cancelled", "aborted",    "expired"};
constexpr std::array<std::string_view, 3> kActors = {"provider", "operator", "distributor"};

std::string time_text(std::uint16_t minutes) {
  std::string out = "00:00";
  for (const auto& [at, number] : {std::pair{0UZ, minutes / 60}, std::pair{3UZ, minutes % 60}}) {
    out[at] = static_cast<char>('0' + number / 10);
    out[at + 1] = static_cast<char>('0' + number % 10);
  }
  return out;
}

// "hh:mm", 00:00 to 23:59.
Result<std::uint16_t> read_time(ObjectReader& in, std::string_view key) {
  const std::string text = KB_TRY(in.text(key, 5));
  const auto number = [&](std::size_t at) {
    std::uint16_t value = 0;
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + 2, value);
    return error == std::errc() && end == begin + 2 ? value : kMinutesADay;
  };
  if (text.size() != 5 || text[2] != ':' || number(0) > 23 || number(3) > 59) {
    return fail(Errc::kValue, "a window's times are hh:mm, 00:00 to 23:59, in UTC");
  }
  return static_cast<std::uint16_t>(number(0) * 60 + number(3));
}

Result<std::uint32_t> number_in(ObjectReader& in,
                                std::string_view key,
                                std::int64_t min,
                                std::int64_t max) {
  const std::int64_t value = KB_TRY(in.integer(key, min, max));
  return static_cast<std::uint32_t>(value);
}

Result<std::uint8_t> read_days(const json::array& days) {
  std::uint8_t bits = 0;
  for (const json::value& day : days) {
    const auto* found = day.is_string()
                            ? std::ranges::find(kDays, std::string_view(day.get_string()))
                            : kDays.end();
    if (found == kDays.end()) {
      return fail(Errc::kValue, "a day is mon, tue, wed, thu, fri, sat or sun");
    }
    bits = static_cast<std::uint8_t>(bits | (1U << static_cast<unsigned>(found - kDays.begin())));
  }
  return bits == 0 ? Result<std::uint8_t>(fail(Errc::kValue, "a window has at least one day"))
                   : Result<std::uint8_t>(bits);
}

Result<MaintenanceWindow> read_window(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  MaintenanceWindow window;
  if (in.has("days")) {
    const json::array* days = KB_TRY(in.array("days", kDays.size()));
    window.days = KB_TRY(read_days(*days));
  }
  window.from = KB_TRY(read_time(in, "from"));
  window.to = KB_TRY(read_time(in, "to"));
  KB_TRY(in.finish());
  if (window.from == window.to) {
    return fail(Errc::kValue, "a window does not end when it begins; leave it out for all day");
  }
  return window;
}

Result<CampaignGroup> read_group(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  CampaignGroup group;
  group.name = KB_TRY(in.text("name", kMaxGroupName));
  if (group.name.empty() || !is_printable(group.name)) {
    return fail(Errc::kValue, "a group's name is one line of printable text");
  }
  if (in.has("match")) {
    const json::value* match = KB_TRY(in.value("match"));
    group.match = KB_TRY(read_attributes(*match));
  }
  KB_TRY(in.finish());
  return group;
}

Result<std::vector<CampaignGroup>> read_groups(ObjectReader& in) {
  if (!in.has("groups")) {
    return std::vector{CampaignGroup{.name = "all"}};
  }
  const json::array* list = KB_TRY(in.array("groups", kMaxGroups));
  std::vector<CampaignGroup> groups;
  for (const json::value& one : *list) {
    if (!groups.empty() && groups.back().match.empty()) {
      return fail(Errc::kValue,
                  "only the last group may be without a match: it takes all the rest");
    }
    CampaignGroup group = KB_TRY(read_group(one));
    if (std::ranges::any_of(groups, [&](const auto& other) { return other.name == group.name; })) {
      return fail(Errc::kValue, "two groups of a campaign have one name");
    }
    groups.push_back(std::move(group));
  }
  if (groups.empty()) {
    return fail(Errc::kValue, "a campaign has at least one group; leave groups out for one of all");
  }
  return groups;
}

Result<Rollout> read_rollout(ObjectReader& all) {
  ObjectReader in = KB_TRY(all.object("rollout"));
  const std::string kind = KB_TRY(in.text("kind", 16));
  Rollout rollout;
  if (kind == "constant") {
    rollout.per_minute = KB_TRY(number_in(in, "perMinute", 1, kMaxPerMinute));
    rollout.max = rollout.per_minute;
  } else if (kind == "exponential") {
    rollout.kind = Rollout::Kind::kExponential;
    rollout.per_minute = KB_TRY(number_in(in, "first", 1, kMaxPerMinute));
    rollout.factor = KB_TRY(number_in(in, "factor", 2, kMaxFactor));
    rollout.each = KB_TRY(number_in(in, "each", 1, kMaxCampaignOrders));
    rollout.max = KB_TRY(number_in(in, "max", rollout.per_minute, kMaxPerMinute));
  } else {
    return fail(Errc::kValue, "a rollout is constant or exponential");
  }
  KB_TRY(in.finish());
  return rollout;
}

Result<AbortRule> read_rule(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  AbortRule rule;
  const std::string on = KB_TRY(in.text("on", 16));
  const auto state = state_by_name(on);
  if (!state ||
      (*state != State::kRefused && *state != State::kUnknown && *state != State::kExpired)) {
    return fail(Errc::kValue, "a campaign is aborted on refused, unknown or expired");
  }
  rule.on = *state;
  rule.percent = KB_TRY(number_in(in, "percent", 1, 100));
  rule.after = KB_TRY(number_in(in, "after", 1, kMaxCampaignOrders));
  KB_TRY(in.finish());
  return rule;
}

Result<RetryLimits> read_retries(ObjectReader& all) {
  ObjectReader in = KB_TRY(all.object("retries"));
  RetryLimits limits;
  for (const auto& [key, limit] :
       {std::pair{"declined", &limits.declined}, std::pair{"refused", &limits.refused},
        std::pair{"unknown", &limits.unknown}}) {
    if (in.has(key)) {
      *limit = KB_TRY(number_in(in, key, 0, kMaxRetries));
    }
  }
  KB_TRY(in.finish());
  return limits;
}

json::object json_of(const Rollout& rollout) {
  if (rollout.kind == Rollout::Kind::kConstant) {
    return {{"kind", "constant"}, {"perMinute", rollout.per_minute}};
  }
  return {{"kind", "exponential"},
          {"first", rollout.per_minute},
          {"factor", rollout.factor},
          {"each", rollout.each},
          {"max", rollout.max}};
}

json::object json_of(const MaintenanceWindow& window) {
  json::object out;
  if (window.days != kEveryDay) {
    json::array days;
    for (std::size_t day = 0; day < kDays.size(); ++day) {
      if ((window.days >> day & 1U) != 0) {
        days.push_back(text_of(kDays.at(day)));
      }
    }
    out.emplace("days", std::move(days));
  }
  out.emplace("from", text_of(time_text(window.from)));
  out.emplace("to", text_of(time_text(window.to)));
  return out;
}

}  // namespace

json::object json_of(const Attributes& attributes) {
  json::object out;
  for (const auto& [key, value] : attributes) {
    out.emplace(key, text_of(value));
  }
  return out;
}

Result<Attributes> read_attributes(const json::value& value) {
  const json::object* members = value.if_object();
  if (members == nullptr) {
    return fail(Errc::kEncoding, "attributes are an object of texts");
  }
  if (members->size() > kMaxAttributes) {
    return fail(Errc::kLimit, "an order has 8 attributes at most");
  }
  Attributes attributes;
  for (const auto& member : *members) {
    const std::string_view key(member.key());
    if (!member.value().is_string()) {
      return fail(Errc::kEncoding, "attributes are an object of texts");
    }
    const std::string_view text(member.value().get_string());
    if (key.size() > kMaxAttributeKey || text.size() > kMaxAttributeValue) {
      return fail(Errc::kLimit, "an attribute has 32 characters at most, its value 64");
    }
    if (key.empty() || text.empty() || !is_printable(key) || !is_printable(text)) {
      return fail(Errc::kValue, "attributes and their values are printable and not empty");
    }
    attributes.emplace(key, text);
  }
  return attributes;
}

std::string attributes_text(const Attributes& attributes) {
  return json::serialize(json_of(attributes));
}

Result<Attributes> attributes_from_text(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  return read_attributes(value);
}

std::optional<std::uint32_t> CampaignTerms::group_of(const Attributes& attributes) const {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const bool all = std::ranges::all_of(groups[i].match, [&](const auto& wanted) {
      const auto found = attributes.find(wanted.first);
      return found != attributes.end() && found->second == wanted.second;
    });
    if (all) {
      return static_cast<std::uint32_t>(i);
    }
  }
  return std::nullopt;
}

json::object json_of(const CampaignTerms& terms) {
  json::object out{{"notAfter", terms.not_after}};
  if (terms.orders) {
    out.emplace("orders", *terms.orders);
  }
  json::array groups;
  for (const CampaignGroup& group : terms.groups) {
    json::object one{{"name", text_of(group.name)}};
    if (!group.match.empty()) {
      one.emplace("match", json_of(group.match));
    }
    groups.push_back(std::move(one));
  }
  out.emplace("groups", std::move(groups));
  out.emplace("nextGroup", text_of(terms.wait_for_group ? kSettled : kReleased));
  out.emplace("rollout", json_of(terms.rollout));
  json::array rules;
  for (const AbortRule& rule : terms.abort) {
    rules.push_back(json::object{
        {"on", text_of(name(rule.on))}, {"percent", rule.percent}, {"after", rule.after}});
  }
  out.emplace("abort", std::move(rules));
  json::array windows;
  for (const MaintenanceWindow& window : terms.windows) {
    windows.push_back(json_of(window));
  }
  out.emplace("windows", std::move(windows));
  if (terms.retries) {
    out.emplace("retries", json::object{{"declined", terms.retries->declined},
                                        {"refused", terms.retries->refused},
                                        {"unknown", terms.retries->unknown}});
  }
  return out;
}

std::string to_json(const CampaignTerms& terms) { return json::serialize(json_of(terms)); }

Result<CampaignTerms> read_campaign_terms(ObjectReader& in) {
  CampaignTerms terms;
  terms.not_after = KB_TRY(read_not_after(in));
  if (in.has("orders")) {
    terms.orders = KB_TRY(number_in(in, "orders", 1, kMaxCampaignOrders));
  }
  terms.groups = KB_TRY(read_groups(in));
  if (in.has("nextGroup")) {
    const std::string next = KB_TRY(in.text("nextGroup", 16));
    if (next != kReleased && next != kSettled) {
      return fail(Errc::kValue,
                  "the next group begins when the one before is released or has settled");
    }
    terms.wait_for_group = next == kSettled;
  }
  terms.rollout = KB_TRY(read_rollout(in));
  if (in.has("abort")) {
    const json::array* rules = KB_TRY(in.array("abort", kMaxAbortRules));
    for (const json::value& one : *rules) {
      const AbortRule rule = KB_TRY(read_rule(one));
      terms.abort.push_back(rule);
    }
  }
  if (in.has("windows")) {
    const json::array* windows = KB_TRY(in.array("windows", kMaxWindows));
    for (const json::value& one : *windows) {
      const MaintenanceWindow window = KB_TRY(read_window(one));
      terms.windows.push_back(window);
    }
  }
  if (in.has("retries")) {
    const RetryLimits limits = KB_TRY(read_retries(in));
    terms.retries = limits;
  }
  KB_TRY(in.finish());
  return terms;
}

Result<CampaignTerms> campaign_terms_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  return read_campaign_terms(in);
}

std::string_view name(CampaignState state) { return kStates.at(std::to_underlying(state)); }

Result<CampaignState> campaign_state_by_name(std::string_view text) {
  const auto* found = std::ranges::find(kStates, text);
  if (found == kStates.end()) {
    return fail(Errc::kValue, "no such state of a campaign");
  }
  return static_cast<CampaignState>(found - kStates.begin());
}

std::string_view name(CampaignActor actor) { return kActors.at(std::to_underlying(actor)); }

Result<CampaignActor> campaign_actor_by_name(std::string_view text) {
  const auto* found = std::ranges::find(kActors, text);
  if (found == kActors.end()) {
    return fail(Errc::kValue, "nobody of this name changes campaigns");
  }
  return static_cast<CampaignActor>(found - kActors.begin());
}

bool is_open(CampaignState state) {
  return state == CampaignState::kRunning || state == CampaignState::kPaused;
}

bool is_end(CampaignState state) { return end_of(state) == state; }

CampaignState end_of(CampaignState state) {
  switch (state) {
    case CampaignState::kRunning:
    case CampaignState::kPaused:
    case CampaignState::kCompleted:
      return CampaignState::kCompleted;
    case CampaignState::kCancelling:
    case CampaignState::kCancelled:
      return CampaignState::kCancelled;
    case CampaignState::kAborting:
    case CampaignState::kAborted:
      return CampaignState::kAborted;
    case CampaignState::kExpiring:
    case CampaignState::kExpired:
      break;
  }
  return CampaignState::kExpired;
}

}  // namespace kagibin::delivery
