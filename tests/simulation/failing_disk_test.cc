// SPDX-License-Identifier: Apache-2.0
// One delivery, of which the N-th call to the disk fails, for N = 1, 2, 3, ... until nothing fails
// any more: under the distributor's store, the agent's and the provider's journal. And one during
// which the disk loses power at every sync, with what it had not been asked to write down there or
// not there, in part and in any order. Each time the roles start again, the delivery has to come to
// its end, and what was acknowledged has to be there.
//
// Each case runs in a process of its own, which begins where the world was ready: some 50 ms under
// the sanitizers. So one of 13 calls and one of 3 syncs is met each time the tests run, and every
// one with KAGIBIN_EVERY_CALL=1, which is what scripts/soak --disks does.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/disk/faulty_disk.h"
#include "tests/simulation/world.h"

namespace kagibin::simulation {
namespace {

// KAGIBIN_EVERY_CALL in the environment: all of them.
std::uint64_t stride(std::uint64_t usual) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing writes the environment of a test
  return std::getenv("KAGIBIN_EVERY_CALL") != nullptr ? 1 : usual;
}

constexpr std::uint64_t kCallStride = 13;
constexpr std::uint64_t kSyncStride = 3;

enum class Ended : std::uint8_t { kWell, kBadly, kNothingHappened };

constexpr std::uint64_t kSeed = 3;
constexpr Moment kLookEvery = kSecond / 2;

// What a case does to a world that is ready, in its own process; and whether it came to it.
struct Case {
  std::function<void(WorldHands&, std::uint64_t n)> begin;
  std::function<bool()> has_happened;
  std::uint64_t every = kCallStride;
  bool ends_at_the_first_bad = false;
};

// Runs the case for n = 1, 2, ... until it does not happen any more. How many there are; how many
// of them were met is told (scripts/soak --disks adds them up).
std::uint64_t exhaust(const Case& one, std::uint64_t most, std::uint64_t& bad) {
  std::uint64_t n = 0;
  std::uint64_t met = 0;
  std::ostringstream what_failed;
  bool is_child = false;
  const WorldReport report = run_world(
      {.seed = kSeed,
       .has_faults = false,
       .is_small = true,
       .is_on_disk = true,
       .before_it_begins = [&](WorldHands& hands) {
         const std::filesystem::path kept = hands.folder.string() + ".kept";
         std::filesystem::copy(hands.folder, kept, std::filesystem::copy_options::recursive);
         for (n = 1; n <= most && !(one.ends_at_the_first_bad && bad != 0);
              n += stride(one.every)) {
           const pid_t child = ::fork();
           if (child == 0) {
             is_child = true;
             one.begin(hands, n);
             return;
           }
           int status = 0;
           ::waitpid(child, &status, 0);
           std::filesystem::remove_all(hands.folder);
           std::filesystem::copy(kept, hands.folder, std::filesystem::copy_options::recursive);
           const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
           if (code == static_cast<int>(Ended::kNothingHappened)) {
             break;
           }
           ++met;
           if (code != static_cast<int>(Ended::kWell)) {
             ++bad;
             what_failed << n << ": exit code " << code << "; ";
           }
         }
         std::filesystem::remove_all(kept);
       }});
  if (is_child) {
    for (const std::string& sentence : report.violations) {
      std::cerr << n << ": " << sentence << "\n";
    }
    const bool well = report.violations.empty() && report.confirmed == 1;
    if (!well) {
      std::cerr << n << ": orders: " << report.orders << ", confirmed: " << report.confirmed
                << ", unknown: " << report.unknown << "\n";
    }
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the process ends here
    ::_exit(static_cast<int>(!one.has_happened() ? Ended::kNothingHappened
                             : well              ? Ended::kWell
                                                 : Ended::kBadly));
  }
  EXPECT_EQ(report.violations, std::vector<std::string>());
  if (bad != 0) {
    std::cerr << what_failed.str() << "\n";
  }
  fmt::print("met {} of {}\n", met, n - 1);
  return n - 1;
}

// Looks twice a second, in virtual time.
void look(VirtualTime& time, const std::function<bool()>& done) {
  time.after(kLookEvery, [&time, done] {
    if (!done()) {
      look(time, done);
    }
  });
}

struct Store {
  const char* name;
  const char* part_of_path;
};

class FailingDiskTest : public testing::TestWithParam<Store> {};

constexpr std::uint64_t kMost = 5'000;

// promises, I1 to I4, I6, I7: the N-th I/O call fails, until nothing fails any more
TEST_P(FailingDiskTest, OneCallThatFailsLosesNothing) {
  FaultyDisk& disk = FaultyDisk::of(GetParam().part_of_path);
  std::uint64_t bad = 0;
  const std::uint64_t calls = exhaust(
      {.begin = [&](WorldHands&, std::uint64_t n) { disk.fail_at(n, DiskFailure::kIo, false); },
       .has_happened = [&] { return disk.has_failed(); }},
      kMost, bad);
  EXPECT_GT(calls, 100U);
  EXPECT_LT(calls, kMost);
  EXPECT_EQ(bad, 0U);
  RecordProperty("calls", std::to_string(calls));
}

// promises, disk full: from the N-th write on, until there is room again and everybody starts anew
TEST_P(FailingDiskTest, ADiskThatFillsUpAtAnyWriteLosesNothing) {
  FaultyDisk& disk = FaultyDisk::of(GetParam().part_of_path);
  std::uint64_t bad = 0;
  const std::uint64_t writes =
      exhaust({.begin =
                   [&](WorldHands& hands, std::uint64_t n) {
                     disk.fail_at(n, DiskFailure::kFull, true);
                     look(hands.time, [&disk, kill = hands.kill_everybody] {
                       if (disk.has_failed()) {
                         disk.mend();
                         kill();
                       }
                       return disk.has_failed();
                     });
                   },
               .has_happened = [&] { return disk.has_failed(); }},
              kMost, bad);
  EXPECT_GT(writes, 20U);
  EXPECT_LT(writes, kMost);
  EXPECT_EQ(bad, 0U);
  RecordProperty("writes", std::to_string(writes));
}

// One run for each sync, before it and after it.
std::uint64_t lose_power_at_every_sync(FaultyDisk& disk, Loss loss, bool lies, std::uint64_t& bad) {
  bool has_gone = false;
  return exhaust({.begin =
                      [&](WorldHands& hands, std::uint64_t n) {
                        if (lies) {
                          disk.lie_about_syncs();
                        }
                        disk.cut_at((n + 1) / 2, n % 2 == 0);
                        look(hands.time, [&, kill = hands.kill_everybody, loss, n] {
                          if (disk.is_off()) {
                            has_gone = true;
                            kill();
                            Dice dice(n);
                            disk.lose_unsynced(loss, dice);
                          }
                          return has_gone;
                        });
                      },
                  .has_happened = [&] { return has_gone; },
                  .every = kSyncStride,
                  .ends_at_the_first_bad = lies},
                 kMost, bad);
}

// A disk that says that it has written everything down, and has not: as without syncs at all.
TEST_P(FailingDiskTest, ADiskThatLiesAboutSyncsIsFoundOut) {
  FaultyDisk& disk = FaultyDisk::of(GetParam().part_of_path);
  std::uint64_t bad = 0;
  lose_power_at_every_sync(disk, Loss::kEverythingUnsynced, true, bad);
  EXPECT_GT(bad, 0U) << "nobody saw that what was acknowledged is gone";
}

// promises, I2: a store that loses power, at every sync
TEST_P(FailingDiskTest, PowerLostAtAnySyncLosesNothingThatWasAcknowledged) {
  FaultyDisk& disk = FaultyDisk::of(GetParam().part_of_path);
  for (const Loss loss : {Loss::kEverythingUnsynced, Loss::kAnyPart, Loss::kTorn}) {
    std::uint64_t bad = 0;
    EXPECT_GT(lose_power_at_every_sync(disk, loss, false, bad), 10U);
    EXPECT_EQ(bad, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores,
                         FailingDiskTest,
                         testing::Values(Store{"Orders", "/orders"},
                                         Store{"Agent", ".jobs"},
                                         Store{"Journal", "/journal"}),
                         [](const testing::TestParamInfo<Store>& store) {
                           return std::string(store.param.name);
                         });

}  // namespace
}  // namespace kagibin::simulation
