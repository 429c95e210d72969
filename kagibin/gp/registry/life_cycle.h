// SPDX-License-Identifier: Apache-2.0
// Life-cycle states (GPCS 2.3.1, 5.1, 5.2 and 5.3; tables 11-3 to 11-6): of the card, of an
// application, of a security domain and of an Executable Load File, and the transitions between
// them.
//
// LOCKED is a bit (b8) over the state the object returns to; applications add states of their own
// in b4 to b7. Thread-safety: values.
//
//   if (!may_move(CardState::kSecured, CardState::kCardLocked)) { return
//   sw::kConditionsNotSatisfied; }
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::gp {

enum class CardState : std::uint8_t {
  kOpReady = 0x01,
  kInitialized = 0x07,
  kSecured = 0x0F,
  kCardLocked = 0x7F,
  kTerminated = 0xFF,
};

Result<CardState> card_state_from(std::uint8_t octet);  // kValue for every other octet
// "OP_READY" and so on, as the specification writes them.
std::string_view name(CardState state);
// 5.1.2: OP_READY -> INITIALIZED -> SECURED <-> CARD_LOCKED; every state -> TERMINATED; none back.
// A state to itself is no transition.
bool may_move(CardState from, CardState to);

inline constexpr std::uint8_t kExecutableLoadFileLoaded = 0x01;  // table 11-3
inline constexpr std::uint8_t kInstalled = 0x03;
inline constexpr std::uint8_t kSelectable = 0x07;
inline constexpr std::uint8_t kPersonalized = 0x0F;  // security domains
inline constexpr std::uint8_t kLockedBit = 0x80;

// The octet of an application (table 11-4) or security domain (table 11-5).
class ObjectState {
 public:
  // Application: 03, or b1 to b3 set; with b8 locked. kValue for others.
  static Result<ObjectState> of_application(std::uint8_t octet);
  // Security domain: 03, 07, 0F; with b8 locked.
  static Result<ObjectState> of_security_domain(std::uint8_t octet);

  std::uint8_t octet() const { return octet_; }
  bool locked() const { return (octet_ & kLockedBit) != 0; }
  std::uint8_t unlocked_octet() const { return octet_ & 0x7FU; }
  bool selectable() const { return !locked() && octet_ != kInstalled; }
  ObjectState lock() const { return ObjectState(octet_ | kLockedBit); }
  ObjectState unlock() const { return ObjectState(unlocked_octet()); }
  friend bool operator==(ObjectState, ObjectState) = default;

 private:
  explicit ObjectState(std::uint8_t octet) : octet_(octet) {}
  std::uint8_t octet_;
};

}  // namespace kagibin::gp
