// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/core/faults.h"

#include <cstdio>

#include <fmt/format.h>

namespace kagibin::simulation {
namespace {

constexpr std::array<std::string_view, kFaults> kNames = {
    "requests lost", "answers lost",        "sent twice",       "delayed",        "cut short",
    "half-open",     "distributors killed", "providers killed", "agents killed",  "power cuts",
    "APDUs lost",    "stores full",         "stores failed",    "commits unsaid", "clocks wrong"};

// The most often that each happens, of each occasion.
constexpr std::array<double, kFaults> kMost = {0.08, 0.08, 0.10, 0.10, 0.03, 0.02, 0.01, 0.01,
                                               0.02, 0.35, 0.01, 0.02, 0.02, 0.04, 0.02};
constexpr double kOff = 0.4;  // of the kinds of a seed

constexpr std::uint64_t kFnvPrime = 0x100000001B3U;

}  // namespace

std::string_view name(Fault fault) { return kNames.at(static_cast<std::size_t>(fault)); }

Faults::Faults(Dice dice) : dice_(dice) {
  for (std::size_t i = 0; i < kFaults; ++i) {
    const bool is_off = dice_.hits(kOff);
    const double share = dice_.unit();
    rates_.at(i) = is_off ? 0 : kMost.at(i) * share * share;
  }
}

bool Faults::hits(Fault fault) {
  if (!on_ || !dice_.hits(rates_.at(static_cast<std::size_t>(fault)))) {
    return false;
  }
  count(fault);
  return true;
}

void Trace::take(std::string_view text) {
  for (const char octet : text) {
    digest_ = (digest_ ^ static_cast<std::uint8_t>(octet)) * kFnvPrime;
  }
}

void Trace::add(std::int64_t moment,
                std::string_view who,
                std::string_view what,
                std::uint64_t octets) {
  ++lines_;
  take(who);
  take(what);
  for (std::uint64_t number : {static_cast<std::uint64_t>(moment), octets}) {
    for (int i = 0; i < 8; ++i, number >>= 8U) {
      digest_ = (digest_ ^ (number & 0xFFU)) * kFnvPrime;
    }
  }
  if (is_told_) {
    const std::string line = fmt::format("{:12.6f} {} {} {:016x}\n",
                                         static_cast<double>(moment) / 1e6, who, what, octets);
    static_cast<void>(std::fputs(line.c_str(), stderr));
  }
}

std::uint64_t fingerprint(std::string_view text) {
  std::uint64_t out = 0xCBF29CE484222325U;
  for (const char octet : text) {
    out = (out ^ static_cast<std::uint8_t>(octet)) * kFnvPrime;
  }
  return out;
}

}  // namespace kagibin::simulation
