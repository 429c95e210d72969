// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/element.h"

#include <random>

#include "kagibin/se/element_test_support.h"
#include "kagibin/se/nvm/nvm_memory.h"

namespace kagibin::se {
namespace {

// GPCS 11.3.3.1, 11.8: PUT KEY and GET DATA 00E0
TEST(ElementTest, OpensASessionAndPutsAKeySetThatGetDataShowsUnderRMac) {
  Bench bench;
  auto host = bench.open_isd();
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data),
            "E012C00401308810C00402308810C00403308810");
  const auto put = Bench::put_key(*host, 0x31, test_keys(0x51)).encode().value();
  const auto answer = bench.send(*host, put);
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(answer.data.size(), 10U);
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data),
            "E024C00401308810C00402308810C00403308810C00401318810C00402318810C00403318810");
  bench.select("");
  EXPECT_TRUE(bench.open(test_keys(0x51), 0x31)->open());
}

TEST(ElementTest, LivesInItsMemoryAlone) {
  ElementProfile profile;
  profile.isd_aid = aid("A0000000990001");
  profile.iin = hex("1234");
  profile.cin = hex("5678");
  profile.cplc = Bytes(42, 0x11);
  profile.channel_count = 3;
  Bench bench(std::move(profile));
  const Bytes atr(bench.element->atr().begin(), bench.element->atr().end());
  bench.restart();
  EXPECT_EQ(bench.element->atr().size(), atr.size());
  EXPECT_TRUE(equal(bench.element->atr(), atr));
  EXPECT_EQ(to_hex(bench.select("").data).substr(0, 22), "6F408407A0000000990001");
  EXPECT_EQ(to_hex(bench.send("80CA004200").data), "42021234");
  EXPECT_EQ(to_hex(bench.send("80CA004500").data), "45025678");
  EXPECT_EQ(bench.send("80CA9F7F00").data.size(), 45U);
  EXPECT_TRUE(bench.open_isd()->open());
}

// ISO/IEC 7816-4, 12.1.1.9: card capabilities
// ISO/IEC 7816-3, 8.2: ATR and TCK
TEST(ElementTest, AnnouncesExtendedLengthAndChannelsInAnAtrWithTheRightCheckOctet) {
  const Bench bench;
  EXPECT_EQ(to_hex(bench.element->atr()), "3B858131FE458073C0215BC7");
  std::uint8_t check = 0;
  for (const std::uint8_t octet : bench.element->atr().subspan(1)) {
    check = static_cast<std::uint8_t>(check ^ octet);
  }
  EXPECT_EQ(check, 0);
}

TEST(ElementTest, IsMadeByOneWriteOrNotAtAll) {
  for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    const auto power = std::make_shared<test::Power>();
    test::FixedRng rng("create");
    const test::FakeClock clock;
    const ModuleRegistry modules;
    power->cut_at(1, cut);
    EXPECT_FALSE(Element::create({}, std::make_unique<test::CutMedium>(power), rng, clock, modules)
                     .has_value());
    power->restore();
    const auto opened =
        Element::open(std::make_unique<test::CutMedium>(power), rng, clock, modules);
    EXPECT_EQ(opened.has_value(), cut == test::Cut::kAfter);
    if (!opened) {
      EXPECT_EQ(opened.error().code, Errc::kNotFound);
    }
  }
}

TEST(ElementTest, IsNotMadeTwiceInOneMemory) {
  Bench bench;
  bench.element.reset();
  const auto again = Element::create({}, std::make_unique<test::CutMedium>(bench.power), bench.rng,
                                     bench.clock, bench.modules);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::kConflict);
}

Errc refusal(ElementProfile profile, const ModuleRegistry& modules = {}) {
  test::FixedRng rng("refusal");
  const test::FakeClock clock;
  const auto made = Element::create(profile, std::make_unique<NvmMemory>(), rng, clock, modules);
  EXPECT_FALSE(made.has_value());
  return made ? Errc::kInterrupted : made.error().code;
}

TEST(ElementTest, RefusesProfilesThatDoNotFitTogether) {
  ElementProfile channels;
  channels.channel_count = 21;
  EXPECT_EQ(refusal(std::move(channels)), Errc::kInvalidArgument);
  ElementProfile reserved;
  reserved.channel_count = 1;
  reserved.basic_channel_reserved = true;
  EXPECT_EQ(refusal(std::move(reserved)), Errc::kInvalidArgument);
  ElementProfile version;
  version.key_sets.push_back({version.isd_aid, 0x80, test_keys(1)});
  EXPECT_EQ(refusal(std::move(version)), Errc::kInvalidArgument);
  ElementProfile stranger;
  stranger.key_sets.push_back({aid(kDomainAid), 0x30, test_keys(1)});
  EXPECT_EQ(refusal(std::move(stranger)), Errc::kNotFound);
  ElementProfile cplc;
  cplc.cplc = Bytes(41);
  EXPECT_EQ(refusal(std::move(cplc)), Errc::kInvalidArgument);
  ElementProfile application;
  application.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), application.isd_aid});
  EXPECT_EQ(refusal(std::move(application)), Errc::kNotFound);
  ElementProfile parameters;
  parameters.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), parameters.isd_aid, hex("FF")});
  EXPECT_EQ(refusal(std::move(parameters), test_modules()), Errc::kCardStatus);
}

TEST(ElementTest, RefusesToRunWithOtherCodeThanItWasMadeWith) {
  Bench bench(test_modules(1), {});
  bench.element.reset();
  const ModuleRegistry changed = test_modules(2);
  const auto open = [&](const ModuleRegistry& modules, Element::ChangedCode rule) {
    return Element::open(std::make_unique<test::CutMedium>(bench.power), bench.rng, bench.clock,
                         modules, rule);
  };
  EXPECT_EQ(open(changed, Element::ChangedCode::kRefuse).error().code, Errc::kConflict);
  EXPECT_EQ(open(ModuleRegistry(), Element::ChangedCode::kUpdate).error().code, Errc::kNotFound);
  EXPECT_TRUE(open(changed, Element::ChangedCode::kUpdate).has_value());
  EXPECT_TRUE(open(changed, Element::ChangedCode::kRefuse).has_value());
  EXPECT_FALSE(open(bench.modules, Element::ChangedCode::kRefuse).has_value());
}

TEST(ElementTest, IsMuteWithoutPowerAndForgetsItsSessionsAtReset) {
  Bench bench;
  auto host = bench.open_isd();
  bench.element->power_off();
  const auto answer = bench.element->transmit(hex("00A4040000"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::kCardLink);
  bench.element->power_on();
  const auto wrapped = host->wrap({.ins = 0xF2, .p1 = 0x80, .p2 = 2, .data = hex("4F00")});
  EXPECT_EQ(bench.send(*wrapped).sw.value, 0x6982);
  EXPECT_EQ(bench.status("80F28002024F00"), 0x6982);
}

TEST(ElementTest, IsMuteAfterAPowerCutUntilItIsOpenedAgain) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x70};  // the sequence counter makes INITIALIZE UPDATE write
  Bench bench(std::move(profile));
  bench.power->cut_at(1, test::Cut::kBefore);
  EXPECT_EQ(bench.element->transmit(hex("8050000008010203040506070800")).error().code,
            Errc::kCardLink);
  EXPECT_FALSE(bench.element->has_power());
  bench.element->reset();
  EXPECT_EQ(bench.element->transmit(hex("00A4040000")).error().code, Errc::kCardLink);
  bench.restart();
  EXPECT_EQ(bench.select("").sw.value, 0x9000);
}

TEST(ElementTest, AFullDiskAnswersAStatusWordAndChangesNothing) {
  Bench bench;
  auto host = bench.open_isd();
  bench.power->full = true;
  EXPECT_EQ(bench.status(*host, Bench::put_key(*host, 0x31, test_keys(0x51)).encode().value()),
            0x6A84);
  bench.power->full = false;
  EXPECT_EQ(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data.size(), 20U);
}

TEST(ElementTest, AnswersAnyOctetsWithAnRApdu) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x70};
  profile.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), profile.isd_aid});
  Bench bench(test_modules(), std::move(profile));
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same octets in every run
  const auto octet = [&random] { return static_cast<std::uint8_t>(random()); };
  const Bytes instructions = hex("A470C0CA5082D8E2E4E6F2E8F00102030405");
  for (int i = 0; i < 60'000; ++i) {
    Bytes command(random() % 48);
    for (std::uint8_t& value : command) {
      value = octet();
    }
    if (command.size() > 5 && i % 2 == 0) {  // half of them nearer to commands
      command[0] = static_cast<std::uint8_t>((command[0] & 0x07U) | (i % 4 == 0 ? 0x80U : 0U));
      command[1] = instructions[command[1] % instructions.size()];
      command[2] = i % 3 == 0 ? command[2] : 0x04;
      command[3] = i % 3 == 0 ? command[3] : 0x00;
      command[4] = static_cast<std::uint8_t>(command.size() - 5);
    }
    const auto answer = bench.element->transmit(command);
    ASSERT_TRUE(answer.has_value());
    ASSERT_GE(answer->size(), 2U);
  }
  bench.element->reset();
  EXPECT_EQ(bench.select("").sw.value, 0x9000);
}

TEST(ElementTest, AnswersAnyPlainCommandInASession) {
  Bench bench(test_modules(), {});
  std::mt19937 random(2);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same octets in every run
  const Bytes instructions = hex("CAD8E2E4E6F2E8F001");
  auto host = bench.open_isd(0x03);
  for (int i = 0; i < 20'000; ++i) {
    Bytes data(random() % 40);
    for (std::uint8_t& value : data) {
      value = static_cast<std::uint8_t>(random());
    }
    const Bytes leads[] = {hex("4F"), hex("3188"), hex("C9"), hex("0070"), hex("D2")};
    if (i % 2 == 0 && data.size() > 4) {
      const Bytes& lead = leads[random() % 5];
      std::copy(lead.begin(), lead.end(), data.begin());
    }
    const std::uint8_t instruction = instructions[random() % instructions.size()];
    // b8 of P1 says that more pieces follow, and secure messaging is not looked at.
    const bool in_pieces = instruction == 0xD8 || instruction == 0xE4 || instruction == 0xE6;
    const auto wrapped =
        host->wrap({.ins = instruction,
                    .p1 = static_cast<std::uint8_t>(random() & (in_pieces ? 0x6CU : 0xECU)),
                    .p2 = static_cast<std::uint8_t>(random() & 0x83U),
                    .data = data});
    ASSERT_TRUE(wrapped.has_value());
    const auto answer = bench.send(*wrapped);
    ASSERT_NE(answer.sw.value, 0);
    ASSERT_NE(answer.sw.value, 0x6982) << "the session stays open";
  }
  EXPECT_TRUE(bench.open_isd()->open());
}

}  // namespace
}  // namespace kagibin::se
