// SPDX-License-Identifier: Apache-2.0
// Power fails a second time while the host takes up again what the first cut stopped: in the
// session that it opens, in the write that mends a torn log, in the command itself. Every pair of
// cuts, at every write of both: nothing is found but the states between the commands, and the host
// always comes to the end.
#include <sstream>

#include "kagibin/se/domain/content/power/content_power_test_bench.h"

namespace kagibin::se {
namespace {

constexpr std::array kCuts{test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter};

class ContentPowerPairsTest : public ::testing::TestWithParam<ContentCase> {
 protected:
  // Without the counters of sessions, which count whatever becomes of the command.
  static std::string state_of(const CutBench& bench) {
    std::string out;
    std::istringstream lines(bench.memory());
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("seq/") && !line.starts_with("try/")) {
        out += line + "\n";
      }
    }
    return out;
  }

  // The states between the writes of the commands, undisturbed, and which command made each.
  void learn() {
    CutBench undisturbed(GetParam().delegated);
    states_.push_back(state_of(undisturbed));
    next_.push_back(0);
    const Commands commands = GetParam().commands(undisturbed.host());
    for (std::size_t i = 0; i < commands.size(); ++i) {
      ASSERT_EQ(undisturbed.run(commands[i]), 0x9000);
      const std::string now = state_of(undisturbed);
      if (now != states_.back()) {
        states_.push_back(now);
        next_.push_back(i + 1);
      }
    }
  }
  // How many writes of the commands are done, by what the element remembers.
  std::size_t done(const CutBench& bench) {
    const auto at = std::ranges::find(states_, state_of(bench));
    EXPECT_NE(at, states_.end()) << "a state between two of the commands'";
    return static_cast<std::size_t>(at - states_.begin());
  }

  // Nothing is expected of the answers: power may fail at any of them.
  static std::unique_ptr<scp::Scp03Host> open(CutBench& bench, bool delegated) {
    auto host = std::make_unique<scp::Scp03Host>(test_keys(kIsdKeys), scp::Scp03HostOptions{});
    const auto ask = [&](const apdu::CommandApdu& command) -> std::optional<apdu::ResponseApdu> {
      const auto answer = bench.bench().element->transmit(command.encode());
      return answer ? std::optional(apdu::ResponseApdu::decode(*answer).value()) : std::nullopt;
    };
    const std::string_view name = delegated ? kDomainAid : kIsdAid;
    if (!ask({.ins = 0xA4, .p1 = 0x04, .data = hex(name), .le = 256})) {
      return nullptr;
    }
    const auto update = ask(host->initialize_update(bench.bench().rng).value());
    const auto authenticate = update
                                  ? host->external_authenticate(*update, scp::SecurityLevel{0x33})
                                  : Result<apdu::CommandApdu>(fail(Errc::kIo, "no power"));
    const auto last = authenticate ? ask(*authenticate) : std::nullopt;
    return last && host->finish_authentication(*last) ? std::move(host) : nullptr;
  }
  // Takes up what is left. False when power failed.
  bool take_up(CutBench& bench) {
    const std::size_t so_far = done(bench);
    if (so_far + 1 >= states_.size()) {
      return true;
    }
    const auto host = open(bench, GetParam().delegated);
    if (host == nullptr) {
      return false;
    }
    const Commands commands = GetParam().commands(*host);
    for (std::size_t i = next_[so_far]; i < commands.size(); ++i) {
      if (!bench.transmit(*host, commands[i])) {
        return false;
      }
    }
    return true;
  }

  std::vector<std::string> states_;
  std::vector<std::size_t> next_;  // the first command to send in each state
};

TEST_P(ContentPowerPairsTest, ASecondCutLeavesAStateOfTheCommandsAndTheHostComesToTheEnd) {
  ASSERT_NO_FATAL_FAILURE(learn());
  std::size_t pairs = 0;
  for (std::uint64_t first = 1; first < states_.size(); ++first) {
    for (const test::Cut cut : kCuts) {
      CutBench bench(GetParam().delegated);
      test::Power& power = *bench.bench().power;
      power.cut_at(first, cut);
      for (const apdu::CommandApdu& command : GetParam().commands(bench.host())) {
        if (!bench.transmit(command)) {
          break;
        }
      }
      ASSERT_FALSE(power.on) << "the first cut was never reached";
      const Bytes left = power.content;
      bench.bench().restart();
      ASSERT_TRUE(take_up(bench));
      const std::uint64_t writes = power.writes;
      for (std::uint64_t second = 1; second <= writes; ++second) {
        for (const test::Cut again : kCuts) {
          power.content = left;
          bench.bench().restart();
          power.cut_at(second, again);
          EXPECT_FALSE(take_up(bench) && power.on) << "the second cut was never reached";
          bench.bench().restart();
          expect_sound(bench.bench());
          EXPECT_TRUE(take_up(bench));
          EXPECT_EQ(done(bench) + 1, states_.size());
          ++pairs;
        }
      }
    }
  }
  EXPECT_GE(pairs, 6U);
}

INSTANTIATE_TEST_SUITE_P(EveryCommand,
                         ContentPowerPairsTest,
                         ::testing::ValuesIn(content_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace kagibin::se
