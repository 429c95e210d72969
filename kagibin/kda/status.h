// SPDX-License-Identifier: Apache-2.0
// The answers of STATUS (INS 1A) and CAPABILITIES (INS 1E): what the agent may know, nothing that
// identifies the element or a provider (protocol, section 9).
//
//   STATUS        80 01 state | 81 01 key-bearing sessions left (00 to 03)
//   CAPABILITIES  80 01-08 versions | 81 01-10 suites | 82 01 level bitmap (b1 RL1 ... b4 RL4,
//                b5 OS)
//                 | 83 02 reassembly buffer in octets
//
// Lists are in rising order without repeats. decode() is total; what decodes encodes to the same
// octets.
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::kda {

enum class State : std::uint8_t {
  kEnrolled = 0x01,    // waits for LOAD
  kLoaded = 0x02,      // the envelope is good; NEXT delivers it
  kChannel = 0x03,     // a session with the target is open, nothing has left in it
  kSent = 0x04,        // a key has left; its answer is awaited
  kUnknown = 0x05,     // a key has left and nothing proved what became of it: NEXT probes
  kDone = 0x06,        // installed; receipt kept, keys wiped
  kAbsent = 0x07,      // proved absent and no session left; keys wiped
  kRefused = 0x08,     // the envelopes did not open; keys wiped
  kCancelled = 0x09,   // by the service provider; keys wiped
  kSuperseded = 0x0A,  // a later enrolment took the slot; only the receipt is left
};
// "enrolled", ..., for messages and JSON.
std::string_view name(State state);
// True when NEXT has nothing left to do.
bool is_final(State state);

struct Status {
  static constexpr std::uint8_t kMaxSessions = 3;

  State state = State::kEnrolled;
  std::uint8_t sessions_left = kMaxSessions;

  static Result<Status> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const Status&, const Status&) = default;
};

struct Capabilities {
  Bytes versions;
  Bytes suites;
  std::uint8_t level_bitmap = 0;
  std::uint16_t buffer_bytes = 0;

  static Result<Capabilities> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

}  // namespace kagibin::kda
