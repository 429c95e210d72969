// SPDX-License-Identifier: Apache-2.0
// GET DATA 67, C1, C2, FF21 and 2F00, in every state of the card.
#include "kagibin/se/domain/data/card_information.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/card/card_capability.h"
#include "kagibin/scp/scp02/scp02.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/se/open/content/memory.h"
#include "kagibin/se/open/instances.h"

namespace kagibin::se {
namespace {

class CardInformationTest : public ::testing::Test {
 protected:
  std::string read(std::string_view tag) {
    return to_hex(bench_.send("80CA" + std::string(tag) + "00").data);
  }
  Bench bench_{test_modules(), {}};
};

// GPCS 11.3.3.1, H.4: card capability information
TEST_F(CardInformationTest, TellsWhatTheCardCan) {
  const auto answer = bench_.send("80CA006700");
  ASSERT_EQ(answer.sw.value, 0x9000);
  const auto card = gp::CardCapability::decode(answer.data);
  ASSERT_TRUE(card.has_value());
  ASSERT_EQ(card->protocols.size(), 1U);
  EXPECT_EQ(card->protocols[0].scp, 3);
  EXPECT_EQ(to_hex(card->protocols[0].options), "60");
  EXPECT_EQ(card->protocols[0].key_sizes, 7);
  EXPECT_EQ(to_hex(card->curves), "0001");
  EXPECT_EQ(bench_.status("80CA0067025C0000"), 0x6700);
}

// GPCS 11.3.3.1: C1, as kept for the next session of the default set
TEST(CardInformationCounterTest, CountsTheSessionsOfTheDefaultSet) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x70};  // challenges that follow from the counter
  Bench bench(std::move(profile));
  const auto read = [&](std::string_view tag) {
    return to_hex(bench.send("80CA" + std::string(tag) + "00").data);
  };
  EXPECT_EQ(read("00C1"), "C103000000");
  auto host = bench.open_isd();
  bench.select("");
  EXPECT_EQ(read("00C1"), "C103000001");
  host = bench.open_isd();
  ASSERT_EQ(bench.status(*host, Bench::put_key(*host, 0x31, test_keys(0x51)).encode().value()),
            0x9000);
  bench.select("");
  EXPECT_EQ(read("00C1"), "C103000002") << "the first set is the default one still";
  host = bench.open_isd();
  ASSERT_EQ(bench.status(*host, Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(bench.select(kDomainAid).sw.value, 0x9000);
  EXPECT_EQ(bench.status("80CA00C100"), 0x6A88) << "a domain without keys of its own";
}

TEST(CardInformationScp02Test, TheCounterOfAThreeDesSetHasTwoOctets) {
  ElementProfile profile;
  profile.scp02 = scp::Scp02Parameter{0x55};
  profile.key_sets.push_back(
      {profile.isd_aid, 0x20,
       scp::Scp02KeySet::create(SecretBytes::copy_of(hex("404142434445464748494A4B4C4D4E4F")),
                                SecretBytes::copy_of(hex("505152535455565758595A5B5C5D5E5F")),
                                SecretBytes::copy_of(hex("606162636465666768696A6B6C6D6E6F")))
           .value()});
  Bench bench(std::move(profile));
  EXPECT_EQ(to_hex(bench.send("80CA00C100").data), "C1020000");
  const auto card = gp::CardCapability::decode(bench.send("80CA006700").data);
  ASSERT_EQ(card->protocols.size(), 2U);
}

// GPCS 11.3.3.1, C.5: the confirmation counter
TEST_F(CardInformationTest, TellsTheConfirmationCounterWhereReceiptsAreMade) {
  EXPECT_EQ(read("00C2"), "C2020000");
  auto host = bench_.open_isd();
  ASSERT_EQ(bench_.status(*host, Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
  EXPECT_EQ(bench_.status("80CA00C200"), 0x6A88);
}

// ETSI TS 102 226, 8.2.1.7.2: extended card resources information
TEST_F(CardInformationTest, TellsTheResourcesOfTheWholeCardWhereItIsSeen) {
  const auto resources = [&](std::uint16_t applications, std::uint32_t held, std::uint16_t ram) {
    const std::uint64_t free = kNonVolatileOctets - bench_.element->nvm().live_octets() - held;
    return "FF21108102" + to_hex(ByteWriter().u16(applications).view()) + "8204" +
           to_hex(ByteWriter().u32(static_cast<std::uint32_t>(free)).view()) + "83040000" +
           to_hex(ByteWriter().u16(ram).view());
  };
  EXPECT_EQ(read("FF21"), resources(0, 0, 0x4000));
  auto host = bench_.open_isd();
  ASSERT_EQ(bench_.status(*host, Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(bench_.status(*host,
                          Bench::install_domain("F000000001AA02", gp::Privileges::kGlobalRegistry)),
            0x9000);
  const gp::Install reserves{.load_file = aid(kTestFile),
                             .module = aid(kTestModule),
                             .application = aid(kTestAid),
                             .parameters = hex("C90107EF08D8021000D7020100")};
  ASSERT_EQ(bench_.status(*host, reserves.encode().value()), 0x9000);
  std::uint32_t filled = 0;
  for (const std::string& name : bench_.element->nvm().names(record_prefix(aid(kTestAid)))) {
    filled += static_cast<std::uint32_t>(name.size() + 1);
  }
  ASSERT_GT(filled, 0U);
  const std::string all = resources(3, 0x1000 - filled, 0x3F00);
  EXPECT_EQ(to_hex(bench_.send(*host, {.ins = 0xCA, .p1 = 0xFF, .p2 = 0x21, .le = 256}).data), all);
  bench_.select("");
  EXPECT_EQ(read("FF21"), all) << "without a session, too";
  bench_.select("F000000001AA02");
  EXPECT_EQ(read("FF21"), all) << "with Global Registry";
  bench_.select(kDomainAid);
  EXPECT_EQ(bench_.status("80CAFF2100"), 0x6A88);
  EXPECT_NE(bench_.element->reason().text().find("Global Registry"), std::string_view::npos);
  bench_.select("");
  EXPECT_EQ(bench_.status("80CAFF21025C0000"), 0x6700);
}

TEST(CardResourcesTest, TheBudgetOfTheProfileIsWhatIsFree) {
  ElementProfile profile;
  profile.memory_octets = 0x4000;
  Bench bench(std::move(profile));
  const std::uint64_t free = 0x4000 - bench.element->nvm().live_octets();
  EXPECT_EQ(to_hex(bench.send("80CAFF2100").data),
            "FF211081020000820400"
            "00" +
                to_hex(ByteWriter().u16(static_cast<std::uint16_t>(free)).view()) + "830400004000");
}

// GPCS 11.3.3.1: the list of applications
TEST_F(CardInformationTest, ListsApplicationsToWhomeverOpenedASession) {
  EXPECT_EQ(bench_.status("80CA2F0000"), 0x6982);
  auto host = bench_.open_isd();
  ASSERT_EQ(bench_.status(*host, install_test_application()), 0x9000);
  ASSERT_EQ(bench_.status(*host, Bench::install_domain(kDomainAid)), 0x9000);
  const std::string all =
      "610A4F08A000000151000000"
      "61094F07F000000001AA01"
      "61094F07F0000000020101";
  EXPECT_EQ(to_hex(bench_.send(*host, {.ins = 0xCA, .p1 = 0x2F, .le = 256}).data), all);
  const Bytes tags = hex("5C00");
  EXPECT_EQ(to_hex(bench_.send(*host, {.ins = 0xCA, .p1 = 0x2F, .data = tags, .le = 256}).data),
            all);
  const Bytes other = hex("5C014F");
  EXPECT_EQ(bench_.send(*host, {.ins = 0xCA, .p1 = 0x2F, .data = other, .le = 256}).sw.value,
            0x6A80);
  bench_.select(kDomainAid);
  host = bench_.open(test_keys(kIsdKeys));
  EXPECT_EQ(to_hex(bench_.send(*host, {.ins = 0xCA, .p1 = 0x2F, .le = 256}).data),
            "61094F07F000000001AA01");
}

// GPCS table 11-1: GET DATA in every state of the card
TEST_F(CardInformationTest, IsReadInEveryStateOfTheCard) {
  const std::string capability = read("0067");
  for (const std::uint8_t state : std::to_array<std::uint8_t>({0x07, 0x0F, 0x7F, 0xFF})) {
    if (state != 0x07) {
      bench_.element->reset();
    }
    auto host = bench_.open(test_keys(kIsdKeys));
    ASSERT_EQ(bench_.status(*host, scp::PlainCommand{.ins = 0xF0, .p1 = 0x80, .p2 = state}),
              0x9000);
    bench_.element->reset();
    EXPECT_EQ(read("0067"), capability) << int{state};
    EXPECT_EQ(bench_.status("80CA006600"), 0x9000);
    EXPECT_EQ(bench_.status("80CA00E000"), 0x9000);
    EXPECT_EQ(bench_.status("80CA00C100"), 0x9000);
    EXPECT_EQ(bench_.status("80CA00CF00"), 0x9000);
    EXPECT_EQ(bench_.status("80CAFF2100"), 0x9000);
  }
}

}  // namespace
}  // namespace kagibin::se
