// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/pump.h"

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"

namespace kagibin::kda {
namespace {

Handle handle() { return Handle::from_hex("000102030405060708090A0B0C0D0E0F").value(); }
using Need = Pump::Need;
using Channel = Pump::Channel;

apdu::ResponseApdu ok(Bytes data = {}) { return {std::move(data), apdu::sw::kOk}; }
apdu::ResponseApdu answer(const NextAnswer& next_answer) { return ok(next_answer.encode()); }

apdu::CommandApdu command() { return {.cla = 0x80, .ins = 0x50, .data = {1, 2}, .le = 256}; }
Aid target() { return Aid::from_hex("A000000151000001").value(); }

// The request that the pump sent in one block.
NextRequest request(const Pump::Step& step) {
  EXPECT_EQ(step.need, Need::kTransmit);
  EXPECT_EQ(step.channel, Channel::kKda);
  EXPECT_EQ(step.command.ins, ins::kNext);
  return NextRequest::decode(step.command.data).value();
}

TEST(Pump, CarriesFromTheFirstNextToDone) {
  Pump pump(handle());
  EXPECT_EQ(request(pump.start()), (NextRequest{handle(), std::nullopt}));
  Pump::Step step =
      pump.answered(answer({.command = command(), .select = target(), .hint = Hint::kSelect}));
  EXPECT_EQ(step.channel, Channel::kTarget);
  EXPECT_EQ(to_hex(step.command.encode()), "00A4040008A00000015100000100");
  step = pump.answered(ok({0x6F, 0x00}));
  EXPECT_EQ(step.channel, Channel::kTarget);
  EXPECT_EQ(step.command, command());
  step = pump.answered({{7, 7}, apdu::sw::kOk});
  EXPECT_EQ(request(step).last, ok({7, 7}));
  step = pump.answered(answer({.command = command()}));
  EXPECT_EQ(step.channel, Channel::kTarget);
  EXPECT_EQ(step.command, command());
  step = pump.answered({{}, apdu::sw::kConditionsNotSatisfied});
  EXPECT_EQ(request(step).last->sw, apdu::sw::kConditionsNotSatisfied);
  EXPECT_EQ(pump.answered(answer({.hint = Hint::kDone})).need, Need::kDone);
}

TEST(Pump, HandsAFailedSelectionToTheKdaAndDoesNotSendTheCommand) {
  Pump pump(handle());
  pump.start();
  pump.answered(answer({.command = command(), .select = target(), .hint = Hint::kSelect}));
  const Pump::Step step = pump.answered({{}, apdu::sw::kNotFound});
  EXPECT_EQ(request(step).last->sw, apdu::sw::kNotFound);
}

TEST(Pump, WaitAndResetStopIt) {
  Pump pump(handle());
  pump.start();
  EXPECT_EQ(pump.answered(answer({.hint = Hint::kWait})).need, Need::kWait);
  pump.start();
  EXPECT_EQ(pump.answered(answer({.hint = Hint::kReset})).need, Need::kReset);
  EXPECT_EQ(request(pump.start()).last, std::nullopt);
}

TEST(Pump, ChainsALongAnswerIntoTwoBlocks) {
  Pump pump(handle());
  pump.start();
  pump.answered(answer({.command = command()}));
  Pump::Step step = pump.answered(ok(Bytes(250, 0x33)));
  EXPECT_EQ(step.command.cla, 0x90);
  Bytes message = step.command.data;
  step = pump.answered(ok());
  EXPECT_EQ(step.command.cla, 0x80);
  EXPECT_EQ(step.command.p2, 1);
  append(message, step.command.data);
  EXPECT_EQ(NextRequest::decode(message)->last, ok(Bytes(250, 0x33)));
  EXPECT_EQ(pump.answered(answer({.hint = Hint::kDone})).need, Need::kDone);
}

TEST(Pump, FetchesTheRestOfAnAnswerOnTheChannelThatAnnouncedIt) {
  Pump pump(handle());
  pump.start();
  pump.answered(answer({.command = command()}));
  Pump::Step step = pump.answered({{1}, StatusWord{0x6102}});
  EXPECT_EQ(step.channel, Channel::kTarget);
  EXPECT_EQ(to_hex(step.command.encode()), "00C0000002");
  step = pump.answered({{2, 3}, apdu::sw::kOk});
  EXPECT_EQ(request(step).last, ok({1, 2, 3}));
  step = pump.answered({{}, StatusWord{0x6103}});
  EXPECT_EQ(step.channel, Channel::kKda);
  EXPECT_EQ(pump.answered(answer({.hint = Hint::kDone})).need, Need::kDone);
}

TEST(Pump, RepeatsOnceWithTheLengthThatTheCardWants) {
  Pump pump(handle());
  pump.start();
  pump.answered(answer({.command = command()}));
  const Pump::Step step = pump.answered({{}, StatusWord{0x6C1C}});
  EXPECT_EQ(step.command.le, 0x1CU);
  EXPECT_EQ(step.command.data, command().data);
  EXPECT_EQ(pump.answered({{}, StatusWord{0x6C1C}}).need, Need::kFailed);
}

TEST(Pump, StopsWhenTheKdaRefusesNextOrAnswersNonsense) {
  Pump pump(handle());
  pump.start();
  const Pump::Step step = pump.answered({{}, apdu::sw::kReferencedDataNotFound});
  EXPECT_EQ(step.need, Need::kFailed);
  EXPECT_EQ(step.sw, apdu::sw::kReferencedDataNotFound);
  EXPECT_TRUE(step.failure.has_value());
  pump.start();
  EXPECT_EQ(pump.answered(ok({0xD2, 0x01, 0x09})).need, Need::kFailed);
}

TEST(Pump, CutsAnOverlongAnswerOfTheTarget) {
  Pump pump(handle());
  pump.start();
  pump.answered(answer({.command = command()}));
  Pump::Step step = pump.answered(ok(Bytes(1000, 0x44)));
  Bytes message = step.command.data;
  while (step.command.cla == 0x90) {
    step = pump.answered(ok());
    append(message, step.command.data);
  }
  EXPECT_EQ(NextRequest::decode(message)->last->data.size(), NextRequest::kMaxAnswer);
}

TEST(Pump, EndsWithAKdaOrATargetThatNeverDoes) {
  Pump pump(handle());
  Pump::Step step = pump.start();
  std::size_t steps = 0;
  while (step.need == Need::kTransmit && steps < 10'000) {
    step = pump.answered(step.channel == Channel::kKda ? answer({.command = command()}) : ok());
    ++steps;
  }
  EXPECT_EQ(step.need, Need::kFailed);
  EXPECT_EQ(steps, Pump::kMaxExchanges);
  step = pump.start();
  steps = 0;
  while (step.need == Need::kTransmit && steps < 10'000) {
    step = pump.answered({Bytes(100, 0), StatusWord{0x6100}});
    ++steps;
  }
  EXPECT_EQ(step.need, Need::kFailed);
  EXPECT_LT(steps, 100U);
}

}  // namespace
}  // namespace kagibin::kda
