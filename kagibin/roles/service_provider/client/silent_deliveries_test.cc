// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/silent_deliveries.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

constexpr std::int64_t kMinute = 60;

// After a restart all of them are due.
TEST(SilentDeliveries, AreToldAHundredAtATimeAndEachInItsTurn) {
  test::Deployment world("silent");
  const Seid seid;
  for (int i = 0; i < 250; ++i) {
    const auto id = must(delivery::OrderId::from(fmt::format("order-{}", i)));
    must(world.journal.open_order({.id = id,
                                   .device = must(delivery::DeviceId::from("phone-1")),
                                   .seid = seid,
                                   .target = test::Deployment::domain_aid(),
                                   .created_at = world.clock.now()}));
    must(world.journal.open_attempt({.order = id, .number = 1, .nonce_a = Nonce16{{1}}}));
    must(world.journal.record(id, 1, delivery::JournalStep::kRequest, Bytes{0xE2}));
    must(world.journal.set_state(id, delivery::State::kSealed));
  }
  world.clock.advance_seconds(15 * kMinute);
  SilentDeliveries silent(*world.flow, world.journal, 15 * kMinute);
  std::set<std::string> told;
  for (const std::size_t expected : {100U, 100U, 50U, 0U}) {
    const auto due = must(silent.due());
    EXPECT_EQ(due.size(), expected);
    for (const auto& id : due) {
      told.emplace(id.text());
    }
  }
  EXPECT_EQ(told.size(), 250U);
  // Where the first hundred are due again before the rest were told, the rest come first.
  world.clock.advance_seconds(15 * kMinute);
  told.clear();
  for (int pass = 0; pass < 3; ++pass) {
    for (const auto& id : must(silent.due())) {
      told.emplace(id.text());
    }
    world.clock.advance_seconds(15 * kMinute);
  }
  EXPECT_EQ(told.size(), 250U);
}

}  // namespace
}  // namespace kagibin::roles::service_provider
