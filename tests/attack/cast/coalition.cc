// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/cast/coalition.h"

#include <algorithm>

namespace kagibin::attack {

Result<Coalition> Coalition::parse(std::string_view text) {
  Coalition out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",+"), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name == "B") {
      out.has_operator = true;
    } else if (name == "C") {
      out.has_manager = true;
    } else if (name == "D-passive" || name == "Dp") {
      out.sees_relay = true;
    } else if (name == "D-active" || name == "Da") {
      out.sees_relay = true;
      out.rules_relay = true;
    } else if (name != "outsider" && name != "N") {
      return fail(Errc::kValue, "a coalition is of B, C, D-passive, D-active, or outsider");
    }
  }
  return out;
}

std::string Coalition::name() const {
  std::string out;
  const auto add = [&](bool is_in, std::string_view letter) {
    if (is_in) {
      out += out.empty() ? "" : "+";
      out += letter;
    }
  };
  add(has_operator, "B");
  add(has_manager, "C");
  add(sees_relay, rules_relay ? "Da" : "Dp");
  return out.empty() ? "outsider" : out;
}

std::string Coalition::column() const {
  const std::string own = name();
  return own == "outsider" ? "N" : own;
}

const std::array<Coalition, 10>& coalitions() {
  static constexpr std::array<Coalition, 10> kAll = {{
      {},
      {.has_operator = true},
      {.has_manager = true},
      {.sees_relay = true},
      {.sees_relay = true, .rules_relay = true},
      {.has_operator = true, .has_manager = true},
      {.has_operator = true, .sees_relay = true, .rules_relay = true},
      {.has_manager = true, .sees_relay = true},
      {.has_manager = true, .sees_relay = true, .rules_relay = true},
      {.has_operator = true, .has_manager = true, .sees_relay = true, .rules_relay = true},
  }};
  return kAll;
}

}  // namespace kagibin::attack
