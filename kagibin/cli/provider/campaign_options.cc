// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/campaign_options.h"

#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kagibin::cli {

namespace json = boost::json;
using delivery::Attributes;
using delivery::CampaignTerms;
using roles::service_provider::Checked;
using roles::service_provider::problem;

namespace {

constexpr std::int64_t kDaySeconds = 86'400;

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::int64_t number_of(std::string_view text) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

auto malformed(std::string_view option, std::string_view text, std::string_view form) {
  return problem(Errc::kInvalidArgument,
                 fmt::format("{} {} is not of the form {}", option, text, form));
}

Checked<json::object> attributes_json(std::string_view option,
                                      const std::vector<std::string_view>& texts) {
  json::object out;
  for (const std::string_view text : texts) {
    const std::size_t sign = text.find('=');
    if (sign == 0 || sign == std::string_view::npos || sign + 1 == text.size()) {
      return malformed(option, text, "KEY=VALUE");
    }
    if (!out.emplace(text.substr(0, sign), json::string(text.substr(sign + 1))).second) {
      return problem(Errc::kInvalidArgument, fmt::format("{} {} stands twice", option, text));
    }
  }
  return out;
}

Checked<json::object> group_json(std::string_view text) {
  const std::size_t colon = text.find(':');
  json::object out{{"name", json::string(text.substr(0, colon))}};
  if (colon != std::string_view::npos) {
    out.emplace("match", KB_TRY(attributes_json("--group", parts_of(text.substr(colon + 1), ','))));
  }
  return out;
}

Checked<json::object> rule_json(std::string_view text) {
  const auto parts = parts_of(text, ':');
  if (parts.size() != 3) {
    return malformed("--abort", text, "refused:10:20 (state, percent, after so many orders)");
  }
  return json::object{{"on", json::string(parts[0])},
                      {"percent", number_of(parts[1])},
                      {"after", number_of(parts[2])}};
}

Checked<json::object> window_json(std::string_view text) {
  constexpr std::size_t kHours = 11;  // 22:00-04:00
  const bool long_enough = text.size() >= kHours && text[text.size() - 6] == '-';
  const std::string_view hours = long_enough ? text.substr(text.size() - kHours) : "";
  const std::string_view days = long_enough ? text.substr(0, text.size() - kHours) : "";
  if (!long_enough || (!days.empty() && !days.ends_with(':'))) {
    return malformed("--window", text, "22:00-04:00 or sat,sun:22:00-04:00");
  }
  json::object out;
  if (!days.empty()) {
    json::array names;
    for (const std::string_view day : parts_of(days.substr(0, days.size() - 1), ',')) {
      names.push_back(json::string(day));
    }
    out.emplace("days", std::move(names));
  }
  out.emplace("from", json::string(hours.substr(0, 5)));
  out.emplace("to", json::string(hours.substr(6)));
  return out;
}

Checked<json::object> retries_json(const std::vector<std::string>& texts) {
  json::object out;
  for (const std::string& text : texts) {
    const auto parts = parts_of(text, '=');
    if (parts.size() != 2) {
      return malformed("--retries", text, "refused=1 (declined, refused or unknown)");
    }
    out.insert_or_assign(parts[0], number_of(parts[1]));
  }
  return out;
}

template <typename Read>
Checked<json::array> list_of(const std::vector<std::string>& texts, Read read) {
  json::array out;
  for (const std::string& text : texts) {
    json::object one = KB_TRY(read(text));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Checked<Attributes> attributes_of(const std::vector<std::string>& texts) {
  const json::object members = KB_TRY(attributes_json("--attribute", {texts.begin(), texts.end()}));
  return KB_TRY(delivery::read_attributes(members));
}

Checked<CampaignTerms> terms_of(const CampaignOptions& options, std::int64_t now) {
  json::object out{{"notAfter", now + options.days * kDaySeconds}};
  if (options.orders != 0) {
    out.emplace("orders", options.orders);
  }
  if (options.growing.size() == 4) {
    out.emplace("rollout", json::object{{"kind", "exponential"},
                                        {"first", options.growing[0]},
                                        {"factor", options.growing[1]},
                                        {"each", options.growing[2]},
                                        {"max", options.growing[3]}});
  } else {
    out.emplace("rollout", json::object{{"kind", "constant"}, {"perMinute", options.per_minute}});
  }
  if (!options.groups.empty()) {
    out.emplace("groups", KB_TRY(list_of(options.groups, group_json)));
  }
  if (options.settle) {
    out.emplace("nextGroup", "settled");
  }
  out.emplace("abort", KB_TRY(list_of(options.abort, rule_json)));
  out.emplace("windows", KB_TRY(list_of(options.windows, window_json)));
  if (!options.retries.empty()) {
    out.emplace("retries", KB_TRY(retries_json(options.retries)));
  }
  return KB_TRY(delivery::campaign_terms_from_json(json::serialize(out)));
}

}  // namespace kagibin::cli
