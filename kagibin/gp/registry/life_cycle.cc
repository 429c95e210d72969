// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/registry/life_cycle.h"

namespace kagibin::gp {

Result<CardState> card_state_from(std::uint8_t octet) {
  switch (octet) {
    case 0x01:
    case 0x07:
    case 0x0F:
    case 0x7F:
    case 0xFF:
      return static_cast<CardState>(octet);
    default:
      return fail(Errc::kValue, "a card state is 01, 07, 0F, 7F or FF");
  }
}

std::string_view name(CardState state) {
  switch (state) {
    case CardState::kOpReady:
      return "OP_READY";
    case CardState::kInitialized:
      return "INITIALIZED";
    case CardState::kSecured:
      return "SECURED";
    case CardState::kCardLocked:
      return "CARD_LOCKED";
    case CardState::kTerminated:
      return "TERMINATED";
  }
  return "?";
}

bool may_move(CardState from, CardState to) {
  if (from == CardState::kTerminated) {
    return false;
  }
  switch (to) {
    case CardState::kOpReady:
      return false;
    case CardState::kInitialized:
      return from == CardState::kOpReady;
    case CardState::kSecured:
      return from == CardState::kInitialized || from == CardState::kCardLocked;
    case CardState::kCardLocked:
      return from == CardState::kSecured;
    case CardState::kTerminated:
      return true;
  }
  return false;
}

Result<ObjectState> ObjectState::of_application(std::uint8_t octet) {
  const std::uint8_t state = octet & 0x7FU;
  if (state != kInstalled && (state & kSelectable) != kSelectable) {
    return fail(Errc::kValue,
                "an application is INSTALLED (03), SELECTABLE (07) or in its own state");
  }
  return ObjectState(octet);
}

Result<ObjectState> ObjectState::of_security_domain(std::uint8_t octet) {
  const std::uint8_t state = octet & 0x7FU;
  if (state != kInstalled && state != kSelectable && state != kPersonalized) {
    return fail(Errc::kValue, "a security domain is INSTALLED, SELECTABLE or PERSONALIZED");
  }
  return ObjectState(octet);
}

}  // namespace kagibin::gp
