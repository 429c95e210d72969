// SPDX-License-Identifier: Apache-2.0
// A relay that lies, loses and repeats: the KDA never believes an install that is not there, and
// finds out about one that is.
#include <functional>
#include <utility>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;
using Answer = std::optional<Result<apdu::ResponseApdu>>;

apdu::ResponseApdu says(std::uint16_t status, Bytes data = {}) {
  return {std::move(data), StatusWord{status}};
}

struct RelayTest : testing::Test {
  // A loaded delivery.
  Delivery loaded(KdaBench& table, const envelope::Payload& payload) {
    Delivery delivery = table.enrol();
    table.seal(delivery, payload);
    EXPECT_EQ(table.load(delivery), sw::kOk);
    return delivery;
  }
  Delivery loaded(std::uint8_t version = 0x31) { return loaded(bench, bench.add_keys(version)); }

  KdaBench bench;
};

TEST_F(RelayTest, AForgedErrorAfterASuccessfulPutKeyIsProvedByTheCardCryptogram) {
  const Delivery delivery = loaded();
  bench.tamper = [](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    return command.ins == apdu::ins::kPutKey ? says(0x6A80) : std::move(answer);
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x01});
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
}

TEST_F(RelayTest, ADeviceThatForgesEverythingLeavesItUnknownUntilItStops) {
  const Delivery delivery = loaded();
  bool has_put = false;
  bench.tamper = [&](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    has_put = has_put || command.ins == apdu::ins::kPutKey;
    return has_put ? says(0x6F00) : std::move(answer);
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kUnknown);
  EXPECT_EQ(bench.status(delivery.handle()).sessions_left, 2);
  const Bytes unknown = bench.raw_receipt(delivery.handle())->data;
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x03});
  EXPECT_TRUE(bench.receipt(delivery).opened.mac_valid);
  EXPECT_EQ(bench.raw_receipt(delivery.handle())->data, unknown);
  EXPECT_EQ(bench.kda_sw(kda::enrol(bench.request().request)), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  bench.tamper = {};
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x01});
}

TEST_F(RelayTest, ASuccessWithoutRmacThatNeverReachedTheCardIsNotBelieved) {
  const Delivery delivery = loaded();
  int dropped = 0;
  bench.intercept = [&](const apdu::CommandApdu& command) -> Answer {
    if (command.ins != apdu::ins::kPutKey || dropped > 0) {
      return {};
    }
    ++dropped;
    return says(0x9000, hex("31"));
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
}

TEST_F(RelayTest, ThreeSessionsThatBroughtNothingEndInProvedAbsent) {
  const Delivery delivery = loaded();
  int left = 0;
  bench.intercept = [&](const apdu::CommandApdu& command) -> Answer {
    if (command.ins != apdu::ins::kPutKey) {
      return {};
    }
    ++left;
    return says(0x6A84);
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(left, 3);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x02});
  EXPECT_TRUE(bench.receipt(delivery).opened.mac_valid);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kAbsent);
  bench.intercept = {};
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  for (const std::string& name : bench.element->nvm().names("app/")) {
    EXPECT_EQ(name.find("/envelope/"), std::string::npos);
  }
  // SEQ was not committed: A may seal the same one again.
  EXPECT_EQ(bench.enrol().statement.last_committed_seq, 0U);
}

TEST_F(RelayTest, NoMoreThanThreeKeyBearingSessionsHoweverOftenTheDeviceAsks) {
  const Delivery delivery = loaded();
  int left = 0;
  bench.intercept = [&](const apdu::CommandApdu& command) -> Answer {
    left += command.ins == apdu::ins::kPutKey ? 1 : 0;
    const bool is_hidden = command.ins == apdu::ins::kPutKey || command.ins == apdu::ins::kGetData;
    return is_hidden ? Answer(says(0x6985)) : Answer();
  };
  for (int run = 0; run < 20; ++run) {
    EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  }
  EXPECT_EQ(left, 1);  // without a proof of absence nothing is sent again
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x03});
}

TEST_F(RelayTest, WrongChannelKeysCostNoTryOnTheTarget) {
  KdaBench other({.channel_seed = 0x50});
  const Delivery delivery = loaded(other, other.add_keys(0x31));
  int authentications = 0;
  other.intercept = [&](const apdu::CommandApdu& command) -> Answer {
    authentications += command.ins == apdu::ins::kExternalAuthenticate ? 1 : 0;
    return {};
  };
  EXPECT_EQ(other.pump(delivery.handle()), Outcome::kWait);
  EXPECT_EQ(authentications, 0);
  EXPECT_EQ(other.receipt(delivery).results(), Results{0x05});
  EXPECT_TRUE(other.receipt(delivery).opened.mac_valid);
  EXPECT_EQ(other.status(delivery.handle()).state, kda::State::kLoaded);
  const std::uint64_t before = other.element->nvm().writes();
  EXPECT_EQ(other.pump(delivery.handle()), Outcome::kWait);
  EXPECT_EQ(other.element->nvm().writes(), before);
  ASSERT_EQ(other.kda_sw(kda::cancel(other.cancellation(delivery).request)), sw::kOk);
  EXPECT_EQ(other.receipt(delivery).results(), Results{0x06});
}

TEST_F(RelayTest, AForgedCryptogramDoesNotEndTheDelivery) {
  const Delivery delivery = loaded();
  bench.tamper = [](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    if (command.ins == apdu::ins::kInitializeUpdate) {
      answer.data.back() ^= 1U;
    }
    return answer;
  };
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x05});
  bench.tamper = {};
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
}

TEST_F(RelayTest, ALoweredParameterIsCaughtByTheMaskAndElseProvedByCryptogram) {
  for (const bool has_mask : {false, true}) {
    KdaBench other;
    Delivery delivery = other.enrol();
    envelope::EnvelopeHeader header = other.header(delivery);
    header.required_i_mask = has_mask ? 0x60 : 0x00;
    other.seal(delivery, header, other.add_keys(0x31));
    ASSERT_EQ(other.load(delivery), sw::kOk);
    other.tamper = [](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
      if (command.ins == apdu::ins::kInitializeUpdate && sw::is_ok(answer.sw)) {
        answer.data[12] = 0x00;
      }
      return answer;
    };
    EXPECT_EQ(other.pump(delivery.handle()), has_mask ? Outcome::kWait : Outcome::kDone);
    EXPECT_EQ(other.receipt(delivery).results(), Results{has_mask ? 0x05 : 0x01});
    EXPECT_EQ(other.target_holds(0x31, 0x60), !has_mask);
  }
}

TEST_F(RelayTest, ACancelWithAnOpenOutcomeSaysUnknown) {
  const Delivery delivery = loaded();
  bool has_put = false;
  bench.tamper = [&](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    has_put = has_put || command.ins == apdu::ins::kPutKey;
    return has_put ? says(0x6F00) : std::move(answer);
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  ASSERT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x03});
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kCancelled);
  bench.enrol();
}

// A command that the device kept back may yet arrive: no absence counts before a reset, whatever
// becomes of the application's object.
TEST_F(RelayTest, OnlyAResetEndsTheWaitForAnAnswerThatProvedNothing) {
  const Delivery delivery = loaded();
  int puts = 0;
  bench.intercept = [&](const apdu::CommandApdu& command) -> Answer {
    return command.ins == apdu::ins::kPutKey && ++puts == 1 ? Answer(says(0x6F00)) : Answer();
  };
  const auto asked = [&] {
    kda::Pump pump(delivery.handle());
    kda::Pump::Step step = pump.start();
    while (step.need == kda::Pump::Need::kTransmit) {
      const auto answer = step.channel == kda::Pump::Channel::kKda ? bench.kda(step.command)
                                                                   : bench.target(step.command);
      step = pump.answered(answer.value());
    }
    return step.need;
  };
  EXPECT_EQ(asked(), kda::Pump::Need::kReset);
  bench.forget_application();
  EXPECT_EQ(asked(), kda::Pump::Need::kReset);
  EXPECT_EQ(puts, 1);
  bench.reset();
  EXPECT_EQ(asked(), kda::Pump::Need::kDone);
  EXPECT_EQ(puts, 2);
}

TEST(Relay, AnswersOfAnEarlierSessionAreNotBelievedAgain) {
  KdaBench bench;
  std::vector<std::pair<std::uint8_t, apdu::ResponseApdu>> recorded;
  Delivery first = bench.enrol();
  bench.seal(first, bench.add_keys(0x31));
  bench.tamper = [&](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    recorded.emplace_back(command.ins, answer);
    return Result<apdu::ResponseApdu>(std::move(answer));
  };
  ASSERT_EQ(bench.run(first), Outcome::kDone);
  bench.tamper = {};
  bench.next_seq = 2;
  Delivery second = bench.enrol();
  bench.seal(second, bench.add_keys(0x32, 0x68));
  // From each instruction on, the device plays the first delivery's answers and asks no card.
  for (const std::uint8_t from :
       {apdu::ins::kInitializeUpdate, apdu::ins::kExternalAuthenticate, apdu::ins::kPutKey}) {
    bool is_playing = false;
    bench.intercept = [&](const apdu::CommandApdu& command) -> Answer {
      is_playing = is_playing || command.ins == from;
      if (!is_playing) {
        return {};
      }
      for (const auto& [instruction, answer] : recorded) {
        if (instruction == command.ins) {
          return answer;
        }
      }
      return says(0x6A88);
    };
    EXPECT_NE(bench.run(second), Outcome::kDone) << int{from};
    EXPECT_NE(bench.status(second.handle()).state, kda::State::kDone);
    EXPECT_FALSE(bench.target_holds(0x32, 0x68));
  }
  bench.intercept = {};
  ASSERT_EQ(bench.run(second), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x32, 0x68));
}

TEST(Relay, ArbitraryAnswersNeverMakeAnInstall) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  test::FixedRng noise("noise");
  bench.intercept = [&](const apdu::CommandApdu&) -> Answer {
    const auto octets = crypto::random_array<64>(noise).value();
    apdu::ResponseApdu answer = says(octets[0] < 0xC0 ? 0x9000 : 0x6985);
    answer.data.assign(octets.begin(), octets.begin() + octets[1] % 64);
    return answer;
  };
  for (int run = 0; run < 200; ++run) {
    ASSERT_NE(bench.run(delivery), Outcome::kDone);
  }
  EXPECT_EQ(bench.status(delivery.handle()).sessions_left, 3);
  bench.intercept = {};
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
}

}  // namespace
}  // namespace kagibin::se
