// SPDX-License-Identifier: Apache-2.0
// Simulated worlds: the same seed is the same world, some seeds keep their promises, and roles that
// break one are found.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/test_mutants.h"
#include "tests/simulation/world.h"

namespace kagibin::simulation {
namespace {

std::string replay(std::uint64_t seed) {
  return "seed " + std::to_string(seed) +
         ", replay: build/asan/tests/simulation/simulation --seed " + std::to_string(seed) +
         " --trace";
}

// What another process makes of the seed.
std::uint64_t digest_elsewhere(std::uint64_t seed) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::uint64_t digest = run_world({.seed = seed}).digest;
    const bool written = ::write(pipe_ends[1], &digest, sizeof(digest)) == sizeof(digest);
    ::_exit(written ? 0 : 1);
  }
  std::uint64_t out = 0;
  EXPECT_EQ(::read(pipe_ends[0], &out, sizeof(out)), static_cast<ssize_t>(sizeof(out)));
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return out;
}

// promises, seeds: a failing seed replays, in this process and in another one
TEST(SimulationTest, TheSameSeedIsTheSameWorldAndAnotherSeedAnotherOne) {
  const std::uint64_t first = run_world({.seed = 11}).digest;
  EXPECT_EQ(first, run_world({.seed = 11}).digest);
  EXPECT_EQ(first, digest_elsewhere(11));
  EXPECT_NE(first, run_world({.seed = 12}).digest);
}

// The stores in memory keep what the ports promise, and what they leave open is as SQLite does it.
TEST(SimulationTest, TheSameSeedIsTheSameWorldOverEitherStore) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    EXPECT_EQ(run_world({.seed = seed}).digest,
              run_world({.seed = seed, .stores = Stores::Kind::kMemory}).digest)
        << replay(seed);
  }
}

// promises, I3, I7: without faults every order that nobody cancels is confirmed
TEST(SimulationTest, AWorldWithoutFaultsDeliversEverything) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const WorldReport report = run_world({.seed = seed, .has_faults = false});
    EXPECT_EQ(report.violations, std::vector<std::string>()) << replay(seed);
    EXPECT_EQ(report.unknown, 0U) << replay(seed);
    EXPECT_GT(report.confirmed, 0U) << replay(seed);
  }
}

// promises, I1, I2, I3, I4, I6, I7: every fault of the table, by seeds
TEST(SimulationTest, PromisesAreKeptInWorldsWithFaults) {
  constexpr std::uint64_t kWorlds = 20;  // scripts/soak goes on
  std::uint64_t faults = 0;
  for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
    const WorldReport report = run_world({.seed = seed});
    EXPECT_EQ(report.violations, std::vector<std::string>()) << replay(seed);
    for (const std::uint64_t count : report.faults) {
      faults += count;
    }
  }
  EXPECT_GT(faults, kWorlds * 10) << "the worlds had no bad days";
}

class MutantTest : public testing::TestWithParam<Broken> {};

TEST_P(MutantTest, IsFoundWithinFewSeeds) {
  EXPECT_FALSE(found_within_few_seeds(GetParam()).empty())
      << "nobody saw that a promise was broken";
}

INSTANTIATE_TEST_SUITE_P(Roles, MutantTest, testing::ValuesIn(broken_roles()), name_of_mutant);

}  // namespace
}  // namespace kagibin::simulation
