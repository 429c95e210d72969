// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/campaign_rows.h"

namespace kagibin::delivery {

std::string_view phase_of(State state, bool held) {
  return held && (state == State::kOrdered || state == State::kSealed) ? kHeldPhase : name(state);
}

Result<std::optional<State>> state_of_phase(std::string_view phase) {
  if (phase == kHeldPhase) {
    return std::optional<State>();
  }
  const State state = KB_TRY(state_by_name(phase));
  return std::optional(state);
}

}  // namespace kagibin::delivery
