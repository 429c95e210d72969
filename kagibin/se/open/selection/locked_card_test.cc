// SPDX-License-Identifier: Apache-2.0
// What a lock, of the card or of a domain, leaves on other logical channels than its own.
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

using gp::CardState;
using gp::Privileges;

constexpr std::string_view kInner = "F000000001AA02";
constexpr std::string_view kOtherAid = "F0000000020102";
constexpr std::string_view kGetCardData = "80CA006600";

class LockedCardTest : public ::testing::Test {
 protected:
  LockedCardTest() {
    set(CardState::kInitialized);
    set(CardState::kSecured);
    for (std::uint8_t channel = 1; channel < 4; ++channel) {
      EXPECT_EQ(bench_.open_channel(), channel);
    }
  }
  void set(CardState state) {
    EXPECT_EQ(set_status(0x80, std::to_underlying(state)), 0x9000)
        << bench_.element->reason().text();
  }
  std::uint16_t set_status(std::uint8_t p1, std::uint8_t p2, std::string_view name = "") {
    const Bytes data = hex(name);
    return bench_.status(*host_, scp::PlainCommand{.ins = 0xF0, .p1 = p1, .p2 = p2, .data = data});
  }
  std::uint16_t install(const apdu::CommandApdu& command) { return bench_.status(*host_, command); }
  static apdu::CommandApdu application(std::string_view name, std::uint32_t privileges = 0) {
    return gp::Install{.load_file = aid(kTestFile),
                       .module = aid(kTestModule),
                       .application = aid(name),
                       .privileges = {privileges},
                       .parameters = hex("C900")}
        .encode()
        .value();
  }
  std::unique_ptr<scp::Scp03Host> open(std::string_view name, std::uint8_t channel) {
    EXPECT_EQ(bench_.select(name, channel).sw.value, 0x9000);
    return bench_.open(test_keys(kIsdKeys), 0, 0x33, channel);
  }
  std::uint16_t ask(std::string_view text, std::uint8_t channel) {
    return bench_.send(apdu::CommandApdu::decode(hex(text)).value(), channel).sw.value;
  }
  // GET DATA 66 in this session.
  std::uint16_t ask(scp::Scp03Host& host, std::uint8_t channel) {
    return bench_.send(host, scp::PlainCommand{.ins = 0xCA, .p2 = 0x66}, channel).sw.value;
  }
  // The test application answers this, and security domains do not.
  bool is_application_selected(std::uint8_t channel) {
    return ask("8001000001AA00", channel) == 0x9000;
  }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 5.1.1.4, 9.6.3: CARD_LOCKED on other channels
TEST_F(LockedCardTest, LeavesTheFinalApplicationAloneOnOtherChannels) {
  ASSERT_EQ(install(application(kTestAid)), 0x9000);
  ASSERT_EQ(install(Bench::install_domain(kDomainAid)), 0x9000);
  bench_.select(kTestAid, 1);
  ASSERT_TRUE(is_application_selected(1));
  auto domain = open(kDomainAid, 2);
  auto issuer = open("", 3);
  set(CardState::kCardLocked);
  EXPECT_EQ(ask("8001000001AA00", 1), 0x6985) << "nothing is selected there";
  EXPECT_EQ(ask(*domain, 2), 0x6985);
  EXPECT_EQ(ask(*issuer, 3), 0x9000) << "the final application";
  EXPECT_EQ(bench_.select("", 1).sw.value, 0x6283) << "may be selected there";
  set(CardState::kSecured);
  EXPECT_EQ(ask(*domain, 2), 0x6985) << "what was ended does not come back";
  EXPECT_EQ(bench_.select(kTestAid, 1).sw.value, 0x9000);
}

TEST_F(LockedCardTest, LeavesAFinalApplicationThatIsNoDomainOnItsChannel) {
  ASSERT_EQ(install(application(kTestAid, Privileges::kFinalApplication)), 0x9000);
  ASSERT_EQ(install(application(kOtherAid)), 0x9000);
  bench_.select(kTestAid, 1);
  bench_.select(kOtherAid, 2);
  auto issuer = open("", 3);
  set(CardState::kCardLocked);
  EXPECT_TRUE(is_application_selected(1));
  EXPECT_FALSE(is_application_selected(2));
  EXPECT_EQ(ask(*issuer, 3), 0x6985) << "the ISD is not the final application now";
  set(CardState::kSecured);
}

// GPCS 9.6.3: who locked the card unlocks it
TEST_F(LockedCardTest, LeavesTheDomainThatLockedTheCardOnItsChannelAlone) {
  ASSERT_EQ(install(Bench::install_domain(kDomainAid, Privileges::kCardLock)), 0x9000);
  auto beside = open(kDomainAid, 1);
  host_ = open(kDomainAid, 0);
  set(CardState::kCardLocked);
  EXPECT_EQ(ask(*beside, 1), 0x6985) << "another channel of the same domain";
  set(CardState::kSecured);
}

// GPCS 5.1.1.4: what INSTALL began is over
TEST_F(LockedCardTest, EndsWhatInstallBeganInTheFinalApplication) {
  ASSERT_EQ(install(application(kTestAid)), 0x9000);
  const auto personalize =
      gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(kTestAid)}
          .encode()
          .value();
  auto beside = open("", 1);
  const auto for_load = gp::InstallForLoad{.load_file = aid("F000000009")}.encode().value();
  const auto first_load =
      gp::Load{.last = false, .block = 0}.encode(gp::encode_load_file({}, Bytes(100)));
  for (const bool loads : {true, false}) {
    EXPECT_EQ(bench_.send(*beside, loads ? for_load : personalize, 1).sw.value, 0x9000);
    set(CardState::kCardLocked);
    set(CardState::kSecured);
    const apdu::CommandApdu store{
        .cla = 0x80, .ins = 0xE2, .p1 = 0x90, .p2 = 0x00, .data = hex("4202ABCD")};
    EXPECT_EQ(bench_.send(*beside, loads ? first_load : store, 1).sw.value, 0x6985) << loads;
  }
  bench_.select("", 1);
  EXPECT_EQ(ask("80CA004200", 1), 0x6A88) << "nor did the ISD store it";
}

// GPCS 5.1.1.5, 9.6.4: TERMINATED on other channels
TEST_F(LockedCardTest, ATerminatedCardHasTheFinalApplicationOnTheBasicChannelAndNothingElse) {
  ASSERT_EQ(install(application(kTestAid)), 0x9000);
  bench_.select(kTestAid, 1);
  static_cast<void>(open("", 2));
  set(CardState::kTerminated);
  for (std::uint8_t channel = 1; channel < 4; ++channel) {
    EXPECT_EQ(ask(kGetCardData, channel), 0x6881) << int{channel};
  }
  EXPECT_EQ(ask(kGetCardData, 0), 0x9000);
}

// GPCS 5.3.2.4: a locked domain's keys serve no session any more
TEST_F(LockedCardTest, ALockedDomainEndsTheSessionsThatItServesOnOtherChannels) {
  ASSERT_EQ(install(Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(install(Bench::install_domain(kInner)), 0x9000);
  ASSERT_EQ(install(application(kTestAid)), 0x9000);
  for (const std::string_view name : {kInner, kTestAid}) {
    ASSERT_EQ(install(gp::Extradition{.security_domain = aid(kDomainAid), .object = aid(name)}
                          .encode()
                          .value()),
              0x9000);
  }
  auto inner = open(kInner, 1);
  auto of_application = open(kTestAid, 2);
  auto issuer = open("", 3);
  const Bytes octet{0xAA};
  const scp::PlainCommand echo{.ins = 0x03, .data = octet};
  ASSERT_EQ(bench_.send(*of_application, echo, 2).sw.value, 0x9000);
  ASSERT_EQ(set_status(0x40, 0x80, kDomainAid), 0x9000);
  EXPECT_EQ(ask(*inner, 1), 0x6982);
  EXPECT_EQ(ask(kGetCardData, 1), 0x9000) << "it is not locked itself, and stays selected";
  EXPECT_NE(bench_.send(*of_application, echo, 2).sw.value, 0x9000);
  EXPECT_TRUE(is_application_selected(2)) << "nor is the application";
  EXPECT_EQ(ask(*issuer, 3), 0x9000);
}

}  // namespace
}  // namespace kagibin::se
