// SPDX-License-Identifier: Apache-2.0
// SELECT and MANAGE CHANNEL on every logical channel, with the class octets of both ranges.
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

constexpr std::uint8_t kChannels = ElementProfile::kMaxChannels;

ElementProfile with_twenty_channels() {
  ElementProfile profile;
  profile.channel_count = kChannels;
  for (std::uint8_t i = 0; i < kChannels; ++i) {
    profile.applications.push_back({aid(kTestFile), aid(kTestModule),
                                    aid("F00000000201" + to_hex(Bytes{i})), profile.isd_aid});
  }
  return profile;
}

class SelectionTest : public ::testing::Test {
 protected:
  SelectionTest() {
    for (std::uint8_t channel = 1; channel < kChannels; ++channel) {
      EXPECT_EQ(bench_.open_channel(), channel);
    }
  }
  // A command without secure messaging, its class written out by hand.
  apdu::ResponseApdu send(std::uint8_t cla, std::string_view rest) {
    return bench_.send(to_hex(Bytes{cla}) + std::string(rest));
  }
  Bench bench_{test_modules(), with_twenty_channels()};
};

// ISO/IEC 7816-4, 5.4.1: first and further interindustry classes
// GPCS 6.3, 11.1.4, 11.7.2: twenty logical channels
TEST_F(SelectionTest, EveryChannelHasItsClassInBothRanges) {
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    const bool further = channel >= 4;
    const auto number = static_cast<std::uint8_t>(further ? channel - 4 : channel);
    const auto interindustry = static_cast<std::uint8_t>(further ? 0x40 | number : number);
    const auto proprietary = static_cast<std::uint8_t>(interindustry | 0x80);
    const std::string name = "F00000000201" + to_hex(Bytes{channel});
    EXPECT_EQ(send(interindustry, "A4040007" + name + "00").sw.value, 0x9000) << int{channel};
    EXPECT_EQ(to_hex(send(proprietary, "01000001AA00").data), "80AA") << int{channel};
  }
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    const std::string name = "F00000000201" + to_hex(Bytes{channel});
    const auto other = static_cast<std::uint8_t>((channel + 1) % kChannels);
    EXPECT_EQ(bench_.select(name, other).sw.value, 0x6985) << "it is selected elsewhere";
  }
}

// GPCS 11.1.4: secure messaging in the class of channels 4 to 19
TEST_F(SelectionTest, EveryChannelHasASessionOfItsOwn) {
  std::vector<std::unique_ptr<scp::Scp03Host>> hosts;
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    hosts.push_back(bench_.open_isd(0x33, channel));
  }
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    auto& host = *hosts[channel];
    EXPECT_EQ(bench_.send(host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}, channel).sw.value, 0x9000)
        << int{channel};
    auto wrapped = *host.wrap({.ins = 0xCA, .p2 = 0xE0, .le = 256});
    const Bytes on = [&] {
      wrapped.cla = *apdu::on_channel(wrapped.cla, channel);
      return wrapped.encode();
    }();
    EXPECT_EQ(on[0], channel < 4 ? 0x84 | channel : 0xE0 | (channel - 4)) << int{channel};
    EXPECT_EQ(bench_.send(ByteView(on)).sw.value, 0x9000);
  }
}

// GPCS 11.7.2, 11.7.3.2: MANAGE CHANNEL
TEST_F(SelectionTest, ChannelsAreClosedAndOpenedAnewByTheirNumber) {
  EXPECT_EQ(bench_.status("0070000001"), 0x6A81) << "all are open";
  for (std::uint8_t channel = kChannels - 1; channel > 0; --channel) {
    const std::string number = to_hex(Bytes{channel});
    EXPECT_EQ(bench_.status("007080" + number), 0x9000);
    EXPECT_EQ(bench_.status("007080" + number), 0x6200);
    EXPECT_EQ(bench_.select("", channel).sw.value, 0x6881);
    EXPECT_EQ(bench_.status("007000" + number), 0x9000);
    EXPECT_EQ(bench_.status("007000" + number), 0x6A81);
    EXPECT_EQ(bench_.select("", channel).sw.value, 0x9000);
    const auto own = apdu::on_channel(0x00, channel).value();
    EXPECT_EQ(send(own, "708000").sw.value, 0x9000) << "it closes itself";
    EXPECT_EQ(bench_.open_channel(), channel);
  }
}

// GPCS 6.4.1.2: by AID, by a part of it, and the next occurrence
TEST_F(SelectionTest, TheNextOccurrenceGoesThroughAllThatBeginSo) {
  EXPECT_EQ(bench_.select("F000000002").sw.value, 0x9000);
  for (std::uint8_t i = 1; i < kChannels; ++i) {
    const auto next = bench_.send("00A4040205F00000000200");
    EXPECT_EQ(next.sw.value, 0x9000);
    EXPECT_EQ(to_hex(next.data).substr(4, 18), "8407F00000000201" + to_hex(Bytes{i}));
  }
  EXPECT_EQ(bench_.status("00A4040205F00000000200"), 0x6A82);
  EXPECT_EQ(bench_.status("8001000001AA00"), 0x9000) << "the last one stays selected";
}

// GPCS 11.9.3.1: the FCI of a domain tells its protocols
TEST_F(SelectionTest, AFullAidOfSixteenOctetsIsSelectedAndOneMoreIsNot) {
  const std::string longest = "F0000000010000000000000000000016";
  auto host = bench_.open_isd();
  ASSERT_EQ(bench_.status(*host, Bench::install_domain(longest)), 0x9000);
  const auto selected = bench_.select(longest);
  EXPECT_EQ(to_hex(selected.data).substr(4, 36), "8410" + longest);
  EXPECT_NE(to_hex(selected.data).find("640B06092A864886FC6B040360"), std::string::npos);
  EXPECT_EQ(bench_.select(longest + "00").sw.value, 0x6A82);
  EXPECT_EQ(bench_.select("F000000001").sw.value, 0x9000);
}

TEST_F(SelectionTest, EveryRefusalSaysWhy) {
  for (const std::string_view command :
       {"00A404", "FFA40400", "08A40400", "00A404000301", "00A4040405F000000002", "04A40400",
        "00A4040007F0000000030101", "00708000", "00700014", "00704000", "007000000100",
        "0070000001", "00C0000000", "80FF0000", "00D80000", "84CA006600"}) {
    const auto answer = bench_.send(command);
    EXPECT_NE(answer.sw.sw1(), 0x90) << command;
    EXPECT_FALSE(std::string_view(bench_.element->reason().text()).empty()) << command;
  }
}

}  // namespace
}  // namespace kagibin::se
