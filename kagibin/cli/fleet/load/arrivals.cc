// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/arrivals.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace kagibin::cli::fleet {

Checked<ArrivalPattern> ArrivalPattern::parse(std::string_view text) {
  if (text == "burst") {
    return ArrivalPattern{};
  }
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view number =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool is_number = error == std::errc() && end == number.data() + number.size() &&
                         std::isfinite(value) && value > 0;
  if (is_number && kind == "rate") {
    return ArrivalPattern{.kind = Kind::kRate, .value = value};
  }
  if (is_number && kind == "poisson") {
    return ArrivalPattern{.kind = Kind::kPoisson, .value = value};
  }
  if (is_number && kind == "in-flight" && value >= 1 && value == std::floor(value)) {
    return ArrivalPattern{.kind = Kind::kInFlight, .value = value};
  }
  return problem(Errc::kValue,
                 fmt::format("\"{}\" is no arrival pattern; there are burst, rate:R and poisson:R "
                             "with orders a second, and in-flight:N.",
                             text));
}

double Arrivals::next() {
  switch (pattern_.kind) {
    case ArrivalPattern::Kind::kBurst:
    case ArrivalPattern::Kind::kInFlight:
      return 0;
    case ArrivalPattern::Kind::kRate:
      last_ += 1 / pattern_.value;
      return last_;
    case ArrivalPattern::Kind::kPoisson:
      last_ += -std::log1p(-dice_.unit()) / pattern_.value;
      return last_;
  }
  return 0;
}

}  // namespace kagibin::cli::fleet
