// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/open.h"

#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

ElementProfile with_applications() {
  ElementProfile profile;
  for (const std::string_view name : {"F0000000020101", "F0000000020102"}) {
    profile.applications.push_back({aid(kTestFile), aid(kTestModule), aid(name), profile.isd_aid});
  }
  return profile;
}

class OpenTest : public ::testing::Test {
 protected:
  Bench bench_{test_modules(), with_applications()};
};

// GPCS 11.9.2, 11.9.3.1: SELECT without a name
TEST_F(OpenTest, SelectWithoutDataAnswersTheFullNameOfTheIssuerDomain) {
  EXPECT_EQ(to_hex(bench_.select("").data),
            "6F418408A000000151000000A535732F06072A864886FC6B01600C060A2A864886FC6B0202030163090607"
            "2A864886FC6B03640B06092A864886FC6B0403609F6501FF");
}

// GPCS 6.4.2: partial selection, next occurrence
// ISO/IEC 7816-4, 7.1.1: SELECT by name
TEST_F(OpenTest, SelectsByFullNameByPartAndTheNextOccurrence) {
  EXPECT_EQ(to_hex(bench_.select("F0000000020102").data), "6F0E8407F0000000020102A503500101");
  EXPECT_EQ(to_hex(bench_.select("F000000002").data), "6F0E8407F0000000020101A503500101");
  EXPECT_EQ(to_hex(bench_.send("00A4040205F00000000200").data), "6F0E8407F0000000020102A503500101");
  EXPECT_EQ(bench_.status("00A4040205F00000000200"), 0x6A82);
  EXPECT_EQ(bench_.select("A0").sw.value, 0x9000);
}

TEST_F(OpenTest, SelectOfAnUnknownNameLeavesTheSelectionAndItsSession) {
  auto host = bench_.open_isd();
  EXPECT_EQ(bench_.select("F0000000030101").sw.value, 0x6A82);
  EXPECT_EQ(bench_.select("F000000002010101010101010101010101").sw.value, 0x6A82);
  EXPECT_EQ(bench_.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x9000);
}

TEST_F(OpenTest, SelectOfTheSameApplicationEndsItsSession) {
  auto host = bench_.open_isd();
  bench_.select("");
  EXPECT_EQ(bench_.send(*host->wrap({.ins = 0xCA, .p2 = 0xE0})).sw.value, 0x6982);
}

TEST_F(OpenTest, SelectRefusesOtherWaysOfSelection) {
  EXPECT_EQ(bench_.status("00A40404"), 0x6A86);
  EXPECT_EQ(bench_.status("00A4040C"), 0x6A86);
  EXPECT_EQ(bench_.status("04A40400"), 0x6882);
  EXPECT_EQ(bench_.status("00A40000023F00"), 0x6D00);
}

TEST_F(OpenTest, AnApplicationThatRefusesItsSelectionIsNotSelected) {
  bench_.select(kTestAid);
  ASSERT_EQ(bench_.status("8004000001EE"), 0x9000);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6985);
  EXPECT_EQ(bench_.status("8001000000"), 0x6985);
  EXPECT_EQ(bench_.select("").sw.value, 0x9000);
}

// GPCS 11.1.3: general error conditions
TEST_F(OpenTest, ChecksLengthClassAndChannelInThisOrder) {
  EXPECT_EQ(bench_.status("00A404"), 0x6700);
  EXPECT_EQ(bench_.status("FFA40400"), 0x6E00);
  EXPECT_EQ(bench_.status("20A40400"), 0x6E00);
  EXPECT_EQ(bench_.status("08A40400"), 0x6882);
  EXPECT_EQ(bench_.status("8CCA006600"), 0x6882);
  EXPECT_EQ(bench_.status("01A4040003"), 0x6881);
  EXPECT_EQ(bench_.status("4FA40400"), 0x6881);
  EXPECT_EQ(bench_.status("00A404000301"), 0x6700);
  EXPECT_EQ(bench_.status("00A404000000000102"), 0x6700);
}

TEST_F(OpenTest, SecurityDomainsKnowTheirClassAndInstructions) {
  EXPECT_EQ(bench_.status("8001000000"), 0x6D00);
  EXPECT_EQ(bench_.status("0001000000"), 0x6D00);
  EXPECT_EQ(bench_.status("00D8000000"), 0x6E00);
  EXPECT_EQ(bench_.status("90CA006600"), 0x6884);
  EXPECT_EQ(bench_.status("00CA006600"), 0x9000);
}

// GPCS 11.7: MANAGE CHANNEL
// ISO/IEC 7816-4, 7.1.2: MANAGE CHANNEL
TEST_F(OpenTest, OpensAndClosesChannels) {
  EXPECT_EQ(bench_.open_channel(), 1);
  EXPECT_EQ(bench_.status("00700003"), 0x9000);
  EXPECT_EQ(bench_.open_channel(), 2);
  EXPECT_EQ(bench_.status("0070000001"), 0x6A81);
  EXPECT_EQ(bench_.status("00700002"), 0x6A81);
  EXPECT_EQ(bench_.status("0270800000"), 0x9000);
  EXPECT_EQ(bench_.status("02A4040000"), 0x6881);
  EXPECT_EQ(bench_.status("00708003"), 0x9000);
  EXPECT_EQ(bench_.status("00708003"), 0x6200);
  EXPECT_EQ(bench_.open_channel(), 2);
}

// GPCS 11.7.3.2: refused
TEST_F(OpenTest, ManageChannelRefusesWhatItCannotDo) {
  EXPECT_EQ(bench_.status("00708000"), 0x6A81);
  EXPECT_EQ(bench_.status("00700004"), 0x6A81);
  EXPECT_EQ(bench_.status("00700014"), 0x6A86);
  EXPECT_EQ(bench_.status("00708004"), 0x6A86);
  EXPECT_EQ(bench_.status("00704000"), 0x6A86);
  EXPECT_EQ(bench_.status("007000000100"), 0x6700);
  EXPECT_EQ(bench_.status("0470000001"), 0x6882);
}

TEST_F(OpenTest, EveryChannelHasItsOwnSelectionAndSession) {
  const std::uint8_t channel = bench_.open_channel();
  auto host = bench_.open_isd(0x33, channel);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
  EXPECT_EQ(to_hex(bench_
                       .send("800100000142"
                             "00")
                       .data),
            "8042");
  EXPECT_EQ(bench_.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}, channel).sw.value, 0x9000);
  EXPECT_EQ(bench_.send("00708001").sw.value, 0x9000);
  ASSERT_EQ(bench_.open_channel(), channel);
  EXPECT_EQ(bench_.send(*host->wrap({.ins = 0xCA, .p2 = 0xE0}), channel).sw.value, 0x6982);
}

// GPCS 6.4.2: applications that are not multiselectable
TEST_F(OpenTest, AnApplicationIsSelectedOnOneChannelAtATime) {
  const std::uint8_t channel = bench_.open_channel();
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
  EXPECT_EQ(bench_.select(kTestAid, channel).sw.value, 0x6985);
  EXPECT_EQ(bench_.select("F0000000020102", channel).sw.value, 0x9000);
  EXPECT_EQ(bench_.select("").sw.value, 0x9000);
  EXPECT_EQ(bench_.select(kTestAid, channel).sw.value, 0x9000);
}

TEST_F(OpenTest, ApplicationsSeeTheClassOfTheBasicChannel) {
  const std::uint8_t channel = bench_.open_channel();
  bench_.select(kTestAid, channel);
  EXPECT_EQ(to_hex(bench_
                       .send("810100000142"
                             "00")
                       .data),
            "8042");
  EXPECT_EQ(to_hex(bench_
                       .send("910100000142"
                             "00")
                       .data),
            "9042");
}

// ISO/IEC 7816-4, 5.3.4, 5.6: 61xx and GET RESPONSE
TEST_F(OpenTest, ALongAnswerLeavesByGetResponse) {
  bench_.select(kTestAid);
  auto answer = bench_.send("8002023000");
  EXPECT_EQ(answer.data.size(), 256U);
  EXPECT_EQ(answer.sw.value, 0x6100);
  answer = bench_.send("00C0000000");
  EXPECT_EQ(answer.data.size(), 256U);
  EXPECT_EQ(answer.sw.value, 0x6130);
  answer = bench_.send("80C0000030");
  EXPECT_EQ(answer.data.size(), 48U);
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(bench_.status("00C0000000"), 0x6985);
}

TEST_F(OpenTest, AShortLeCutsTheAnswer) {
  const auto answer = bench_.send("80CA006602");
  EXPECT_EQ(to_hex(answer.data), "6631");
  EXPECT_EQ(answer.sw.value, 0x6131);
  EXPECT_EQ(bench_.send("00C0000031").data.size(), 49U);
}

TEST_F(OpenTest, AnExtendedLeTakesTheWholeAnswer) {
  bench_.select(kTestAid);
  const auto answer = bench_.send("80021000000000");
  EXPECT_EQ(answer.data.size(), 4096U);
  EXPECT_EQ(answer.sw.value, 0x9000);
}

TEST_F(OpenTest, AnotherCommandDropsTheRestOfALongAnswer) {
  bench_.select(kTestAid);
  ASSERT_EQ(bench_.status("8002023000"), 0x6100);
  EXPECT_EQ(bench_.status("00C0010000"), 0x6A86);
  EXPECT_EQ(bench_.status("00C000000100"), 0x6700);
  EXPECT_EQ(bench_.status("00C0000000"), 0x6130);
  EXPECT_EQ(bench_.status("800100000142"), 0x9000);
  EXPECT_EQ(bench_.status("00C0000000"), 0x6985);
}

TEST_F(OpenTest, ADeviceThatReservesTheBasicChannelManagesChannelsOnIt) {
  ElementProfile profile;
  profile.basic_channel_reserved = true;
  Bench bench(std::move(profile));
  EXPECT_EQ(bench.status("00A4040000"), 0x6881);
  EXPECT_EQ(bench.status("80CA006600"), 0x6881);
  const std::uint8_t channel = bench.open_channel();
  EXPECT_TRUE(bench.open_isd(0x33, channel)->open());
}

TEST_F(OpenTest, CardDataIsToldBeforeAuthenticationAlsoWithAnApplicationSelected) {
  const Bytes data = bench_.send("80CA006600").data;
  EXPECT_EQ(to_hex(data),
            "6631732F06072A864886FC6B01600C060A2A864886FC6B0202030163090607"
            "2A864886FC6B03640B06092A864886FC6B040360");
  bench_.select(kTestAid);
  EXPECT_EQ(bench_.send("80CA006600").data, data);
  EXPECT_EQ(bench_.send("00CA006600").data, data);
  EXPECT_EQ(bench_.status("80CA006700"), 0x6D00);
}

TEST_F(OpenTest, TwentyChannelsCanBeHad) {
  ElementProfile profile;
  profile.channel_count = 20;
  Bench bench(std::move(profile));
  for (std::uint8_t channel = 1; channel < 20; ++channel) {
    EXPECT_EQ(bench.open_channel(), channel);
  }
  EXPECT_EQ(bench.select("", 19).sw.value, 0x9000);
  EXPECT_TRUE(bench.open_isd(0x33, 19)->open());
}

}  // namespace
}  // namespace kagibin::se
