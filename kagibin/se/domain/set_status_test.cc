// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/set_status.h"

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

constexpr std::string_view kOtherDomain = "F000000001AA02";
constexpr std::string_view kInnerDomain = "F000000001AA03";

class SetStatusTest : public ::testing::Test {
 protected:
  std::uint16_t set(std::uint8_t p1, std::uint8_t p2, std::string_view data = "") {
    const Bytes octets = hex(data);
    return bench_.status(*host_,
                         scp::PlainCommand{.ins = 0xF0, .p1 = p1, .p2 = p2, .data = octets});
  }
  void open(std::string_view name, std::uint8_t channel = 0) {
    ASSERT_EQ(bench_.select(name, channel).sw.value, 0x9000);
    host_ = bench_.open(test_keys(kIsdKeys), 0, 0x33, channel);
  }
  // The life cycle of an entry as the registry has it.
  std::uint8_t state(std::string_view name) const {
    const SecretBytes* record = bench_.element->nvm().get("reg/" + std::string(name));
    KB_CHECK(record != nullptr);
    return record->expose()[5];
  }
  std::uint8_t card() const { return state(kIsdAid); }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 5.1, 11.10.2.2: the card's life cycle
TEST_F(SetStatusTest, MovesTheCardForwardLocksAndUnlocksIt) {
  EXPECT_EQ(set(0x80, 0x0F), 0x6985) << "OP_READY to SECURED";
  EXPECT_EQ(set(0x80, 0x01), 0x6985) << "the state it is in";
  EXPECT_EQ(set(0x80, 0x7F), 0x6985);
  EXPECT_EQ(set(0x80, 0x07), 0x9000);
  EXPECT_EQ(card(), 0x07);
  EXPECT_EQ(set(0x80, 0x01), 0x6985) << "back";
  EXPECT_EQ(set(0x80, 0x7F), 0x6985);
  EXPECT_EQ(set(0x80, 0x0F, kIsdAid), 0x9000);
  EXPECT_EQ(set(0x80, 0x0F), 0x6985);
  EXPECT_EQ(set(0x80, 0x07), 0x6985);
  EXPECT_EQ(set(0x80, 0x7F), 0x9000);
  EXPECT_EQ(card(), 0x7F);
  EXPECT_EQ(set(0x80, 0x07), 0x6985);
  EXPECT_EQ(set(0x80, 0x0F), 0x9000);
  EXPECT_EQ(card(), 0x0F);
}

// GPCS 11.10.2.1, 11.10.2.3: P1, P2 and the data field
TEST_F(SetStatusTest, RefusesWrongParametersAndNoSession) {
  EXPECT_EQ(set(0x20, 0x80, kTestAid), 0x6A86);
  EXPECT_EQ(set(0xC0, 0x80, kTestAid), 0x6A86);
  EXPECT_EQ(set(0x80, 0x03), 0x6A86);
  EXPECT_EQ(set(0x80, 0x80), 0x6A86);
  EXPECT_EQ(set(0x80, 0x07, kTestAid), 0x6A80);
  EXPECT_EQ(set(0x40, 0x80), 0x6A80);
  EXPECT_EQ(set(0x40, 0x80, "A000"), 0x6A80);
  EXPECT_EQ(set(0x40, 0x80, kTestAid), 0x6A88);
  EXPECT_EQ(set(0x40, 0x80, kDomainFile), 0x6A88) << "a load file has no life cycle to set";
  EXPECT_EQ(set(0x40, 0x80, kIsdAid), 0x6A86);
  EXPECT_EQ(set(0x60, 0x80, kIsdAid), 0x6A86);
  bench_.select("");
  EXPECT_EQ(bench_.status("80F08007"), 0x6982);
  host_ = bench_.open_isd(0x00);
  EXPECT_EQ(bench_.status("80F08007"), 0x6982) << "a session without C-MAC";
  EXPECT_NE(std::string_view(bench_.element->reason().text()).find("C-MAC"),
            std::string_view::npos);
  EXPECT_EQ(card(), 0x01);
}

// GPCS 5.1.1.4, 9.6.3: CARD_LOCKED
TEST_F(SetStatusTest, ALockedCardSelectsTheFinalApplicationAndChangesNothing) {
  ASSERT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  ASSERT_EQ(set(0x80, 0x07), 0x9000);
  ASSERT_EQ(set(0x80, 0x0F), 0x9000);
  ASSERT_EQ(set(0x80, 0x7F), 0x9000);
  for (const bool after_reset : {false, true}) {
    if (after_reset) {
      bench_.element->reset();
      EXPECT_EQ(bench_.status("80CA006600"), 0x9000) << "the ISD is selected after a reset";
    }
    const auto selected = bench_.select("");
    EXPECT_EQ(selected.sw.value, 0x6283);
    EXPECT_EQ(to_hex(selected.data).substr(0, 4), "6F41");
    EXPECT_EQ(bench_.select("A000000151").sw.value, 0x6283) << "by the beginning of its AID";
    EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A81);
    EXPECT_EQ(bench_.select("FF").sw.value, 0x6A81);
    EXPECT_EQ(bench_.status("0070000001"), 0x6A81);
    host_ = bench_.open(test_keys(kIsdKeys));
    EXPECT_EQ(bench_.status(*host_, gp::GetStatus{}.encode()), 0x9000);
    EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xCA, .p2 = 0xE0}), 0x9000);
    EXPECT_EQ(bench_.status(*host_, install_test_application("F0000000020102")), 0x6985);
    EXPECT_EQ(bench_.status(*host_, gp::DeleteObject{.aid = aid(kTestAid)}.encode()), 0x6985);
    EXPECT_EQ(bench_.status(*host_, Bench::put_key(*host_, 0x31, test_keys(0x51)).encode().value()),
              0x6985);
    const Bytes object = hex("420101");
    EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xE2, .p1 = 0x90, .data = object}),
              0x6985);
  }
  ASSERT_EQ(set(0x80, 0x0F), 0x9000);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
  EXPECT_EQ(bench_.status("0070000001"), 0x9000);
}

// GPCS 5.1.1.4, 9.6.3: what was selected before; other channels in selection/locked_card_test.cc
TEST_F(SetStatusTest, WhatWasSelectedWhenTheCardWasLockedIsSoOnTheChannelOfTheLockAlone) {
  ASSERT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  const std::uint8_t channel = bench_.open_channel();
  ASSERT_EQ(bench_.select(kTestAid, channel).sw.value, 0x9000);
  for (const std::uint8_t next : std::to_array<std::uint8_t>({0x07, 0x0F, 0x7F})) {
    ASSERT_EQ(set(0x80, next), 0x9000);
  }
  EXPECT_EQ(bench_.status("8101000001AA00"), 0x6985);
  EXPECT_EQ(bench_.select("", channel).sw.value, 0x6283);
  EXPECT_EQ(bench_.select(kTestAid, channel).sw.value, 0x6A81);
  EXPECT_EQ(bench_.status("00708001"), 0x9000) << "channels are closed still";
}

// GPCS 5.1.1.5, 9.6.4: TERMINATED
TEST_F(SetStatusTest, ATerminatedCardTellsItsDataAndNothingElse) {
  ASSERT_EQ(bench_.open_channel(), 1);
  ASSERT_EQ(set(0x80, 0xFF), 0x9000);
  EXPECT_EQ(card(), 0xFF);
  for (const bool after_reset : {false, true}) {
    if (after_reset) {
      bench_.restart();
    }
    EXPECT_EQ(bench_.status("80CA006600"), 0x9000);
    EXPECT_EQ(bench_.status("80CA00E000"), 0x9000);
    EXPECT_EQ(bench_.status("80500000080102030405060708"), 0x6985);
    EXPECT_EQ(bench_.status("80F24002024F0000"), 0x6985);
    EXPECT_EQ(bench_.status("80F0800F"), 0x6985);
    EXPECT_EQ(bench_.status("00A4040000"), 0x6A81);
    EXPECT_EQ(bench_.status("0070000001"), 0x6A81);
    EXPECT_EQ(bench_.status("01A4040000"), 0x6881) << "the channel is closed";
  }
}

TEST_F(SetStatusTest, ACardIsTerminatedFromEveryState) {
  for (const std::size_t steps : {0U, 1U, 2U, 3U}) {
    Bench bench;
    auto host = bench.open_isd();
    const std::array<std::uint8_t, 3> way{0x07, 0x0F, 0x7F};
    for (std::size_t i = 0; i < steps; ++i) {
      ASSERT_EQ(bench.status(*host, scp::PlainCommand{.ins = 0xF0, .p1 = 0x80, .p2 = way.at(i)}),
                0x9000);
    }
    EXPECT_EQ(bench.status(*host, scp::PlainCommand{.ins = 0xF0, .p1 = 0x80, .p2 = 0xFF}), 0x9000);
  }
}

// GPCS 5.3.1.3, 11.10.2.2: an application is locked and comes back to its state
TEST_F(SetStatusTest, LocksAnApplicationAndGoesBackToItsState) {
  ASSERT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  EXPECT_EQ(set(0x40, 0x00, kTestAid), 0x6985) << "it is not locked";
  EXPECT_EQ(set(0x40, 0x07, kTestAid), 0x6985);
  EXPECT_EQ(set(0x40, 0x0F, kTestAid), 0x6985) << "its own states are its own matter";
  EXPECT_EQ(set(0x40, 0x80, kTestAid), 0x9000);
  EXPECT_EQ(state(kTestAid), 0x87);
  EXPECT_EQ(set(0x40, 0x83, kTestAid), 0x6985) << "it is locked";
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A82);
  EXPECT_EQ(bench_.select("F00000000201").sw.value, 0x6A82);
  host_ = bench_.open_isd();
  EXPECT_EQ(set(0x40, 0x03, kTestAid), 0x9000) << "b8 alone counts";
  EXPECT_EQ(state(kTestAid), 0x07);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
}

TEST_F(SetStatusTest, ALockedApplicationIsPassedOverForTheNextThatBeginsSo) {
  ASSERT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  ASSERT_EQ(bench_.status(*host_, install_test_application(std::string(kTestAid) + "07")), 0x9000);
  ASSERT_EQ(set(0x40, 0x80, kTestAid), 0x9000);
  EXPECT_EQ(to_hex(bench_.select(kTestAid).data), "6F0F8408F000000002010107A503500101");
}

// GPCS 9.6.2: the session of what is locked ends
TEST_F(SetStatusTest, EndsTheSessionOfWhatItLocks) {
  ASSERT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  const std::uint8_t channel = bench_.open_channel();
  ASSERT_EQ(bench_.select(kTestAid, channel).sw.value, 0x9000);
  ASSERT_EQ(bench_.status("8101000001AA00"), 0x9000);
  ASSERT_EQ(set(0x40, 0x80, kTestAid), 0x9000);
  EXPECT_EQ(bench_.status("8101000001AA00"), 0x6985);
  EXPECT_EQ(bench_.select("", channel).sw.value, 0x9000) << "the channel goes on";
}

// GPCS 5.3.2.4: a domain locks itself; the domain above unlocks it
TEST_F(SetStatusTest, ADomainLocksItselfAndIsUnlockedFromAbove) {
  ASSERT_EQ(bench_.status(*host_, Bench::install_domain(kDomainAid)), 0x9000);
  open(kDomainAid);
  EXPECT_EQ(set(0x40, 0x00, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x40, 0x80, kDomainAid), 0x9000) << "its answer still has its R-MAC";
  EXPECT_EQ(state(kDomainAid), 0x87);
  EXPECT_EQ(bench_.status("80CA006600"), 0x6985) << "nothing is selected";
  EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x6A82);
  host_ = bench_.open_isd();
  EXPECT_EQ(set(0x40, 0x00, kDomainAid), 0x9000);
  EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
}

// GPCS 5.3.2.3: PERSONALIZED
TEST_F(SetStatusTest, ADomainMovesItselfToPersonalizedOnce) {
  ASSERT_EQ(bench_.status(*host_, Bench::install_domain(kDomainAid)), 0x9000);
  EXPECT_EQ(set(0x40, 0x0F, kDomainAid), 0x6985) << "not by another";
  open(kDomainAid);
  EXPECT_EQ(set(0x40, 0x1F, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x40, 0x0F, kDomainAid), 0x9000);
  EXPECT_EQ(state(kDomainAid), 0x0F);
  EXPECT_EQ(set(0x40, 0x0F, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x40, 0x07, kDomainAid), 0x6985);
}

class HierarchyTest : public SetStatusTest {
 protected:
  // ISD <- domain <- inner domain <- application; the other domain beside.
  HierarchyTest() {
    EXPECT_EQ(bench_.status(
                  *host_, Bench::install_domain(kDomainAid, gp::Privileges::kAuthorizedManagement)),
              0x9000);
    EXPECT_EQ(bench_.status(*host_, Bench::install_domain(kOtherDomain)), 0x9000);
    open(kDomainAid);
    EXPECT_EQ(bench_.status(*host_, Bench::install_domain(kInnerDomain,
                                                          gp::Privileges::kAuthorizedManagement)),
              0x9000);
    open(kInnerDomain);
    EXPECT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  }
};

// GPCS 5.3.1.3: the associated domain, directly or not
TEST_F(HierarchyTest, DomainsAboveLockAndOthersDoNot) {
  for (const std::string_view above : {kInnerDomain, kDomainAid}) {
    open(above);
    EXPECT_EQ(set(0x40, 0x80, kTestAid), 0x9000) << above;
    EXPECT_EQ(set(0x40, 0x00, kTestAid), 0x9000) << above;
  }
  open(kOtherDomain);
  EXPECT_EQ(set(0x40, 0x80, kTestAid), 0x6985);
  EXPECT_EQ(set(0x40, 0x80, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x60, 0x80, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x80, 0x07), 0x6985) << "the card";
  EXPECT_EQ(set(0x80, 0xFF), 0x6985);
  open(kInnerDomain);
  EXPECT_EQ(set(0x40, 0x80, kDomainAid), 0x6985) << "upwards";
  host_ = bench_.open_isd();
  EXPECT_EQ(set(0x40, 0x80, kTestAid), 0x9000) << "with Global Lock";
}

// GPCS 11.10.2.1: P1 = 60, a domain with what is associated with it
TEST_F(HierarchyTest, LocksADomainWithEverythingBelow) {
  host_ = bench_.open_isd();
  EXPECT_EQ(set(0x60, 0x80, kTestAid), 0x6A80) << "not a domain";
  EXPECT_EQ(set(0x60, 0x00, kDomainAid), 0x6985);
  ASSERT_EQ(set(0x40, 0x80, kInnerDomain), 0x9000) << "one of them is locked already";
  EXPECT_EQ(set(0x60, 0x80, kDomainAid), 0x9000);
  EXPECT_EQ(state(kDomainAid), 0x87);
  EXPECT_EQ(state(kInnerDomain), 0x87);
  EXPECT_EQ(state(kTestAid), 0x87);
  EXPECT_EQ(state(kOtherDomain), 0x07);
  EXPECT_EQ(set(0x60, 0x80, kDomainAid), 0x6985);
  EXPECT_EQ(set(0x60, 0x00, kDomainAid), 0x9000);
  EXPECT_EQ(state(kDomainAid), 0x07);
  EXPECT_EQ(state(kInnerDomain), 0x07);
  EXPECT_EQ(state(kTestAid), 0x07);
}

TEST_F(HierarchyTest, ADomainLocksItselfWithEverythingBelow) {
  open(kDomainAid);
  EXPECT_EQ(set(0x60, 0x80, kDomainAid), 0x9000);
  EXPECT_EQ(state(kTestAid), 0x87);
  EXPECT_EQ(bench_.select(kInnerDomain).sw.value, 0x6A82);
}

// GPCS 5.3.2.4: a locked domain serves nobody
TEST_F(HierarchyTest, ALockedDomainOpensNoSessionForItsApplications) {
  host_ = bench_.open_isd();
  ASSERT_EQ(set(0x40, 0x80, kInnerDomain), 0x9000);
  ASSERT_EQ(bench_.select(kTestAid).sw.value, 0x9000) << "the application itself is not locked";
  EXPECT_EQ(bench_.status("80500000080102030405060708"), 0x6985);
}

// GPCS 5.3.2.4: nor for domains without keys
TEST_F(HierarchyTest, ALockedDomainOpensNoSessionForTheDomainsThatItServes) {
  host_ = bench_.open_isd();
  ASSERT_EQ(set(0x40, 0x80, kDomainAid), 0x9000);
  ASSERT_EQ(bench_.select(kInnerDomain).sw.value, 0x9000) << "it is not locked itself";
  EXPECT_EQ(bench_.status("8050000008010203040506070800"), 0x6985);
  EXPECT_NE(bench_.element->reason().text().find("locked"), std::string_view::npos);
  host_ = bench_.open_isd();
  ASSERT_EQ(set(0x40, 0x00, kDomainAid), 0x9000);
  open(kInnerDomain);
}

}  // namespace
}  // namespace kagibin::se
