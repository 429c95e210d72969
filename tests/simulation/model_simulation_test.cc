// SPDX-License-Identifier: Apache-2.0
// Simulated worlds with the model of the cryptography (doc/simulation.md): what simulation_test
// shows of the real one, in larger worlds.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/simulation/test_mutants.h"
#include "tests/simulation/world.h"

namespace kagibin::simulation {
namespace {

std::string replay(std::uint64_t seed) {
  return "seed " + std::to_string(seed) +
         ", replay: build/asan/tests/simulation/simulation_model --large --seed " +
         std::to_string(seed) + " --trace";
}

// promises, seeds: a failing seed replays
TEST(ModelSimulationTest, TheSameSeedIsTheSameWorldAndAnotherSeedAnotherOne) {
  const std::uint64_t first = run_world({.seed = 11}).digest;
  EXPECT_EQ(first, run_world({.seed = 11}).digest);
  EXPECT_NE(first, run_world({.seed = 12}).digest);
}

// The stores in memory keep what the ports promise, and what they leave open is as SQLite does it.
TEST(ModelSimulationTest, TheSameSeedIsTheSameWorldOverEitherStore) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const WorldReport over_sqlite = run_world({.seed = seed, .is_large = true});
    const WorldReport in_memory =
        run_world({.seed = seed, .is_large = true, .stores = Stores::Kind::kMemory});
    EXPECT_EQ(over_sqlite.digest, in_memory.digest) << replay(seed);
    EXPECT_EQ(over_sqlite.confirmed, in_memory.confirmed) << replay(seed);
    EXPECT_EQ(in_memory.violations, std::vector<std::string>()) << replay(seed);
  }
}

// promises, I3, I7: without faults every order that nobody cancels is confirmed
TEST(ModelSimulationTest, AWorldWithoutFaultsDeliversEverything) {
  const WorldReport report = run_world({.seed = 1, .has_faults = false, .is_large = true});
  EXPECT_EQ(report.violations, std::vector<std::string>()) << replay(1);
  EXPECT_EQ(report.unknown, 0U);
  EXPECT_GT(report.confirmed, report.orders / 2);
}

// promises, I1, I2, I3, I4, I6, I7: every fault of the table, by seeds
TEST(ModelSimulationTest, PromisesAreKeptInLargeWorldsWithFaults) {
  constexpr std::uint64_t kWorlds = 3;  // scripts/soak --model goes on
  std::uint64_t confirmed = 0;
  for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
    const WorldReport report = run_world({.seed = seed, .is_large = true});
    EXPECT_EQ(report.violations, std::vector<std::string>()) << replay(seed);
    confirmed += report.confirmed;
  }
  EXPECT_GT(confirmed, kWorlds * 20) << "the worlds were not large";
}

class ModelMutantTest : public testing::TestWithParam<Broken> {};

TEST_P(ModelMutantTest, IsFoundWithinFewSeeds) {
  EXPECT_FALSE(found_within_few_seeds(GetParam()).empty())
      << "nobody saw that a promise was broken";
}

INSTANTIATE_TEST_SUITE_P(Roles, ModelMutantTest, testing::ValuesIn(broken_roles()), name_of_mutant);

}  // namespace
}  // namespace kagibin::simulation
