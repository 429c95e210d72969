// SPDX-License-Identifier: Apache-2.0
// A delivery of which the n-th answer gets lost, for every n until none is left to lose: each time
// an honest device asks behind it, and the order has to be confirmed. For tests only.
//
//   const std::size_t lost = lose_every_answer(world, card, order, e2, [&] { EXPECT_TRUE(opens());
//   });
#pragma once

#include <functional>

#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::test {

// How many answers there were. `check` looks at the world after each confirmed end.
inline std::size_t lose_every_answer(Deployment& world,
                                     DeployedCard& card,
                                     const delivery::OrderId& order,
                                     ByteView envelope,
                                     const std::function<void()>& check) {
  const Bytes memory = card.power->content;
  const auto journal = world.journal.state();
  for (std::size_t at = 1;; ++at) {
    SCOPED_TRACE("answer " + std::to_string(at));
    card.power->content = memory;
    world.reopen(card);
    world.journal.restore(journal);
    std::size_t seen = 0;
    TamperingLink device(*card.element, [&](const apdu::CommandApdu&) {
      return Tamper{.drop_answer = ++seen == at};
    });
    card.middle = &device;
    const auto first = world.relay(card, envelope);
    card.middle = nullptr;
    if (first && seen < at) {
      return at - 1;
    }
    static_cast<void>(card.element->reset());
    const Bytes receipt = must(world.relay(card, envelope));
    EXPECT_EQ(world.judge(order, 1, receipt).verdict.verdict, delivery::Verdict::kConfirmed);
    check();
  }
}

}  // namespace kagibin::test
