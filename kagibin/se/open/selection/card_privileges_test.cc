// SPDX-License-Identifier: Apache-2.0
// What the privileges over the card do, in the hands of others than the ISD.
#include <algorithm>

#include "kagibin/gp/card/card_capability.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

constexpr std::string_view kOtherDomain = "F000000001AA02";

// Whether INSTALL to a new element gives these. The bits are written over others, since no codec of
// a host lets all of them through.
bool is_given(std::uint32_t privileges, bool to_domain) {
  Bench bench(test_modules(), {});
  auto host = bench.open_isd();
  apdu::CommandApdu command = to_domain
                                  ? Bench::install_domain(kDomainAid, Privileges::kTrustedPath)
                                  : gp::Install{.load_file = aid(kTestFile),
                                                .module = aid(kTestModule),
                                                .application = aid(kTestAid),
                                                .privileges = {Privileges::kTrustedPath},
                                                .parameters = hex("C900")}
                                        .encode()
                                        .value();
  const auto field = std::ranges::search(command.data, hex(to_domain ? "03808000" : "03008000"));
  KB_CHECK(!field.empty());
  const std::uint32_t kind = to_domain ? Privileges::kSecurityDomain : 0U;
  std::ranges::copy(Privileges{kind | privileges}.encode_three(), field.begin() + 1);
  return bench.status(*host, command) == 0x9000;
}

class CardPrivilegesTest : public ::testing::Test {
 protected:
  std::uint16_t set(std::uint8_t p1, std::uint8_t p2, std::string_view data = "") {
    const Bytes octets = hex(data);
    return bench_.status(*host_,
                         scp::PlainCommand{.ins = 0xF0, .p1 = p1, .p2 = p2, .data = octets});
  }
  std::uint16_t add_domain(std::string_view name, std::uint32_t privileges) {
    return bench_.status(*host_, Bench::install_domain(name, privileges));
  }
  std::uint16_t add_application(std::uint32_t privileges, std::string_view parameters = "C900") {
    return bench_.status(*host_, gp::Install{.load_file = aid(kTestFile),
                                             .module = aid(kTestModule),
                                             .application = aid(kTestAid),
                                             .privileges = {privileges},
                                             .parameters = hex(parameters)}
                                     .encode()
                                     .value());
  }
  void secure_card() {
    ASSERT_EQ(set(0x80, 0x07), 0x9000);
    ASSERT_EQ(set(0x80, 0x0F), 0x9000);
  }
  void open(std::string_view name) {
    ASSERT_NE(bench_.select(name).data, Bytes{});
    host_ = bench_.open(test_keys(kIsdKeys));
  }
  // The test application answers this command, and security domains do not.
  bool is_application_selected() { return bench_.status("8001000001AA00") == 0x9000; }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 6.6.1, 9.6.3: Card Lock and Final Application of a supplementary domain
TEST_F(CardPrivilegesTest, AFinalDomainIsWhatIsLeftOfALockedCardAndUnlocksIt) {
  ASSERT_EQ(add_domain(kDomainAid, Privileges::kCardLock | Privileges::kFinalApplication), 0x9000);
  secure_card();
  open(kDomainAid);
  ASSERT_EQ(set(0x80, 0x7F), 0x9000);
  EXPECT_EQ(bench_.select("").sw.value, 0x6A81) << "the ISD is not the final application";
  EXPECT_EQ(bench_.select(kIsdAid).sw.value, 0x6A81);
  EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x6283);
  bench_.restart();
  host_ = bench_.open(test_keys(kIsdKeys));
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xCA, .p2 = 0xE0}), 0x9000)
      << "it is selected after a reset";
  ASSERT_EQ(set(0x80, 0x0F), 0x9000);
  EXPECT_EQ(bench_.select("").sw.value, 0x9000);
}

// GPCS 6.4.1.1: the final application that is no domain
TEST_F(CardPrivilegesTest, AFinalApplicationAnswersOnALockedAndOnATerminatedCard) {
  ASSERT_EQ(add_application(Privileges::kFinalApplication), 0x9000);
  secure_card();
  ASSERT_EQ(set(0x80, 0x7F), 0x9000);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000) << "its answer is its own";
  bench_.restart();
  EXPECT_TRUE(is_application_selected());
  EXPECT_EQ(bench_.select("").sw.value, 0x6A81) << "nobody unlocks this card any more";
}

TEST_F(CardPrivilegesTest, AFinalApplicationIsSelectedOnATerminatedCard) {
  ASSERT_EQ(add_application(Privileges::kFinalApplication), 0x9000);
  ASSERT_EQ(set(0x80, 0xFF), 0x9000);
  EXPECT_TRUE(is_application_selected());
  bench_.restart();
  EXPECT_TRUE(is_application_selected());
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A81);
}

// GPCS 6.6.1, 9.6.4: Card Terminate
TEST_F(CardPrivilegesTest, ADomainWithCardTerminateEndsTheCardAndNothingElse) {
  ASSERT_EQ(add_domain(kDomainAid, Privileges::kCardTerminate), 0x9000);
  open(kDomainAid);
  EXPECT_EQ(set(0x80, 0x07), 0x6985);
  EXPECT_EQ(set(0x80, 0xFF), 0x9000);
  EXPECT_EQ(bench_.status("80F24002024F0000"), 0x6985);
}

// GPCS 6.4.1.1, 6.6.1: Card Reset
TEST_F(CardPrivilegesTest, TheApplicationWithCardResetIsSelectedAfterAReset) {
  ASSERT_EQ(add_application(Privileges::kCardReset), 0x9000);
  bench_.element->reset();
  EXPECT_TRUE(is_application_selected());
  host_ = bench_.open_isd();
  ASSERT_EQ(set(0x40, 0x80, kTestAid), 0x9000);
  bench_.element->reset();
  EXPECT_FALSE(is_application_selected()) << "locked: the ISD";
  host_ = bench_.open_isd();
  ASSERT_EQ(set(0x40, 0x00, kTestAid), 0x9000);
  bench_.select(kTestAid);
  ASSERT_EQ(bench_.status("8004000001EE"), 0x9000) << "from here on it refuses SELECT";
  bench_.element->reset();
  EXPECT_FALSE(is_application_selected());
  EXPECT_EQ(bench_.status("80CA00E000"), 0x9000) << "the ISD";
  host_ = bench_.open_isd();
  ASSERT_EQ(bench_.status(*host_, gp::DeleteObject{.aid = aid(kTestAid)}.encode()), 0x9000);
  bench_.element->reset();
  EXPECT_EQ(bench_.status("80CA00E000"), 0x9000);
}

// GPCS 6.4.1.1, 6.4.2.1, 11.5.2.3.7: implicit selection, CF
TEST_F(CardPrivilegesTest, AnApplicationIsSelectedOnTheChannelItIsMarkedFor) {
  ASSERT_EQ(add_application(0, "C900EF03CF0142"), 0x9000);
  ASSERT_EQ(bench_.status("00700002"), 0x9000);
  EXPECT_EQ(bench_.status("8201000001AA00"), 0x9000);
  ASSERT_EQ(bench_.status("00700001"), 0x9000);
  EXPECT_EQ(bench_.status("8101000001AA00"), 0x6D00) << "the ISD";
}

TEST_F(CardPrivilegesTest, AnApplicationMarkedForTheBasicChannelIsSelectedAfterAReset) {
  ASSERT_EQ(add_application(0, "C900EF03CF0140"), 0x9000);
  bench_.element->reset();
  EXPECT_TRUE(is_application_selected());
  ASSERT_EQ(bench_.open_channel(), 1);
  EXPECT_EQ(bench_.status("8101000001AA00"), 0x6D00);
  host_ = bench_.open_isd();
  const gp::GetStatus query;
  const auto found = gp::decode_entries(bench_.send(*host_, query.encode()).data, query).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].implicit_selection, 0x40);
  const gp::GetStatus alone{.tags = {0xCF}};
  EXPECT_EQ(to_hex(bench_.send(*host_, alone.encode()).data), "E30C4F07F0000000020101CF0140");
  EXPECT_EQ(bench_.status(*host_, Bench::install_domain(kDomainAid)), 0x9000);
  EXPECT_EQ(to_hex(bench_.send(*host_, alone.encode()).data),
            "E3094F07F000000001AA01E30C4F07F0000000020101CF0140")
      << "who has none says none";
}

// GPCS 5.3.1.3, 6.6.1: Global Lock
TEST_F(CardPrivilegesTest, ADomainWithGlobalLockLocksWhatIsNotItsOwn) {
  ASSERT_EQ(add_domain(kDomainAid, Privileges::kGlobalLock), 0x9000);
  ASSERT_EQ(add_domain(kOtherDomain, 0), 0x9000);
  ASSERT_EQ(add_application(0), 0x9000);
  open(kDomainAid);
  for (const std::string_view other : {kOtherDomain, kTestAid}) {
    EXPECT_EQ(set(0x40, 0x80, other), 0x9000) << other;
    EXPECT_EQ(set(0x40, 0x00, other), 0x9000) << other;
  }
  EXPECT_EQ(set(0x40, 0x00, kDomainAid), 0x6985) << "not itself";
}

// GPCS 6.6.1, 11.4.2.1: Global Registry
TEST_F(CardPrivilegesTest, ADomainWithGlobalRegistrySeesEverything) {
  ASSERT_EQ(add_domain(kDomainAid, Privileges::kGlobalRegistry), 0x9000);
  ASSERT_EQ(add_domain(kOtherDomain, 0), 0x9000);
  for (const bool all : {true, false}) {
    open(all ? kDomainAid : kOtherDomain);
    const gp::GetStatus query;
    const auto seen = gp::decode_entries(bench_.send(*host_, query.encode()).data, query).value();
    EXPECT_EQ(seen.size(), all ? 2U : 1U);
    for (const gp::StatusScope scope :
         {gp::StatusScope::kIssuerSecurityDomain, gp::StatusScope::kLoadFiles,
          gp::StatusScope::kLoadFilesAndModules}) {
      EXPECT_EQ(bench_.send(*host_, gp::GetStatus{.scope = scope}.encode()).sw.value,
                all ? 0x9000 : 0x6A88);
    }
  }
}

// GPCS H.4: the privileges that 67 names are those that INSTALL gives
TEST_F(CardPrivilegesTest, CapabilityInformationNamesThePrivilegesThatAreGiven) {
  const auto card =
      gp::CardCapability::decode(bench_.send(*host_, {.ins = 0xCA, .p2 = 0x67, .le = 256}).data);
  ASSERT_TRUE(card.has_value());
  ASSERT_TRUE(card->domain_privileges.has_value());
  EXPECT_EQ(to_hex(card->domain_privileges->encode_three()), "FFFE80");
  EXPECT_EQ(to_hex(card->application_privileges.encode_three()), "1E9E00");
  for (std::uint32_t bit = 0x01; bit <= Privileges::kSecurityDomain; bit <<= 1U) {
    const bool mandated = bit == Privileges::kMandatedDapVerification;
    const std::uint32_t with = mandated ? bit | Privileges::kDapVerification : bit;
    EXPECT_EQ(card->domain_privileges->has(bit), is_given(with, true)) << std::hex << bit;
    EXPECT_EQ(card->application_privileges.has(bit), is_given(with, false)) << std::hex << bit;
  }
}

}  // namespace
}  // namespace kagibin::se
