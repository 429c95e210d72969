// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/selection/card_life_cycle.h"

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_words.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;

namespace {

RegistryEntry issuer(const Platform& platform) {
  const auto entry = platform.registry.find(platform.facts.isd_aid);
  KB_CHECK(entry.has_value());
  return *entry;
}

gp::CardState state_of(const RegistryEntry& isd) {
  const auto state = gp::card_state_from(isd.life_cycle);
  KB_CHECK(state.has_value());
  return *state;
}

// Content, keys and data stay as they are in CARD_LOCKED (GPCS 5.1.1.4).
bool changes_content(std::uint8_t instruction) {
  switch (instruction) {
    case ins::kGetData:
    case ins::kGetStatus:
    case ins::kSetStatus:
      return false;
    default:
      return true;
  }
}

}  // namespace

gp::CardState card_state(const Platform& platform) { return state_of(issuer(platform)); }

RegistryEntry holder_of(const Platform& platform, std::uint32_t privilege) {
  for (const RegistryEntry& entry : platform.registry.entries()) {
    if (!entry.is_issuer() && entry.privileges.has(privilege)) {
      return entry;
    }
  }
  return issuer(platform);
}

std::expected<void, StatusWord> admit(const Platform& platform,
                                      const RegistryEntry& domain,
                                      std::uint8_t instruction) {
  const gp::CardState state = domain.is_issuer() ? state_of(domain) : card_state(platform);
  if (state == gp::CardState::kTerminated && instruction != ins::kGetData) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "the card is TERMINATED: GET DATA is all that is left of it (GPCS 5.1.1.5, table 11-1)"));
  }
  if (state == gp::CardState::kCardLocked && changes_content(instruction)) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "the card is CARD_LOCKED: GET DATA, GET STATUS and SET STATUS only; SET STATUS 80 0F "
        "unlocks it (GPCS 5.1.1.4, table 11-1)"));
  }
  return {};
}

}  // namespace kagibin::se
