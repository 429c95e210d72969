// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/order_state.h"

#include <array>
#include <utility>

namespace kagibin::delivery {
namespace {

constexpr std::uint8_t kNone = 0xFF;

using Row = std::array<std::uint8_t, kEventCount>;
using Table = std::array<Row, kStateCount>;

constexpr std::uint8_t go(State state) { return std::to_underlying(state); }

constexpr std::uint8_t kEnr = go(State::kEnrolled);
constexpr std::uint8_t kSea = go(State::kSealed);
constexpr std::uint8_t kHan = go(State::kHandedOver);
constexpr std::uint8_t kRep = go(State::kReported);
constexpr std::uint8_t kCon = go(State::kConfirmed);
constexpr std::uint8_t kRef = go(State::kRefused);
constexpr std::uint8_t kUnk = go(State::kUnknown);
constexpr std::uint8_t kExp = go(State::kExpired);
constexpr std::uint8_t kCan = go(State::kCancelled);
constexpr std::uint8_t kNo = kNone;

// clang-format off
constexpr Table kTable = {{
    //              Enrol Deliv HandO Recei  VConf VRefu VUnkn VCanc  Expir Withd Super
    /* ordered    */ {kEnr, kNo,  kNo,  kNo,   kNo,  kNo,  kNo,  kNo,   kExp, kCan, kCan},
    /* enrolled   */ {kNo,  kSea, kNo,  kNo,   kNo,  kRef, kNo,  kNo,   kExp, kCan, kCan},
    /* sealed     */ {kNo,  kNo,  kHan, kNo,   kNo,  kNo,  kNo,  kNo,   kExp, kCan, kCan},
    /* handed_over*/ {kNo,  kNo,  kHan, kRep,  kNo,  kNo,  kUnk, kNo,   kExp, kNo,  kHan},
    /* reported   */ {kNo,  kNo,  kNo,  kRep,  kCon, kRef, kUnk, kCan,  kNo,  kNo,  kRep},
    /* confirmed  */ {kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kNo},
    /* refused    */ {kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kRef},
    /* unknown    */ {kNo,  kNo,  kNo,  kRep,  kCon, kRef, kUnk, kCan,  kNo,  kNo,  kUnk},
    /* expired    */ {kNo,  kNo,  kNo,  kRep,  kNo,  kRef, kUnk, kNo,   kNo,  kNo,  kNo},
    /* cancelled  */ {kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kNo,  kNo,   kNo,  kNo,  kNo},
}};
// clang-format on

constexpr bool leads_away(std::size_t state) {
  for (const std::uint8_t to : kTable[state]) {
    if (to != kNone && to != state) {
      return true;
    }
  }
  return false;
}

// States that can be reached from these starts, by any number of events.
constexpr std::array<bool, kStateCount> reachable(std::array<bool, kStateCount> seen) {
  for (std::size_t round = 0; round < kStateCount; ++round) {
    for (std::size_t state = 0; state < kStateCount; ++state) {
      for (const std::uint8_t to : kTable[state]) {
        if (seen[state] && to != kNone) {
          seen[to] = true;
        }
      }
    }
  }
  return seen;
}

constexpr std::array<bool, kStateCount> starting_at(std::initializer_list<State> states) {
  std::array<bool, kStateCount> seen{};
  for (const State state : states) {
    seen[go(state)] = true;
  }
  return seen;
}

constexpr bool every_state_is_reachable() {
  for (const bool seen : reachable(starting_at({State::kOrdered, State::kSealed}))) {
    if (!seen) {
      return false;
    }
  }
  return true;
}

// Nothing waits for ever: from every state an end can be reached.
constexpr bool an_end_is_always_reachable() {
  for (std::size_t from = 0; from < kStateCount; ++from) {
    std::array<bool, kStateCount> start{};
    start[from] = true;
    const auto seen = reachable(start);
    if (!seen[kCon] && !seen[kRef] && !seen[kCan]) {
      return false;
    }
  }
  return true;
}

constexpr bool only_this_event_leads_to(std::uint8_t target, Event event) {
  for (std::size_t state = 0; state < kStateCount; ++state) {
    for (std::size_t e = 0; e < kEventCount; ++e) {
      if (state != target && kTable[state][e] == target && e != std::to_underlying(event)) {
        return false;
      }
    }
  }
  return true;
}

// Once an envelope was handed over the element may have acted: only the service provider's word, or
// a receipt that A has still to read, may follow, and courtesy expiry, which forgets nothing.
constexpr bool nothing_handed_over_is_taken_back() {
  return kTable[kHan][std::to_underlying(Event::kWithdraw)] == kNone &&
         kTable[kHan][std::to_underlying(Event::kSupersede)] == kHan &&
         kTable[kExp][std::to_underlying(Event::kReceipt)] == kRep &&
         kTable[kUnk][std::to_underlying(Event::kReceipt)] == kRep;
}

static_assert(every_state_is_reachable());
static_assert(an_end_is_always_reachable());
static_assert(only_this_event_leads_to(kCon, Event::kVerdictConfirmed));
static_assert(only_this_event_leads_to(kUnk, Event::kVerdictUnknown));
static_assert(only_this_event_leads_to(kRef, Event::kVerdictRefused));
static_assert(only_this_event_leads_to(kRep, Event::kReceipt));
static_assert(only_this_event_leads_to(kExp, Event::kExpire));
static_assert(nothing_handed_over_is_taken_back());
static_assert(!leads_away(kCon) && !leads_away(kRef) && !leads_away(kCan) && leads_away(kExp));

constexpr std::array<std::string_view, kStateCount> kStateNames = {
    "ordered",   "enrolled", "sealed",  "handed_over", "reported",
    "confirmed", "refused",  "unknown", "expired",     "cancelled"};
constexpr std::array<std::string_view, kEventCount> kEventNames = {
    "enrolment",       "delivery",        "hand_over",         "receipt", "verdict_confirmed",
    "verdict_refused", "verdict_unknown", "verdict_cancelled", "expire",  "withdraw",
    "supersede"};

}  // namespace

std::optional<State> next_state(State state, Event event) {
  const std::uint8_t to = kTable.at(std::to_underlying(state)).at(std::to_underlying(event));
  if (to == kNone) {
    return std::nullopt;
  }
  return static_cast<State>(to);
}

bool is_final(State state) { return !leads_away(std::to_underlying(state)); }

bool is_open(State state) {
  return state == State::kOrdered || state == State::kEnrolled || state == State::kSealed ||
         state == State::kHandedOver || state == State::kReported || state == State::kUnknown;
}

bool allows_next_attempt(State state) {
  return state != State::kConfirmed && state != State::kExpired && state != State::kCancelled;
}

std::string_view name(State state) { return kStateNames.at(std::to_underlying(state)); }

std::string_view name(Event event) { return kEventNames.at(std::to_underlying(event)); }

Result<State> state_by_name(std::string_view text) {
  for (std::size_t i = 0; i < kStateCount; ++i) {
    if (kStateNames.at(i) == text) {
      return static_cast<State>(i);
    }
  }
  return fail(Errc::kValue, "no such order state");
}

}  // namespace kagibin::delivery
