// SPDX-License-Identifier: Apache-2.0
// What the key distribution operator can know of one attempt of an order, as one table of state x
// event (protocol, section 4). It cannot verify a receipt, so "reported" is a claim; only the
// service provider's verdict confirms.
//
//   state        waits for
//   ordered      the element's enrolment answer E4
//   enrolled     the service provider's envelope E2
//   sealed       the agent, to fetch the envelope (or the signed cancellation)
//   handed_over  a receipt E3
//   reported     the service provider's verdict
//   unknown      a later receipt or a later verdict: reading the element back resolves it
//   expired      nothing; a late receipt or a verdict still counts, for the element may have acted
//   confirmed, refused, cancelled: ends
//
// A new attempt supersedes the ones before it: what nobody fetched yet is cancelled, what was
// handed over stays open for its receipt. Pure values; the table is checked when this folder
// compiles.
//
//   const std::optional<State> after = next_state(State::kSealed, Event::kHandOver);
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::delivery {

enum class State : std::uint8_t {
  kOrdered,
  kEnrolled,
  kSealed,
  kHandedOver,
  kReported,
  kConfirmed,
  kRefused,
  kUnknown,
  kExpired,
  kCancelled,
};
inline constexpr std::size_t kStateCount = 10;

enum class Event : std::uint8_t {
  kEnrolment,         // E4 arrived
  kDelivery,          // E2 arrived
  kHandOver,          // the agent fetched it, possibly again
  kReceipt,           // E3 arrived, possibly a later one than the one stored
  kVerdictConfirmed,  // the service provider's word
  kVerdictRefused,
  kVerdictUnknown,
  kVerdictCancelled,
  kExpire,     // notAfter has passed
  kWithdraw,   // the service provider takes back what nobody fetched yet
  kSupersede,  // a later attempt of the same order
};
inline constexpr std::size_t kEventCount = 11;

// The state after the event; empty when the event is not allowed there.
std::optional<State> next_state(State state, Event event);

// True when no event leads away.
bool is_final(State state);

// True while an order in this state waits for somebody, and counts against its tenant's limit.
bool is_open(State state);

// True while a later attempt of the same order may be opened.
bool allows_next_attempt(State state);

// "ordered", ..., "handed_over", ..., as in JSON and in the stores.
std::string_view name(State state);
std::string_view name(Event event);
// kValue for any other text.
Result<State> state_by_name(std::string_view text);

}  // namespace kagibin::delivery
