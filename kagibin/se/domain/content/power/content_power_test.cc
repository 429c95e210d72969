// SPDX-License-Identifier: Apache-2.0
// Power fails before, half-way through and after every physical write of every command of card
// content management: afterwards the element opens, its registry holds together, and the command
// happened or did not.
#include "kagibin/se/domain/content/power/content_power_test_bench.h"

namespace kagibin::se {
namespace {

class ContentPowerTest : public ::testing::TestWithParam<ContentCase> {};

TEST_P(ContentPowerTest, EveryWriteIsWholeOrNotAtAll) {
  // The states between the commands' writes, undisturbed.
  std::vector<std::string> states;
  std::vector<std::uint64_t> writes_after;
  {
    CutBench undisturbed(GetParam().delegated);
    states.push_back(undisturbed.memory());
    for (const apdu::CommandApdu& command : GetParam().commands(undisturbed.host())) {
      ASSERT_EQ(undisturbed.run(command), 0x9000) << undisturbed.bench().element->reason().text();
      const std::uint64_t writes = undisturbed.bench().power->writes;
      ASSERT_LE(writes, states.size()) << "one transaction a command";
      if (writes == states.size()) {
        states.push_back(undisturbed.memory());
      } else {
        EXPECT_EQ(undisturbed.memory(), states.back()) << "nothing half-loaded";
      }
    }
    expect_sound(undisturbed.bench());
  }
  ASSERT_GT(states.size(), 1U);
  for (std::uint64_t write = 1; write < states.size(); ++write) {
    for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
      CutBench disturbed(GetParam().delegated);
      disturbed.bench().power->cut_at(write, cut);
      std::size_t done = 0;
      const Commands commands = GetParam().commands(disturbed.host());
      while (done < commands.size() && disturbed.transmit(commands[done])) {
        ++done;
      }
      EXPECT_LT(done, commands.size()) << "the cut was never reached";
      disturbed.bench().restart();
      EXPECT_EQ(disturbed.memory(), states[cut == test::Cut::kAfter ? write : write - 1]);
      expect_sound(disturbed.bench());
      disturbed.bench().select("");
      EXPECT_TRUE(disturbed.bench().open(test_keys(kIsdKeys))->open());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCommand,
                         ContentPowerTest,
                         ::testing::ValuesIn(content_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

// A cut in the middle of a load, between its commands, and no room for the record.
TEST(ContentMemoryTest, AFullDiskRefusesAndLeavesNothing) {
  for (const ContentCase& one : content_cases()) {
    CutBench bench(one.delegated);
    const std::string before = bench.memory();
    bench.bench().power->full = true;
    std::uint16_t answer = 0x9000;
    for (const apdu::CommandApdu& command : one.commands(bench.host())) {
      answer = bench.run(command);
      if (answer != 0x9000) {
        break;
      }
    }
    EXPECT_EQ(answer, 0x6A84) << one.name;
    EXPECT_EQ(bench.memory(), before) << one.name;
    bench.bench().power->full = false;
    expect_sound(bench.bench());
  }
}

}  // namespace
}  // namespace kagibin::se
