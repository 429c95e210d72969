// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/channels.h"

#include <set>

#include <gtest/gtest.h>

#include "kagibin/device/device_time.h"

namespace kagibin::device {
namespace {

// Opens channels up to a limit and remembers every class octet.
class ChannelCard final : public apdu::CardLink {
 public:
  explicit ChannelCard(std::uint8_t channels) : channels_(channels) {}
  Result<Bytes> transmit(ByteView command) override {
    commands.emplace_back(command.begin(), command.end());
    if (gone) {
      return fail(Errc::kCardLink, "gone");
    }
    if (command[1] != 0x70) {
      return *from_hex("9000");
    }
    if (command[2] == 0x80) {
      open_.erase(command[3]);
      return *from_hex("9000");
    }
    for (std::uint8_t channel = 1; channel < channels_; ++channel) {
      if (open_.insert(channel).second) {
        return Bytes{channel, 0x90, 0x00};
      }
    }
    return *from_hex("6881");
  }
  Result<void> reset() override {
    if (gone) {
      return fail(Errc::kCardLink, "gone");
    }
    if (!can_be_reset) {
      return CardLink::reset();
    }
    ++resets;
    open_.clear();
    return {};
  }
  std::size_t open() const { return open_.size(); }
  std::vector<Bytes> commands;
  bool gone = false;
  bool can_be_reset = true;
  std::size_t resets = 0;

 private:
  std::uint8_t channels_;
  std::set<std::uint8_t> open_;
};

TEST(ChannelsTest, CarriesNothingButManageChannelOnTheBasicChannel) {
  ChannelCard card(4);
  {
    auto channels = Channels::open_logical(card).value();
    EXPECT_TRUE(channels.transmit(Side::kKda, {.cla = 0x80, .ins = 0x10, .data = {}}).has_value());
    EXPECT_TRUE(
        channels.transmit(Side::kTarget, {.cla = 0x84, .ins = 0xD8, .data = {}}).has_value());
    EXPECT_TRUE(channels.reset().has_value());
    EXPECT_EQ(card.resets, 1U);
    EXPECT_EQ(card.open(), 2U);
    EXPECT_EQ(channels.traffic().apdus, 2U);
    EXPECT_EQ(channels.traffic().command_bytes, 8U);
  }
  EXPECT_EQ(card.open(), 0U);
  for (const Bytes& command : card.commands) {
    EXPECT_TRUE((command[0] & 0x03U) != 0 || command[1] == 0x70) << to_hex(command);
  }
}

TEST(ChannelsTest, CardWithOneSupplementaryChannelIsRefusedAndGetsItBack) {
  ChannelCard card(2);
  EXPECT_EQ(Channels::open_logical(card).error().code, Errc::kNotSupported);
  EXPECT_EQ(card.open(), 0U);
}

TEST(ChannelsTest, SeparateCardsUseTheirBasicChannels) {
  ChannelCard kda(1);
  ChannelCard target(1);
  auto channels = Channels::open_separate(kda, target);
  EXPECT_TRUE(channels.transmit(Side::kTarget, {.cla = 0x84, .ins = 0xD8, .data = {}}).has_value());
  EXPECT_TRUE(channels.reset().has_value());
  EXPECT_EQ(kda.resets, 1U);
  EXPECT_EQ(target.resets, 1U);
  EXPECT_EQ(kda.commands.size(), 0U);
  ASSERT_EQ(target.commands.size(), 1U);
  EXPECT_EQ(target.commands[0][0], 0x84);
}

TEST(ChannelsTest, CardWithoutAResetKeepsItsChannels) {
  ChannelCard card(4);
  card.can_be_reset = false;
  auto channels = Channels::open_logical(card).value();
  EXPECT_EQ(channels.reset().error().code, Errc::kNotSupported);
  EXPECT_TRUE(channels.transmit(Side::kKda, {.cla = 0x80, .ins = 0x10, .data = {}}).has_value());
  EXPECT_EQ(card.open(), 2U);
}

// A target may be anybody's: one that announces more for ever does not keep the agent.
TEST(ChannelsTest, AnAnswerThatDoesNotEndIsAnError) {
  class Endless final : public apdu::CardLink {
   public:
    explicit Endless(Bytes piece) : piece_(std::move(piece)) {}
    Result<Bytes> transmit(ByteView /*command*/) override {
      ++asked;
      return asked > 100 ? *from_hex("9000") : piece_;
    }
    int asked = 0;

   private:
    Bytes piece_;
  };
  for (const char* piece : {"6100", "6105", "41424344456105"}) {
    Endless card(*from_hex(piece));
    auto channels = Channels::open_separate(card, card);
    const auto answer = channels.exchange(Side::kTarget, {.ins = 0xCA, .data = {}, .le = 256}, 64);
    ASSERT_FALSE(answer) << piece;
    EXPECT_EQ(answer.error().code, Errc::kLimit) << piece;
    EXPECT_LT(card.asked, 20) << piece;
  }
}

TEST(ChannelsTest, CardThatIsGoneIsAnErrorEverywhere) {
  ChannelCard card(4);
  auto channels = Channels::open_logical(card).value();
  card.gone = true;
  EXPECT_EQ(channels.transmit(Side::kKda, {.data = {}}).error().code, Errc::kCardLink);
  EXPECT_EQ(channels.reset().error().code, Errc::kCardLink);
  EXPECT_EQ(Channels::open_logical(card).error().code, Errc::kCardLink);
}

TEST(DeviceTimeTest, ClockBeforeTheCaIsReplacedAndSaidSo) {
  EXPECT_EQ(device_time(0, 1000, std::nullopt).seconds, 1000);
  EXPECT_TRUE(device_time(0, 1000, std::nullopt).replaced);
  EXPECT_EQ(device_time(0, 1000, 5000).seconds, 5000);
  EXPECT_EQ(device_time(0, 1000, 500).seconds, 1000);
  EXPECT_EQ(device_time(2000, 1000, 5000).seconds, 2000);
  EXPECT_FALSE(device_time(2000, 1000, 5000).replaced);
}

}  // namespace
}  // namespace kagibin::device
