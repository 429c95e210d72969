// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/journal_store.h"

#include <array>
#include <utility>

namespace kagibin::delivery {

std::string_view name(JournalStep step) {
  constexpr std::array<std::string_view, 6> kNames = {"order",   "request", "delivery",
                                                      "verdict", "answer",  "receipt"};
  return kNames.at(std::to_underlying(step));
}

}  // namespace kagibin::delivery
