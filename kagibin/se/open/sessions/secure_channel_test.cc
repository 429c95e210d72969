// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/sessions/secure_channel.h"

#include "kagibin/se/element_test_support.h"

#include "tests/support/failing_rng.h"

namespace kagibin::se {
namespace {

constexpr std::string_view kInitializeUpdate = "8050000008010203040506070800";

ElementProfile with_parameter(std::uint8_t i) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{i};
  return profile;
}

// A host that does not know the keys.
std::uint16_t guess(Bench& bench) {
  const auto answer = bench.send(kInitializeUpdate);
  if (answer.sw.value != 0x9000) {
    return answer.sw.value;
  }
  return bench.status(
      "8482010010"
      "00112233445566778899AABBCCDDEEFF");
}

// Amendment D, 5.1: every i and key size
TEST(SecureChannelTest, OpensASessionWithEveryParameterAndKeySize) {
  for (const unsigned i :
       {0x00U, 0x10U, 0x20U, 0x30U, 0x60U, 0x70U, 0x01U, 0x11U, 0x21U, 0x31U, 0x61U, 0x71U}) {
    for (const std::size_t size : {16U, 24U, 32U}) {
      const scp::Scp03Parameter parameter{static_cast<std::uint8_t>(i)};
      ElementProfile profile = with_parameter(parameter.i);
      profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(0x10, size)});
      Bench bench(std::move(profile));
      auto host = bench.open(test_keys(0x10, size), 0x30, scp::highest_level(parameter).value, 0,
                             parameter.s16());
      EXPECT_EQ(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data.size(), 20U);
    }
  }
}

// Amendment D, 7.1.1.3: lengths of the answer
TEST(SecureChannelTest, AnswersInitializeUpdateInTheExactLengths) {
  const std::vector<std::pair<std::uint8_t, std::size_t>> lengths{
      {0x60, 29}, {0x70, 32}, {0x61, 45}, {0x71, 48}};
  for (const auto& [i, length] : lengths) {
    Bench bench(with_parameter(i));
    const bool s16 = (i & 1U) != 0;
    const std::string challenge = s16 ? "10000102030405060708090A0B0C0D0E0F" : "080001020304050607";
    EXPECT_EQ(bench.send("80500000" + challenge + "00").data.size(), length);
    EXPECT_EQ(bench.send("80500000" + challenge).data.size(), length) << "without Le";
    EXPECT_EQ(bench.status(s16 ? "8050000008000102030405060700"
                               : "8050000010000102030405060708090A0B0C0D0E0F00"),
              0x6700);
  }
}

// Amendment D, 7.1.1: refused
TEST(SecureChannelTest, InitializeUpdateRefusesWhatItDoesNotHave) {
  Bench bench;
  EXPECT_EQ(bench.status("8050310008010203040506070800"), 0x6A88);
  EXPECT_EQ(bench.status("8050300008010203040506070800"), 0x9000);
  EXPECT_EQ(bench.status("8050000108010203040506070800"), 0x6A86);
  EXPECT_EQ(bench.status("8450000008010203040506070800"), 0x6882);
  EXPECT_EQ(bench.status("8050000000"), 0x6700);
}

// Amendment D, 7.1.2: order
TEST(SecureChannelTest, ExternalAuthenticateNeedsAnInitializeUpdateBefore) {
  Bench bench;
  const std::string_view command = "848201001000112233445566778899AABBCCDDEEFF";
  EXPECT_EQ(bench.status(command), 0x6985);
  ASSERT_EQ(bench.status(kInitializeUpdate), 0x9000);
  EXPECT_EQ(bench.status("848202001000112233445566778899AABBCCDDEEFF"), 0x6A86);
  EXPECT_EQ(bench.status(command), 0x6985) << "a failure ends the attempt";
  ASSERT_EQ(bench.status(kInitializeUpdate), 0x9000);
  EXPECT_EQ(bench.status("8482010000"), 0x6700);
  auto host = bench.open_isd();
  EXPECT_EQ(bench.status(command), 0x6985);
  EXPECT_EQ(bench.send(*host->wrap({.ins = 0xCA, .p2 = 0xE0})).sw.value, 0x6982);
}

// Amendment D, 6.2.2.1: the sequence counter, stored first
TEST(SecureChannelTest, ThePseudoRandomCounterIsStoredBeforeTheAnswerLeaves) {
  Bench bench(with_parameter(0x70));
  const Bytes first = bench.send(kInitializeUpdate).data;
  EXPECT_EQ(to_hex(ByteView(first).last(3)), "000000");
  EXPECT_EQ(to_hex(ByteView(bench.send(kInitializeUpdate).data).last(3)), "000001");
  bench.power->cut_at(1, test::Cut::kAfter);
  EXPECT_FALSE(bench.element->transmit(hex(kInitializeUpdate)).has_value());
  bench.restart();
  EXPECT_EQ(to_hex(ByteView(bench.send(kInitializeUpdate).data).last(3)), "000003");
}

TEST(SecureChannelTest, ARandomChallengeWritesNothing) {
  Bench bench;
  const auto before = bench.element->nvm().writes();
  const Bytes first = bench.send(kInitializeUpdate).data;
  EXPECT_NE(first, bench.send(kInitializeUpdate).data);
  EXPECT_TRUE(bench.open_isd()->open());
  EXPECT_EQ(bench.element->nvm().writes(), before);
}

TEST(SecureChannelTest, AFailingRandomSourceIsAStatusWordAndPasses) {
  const auto power = std::make_shared<test::Power>();
  test::FailingRng rng("element", 1);
  const test::FakeClock clock;
  const ModuleRegistry modules;
  ElementProfile profile;
  profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(kIsdKeys)});
  auto element =
      Element::create(profile, std::make_unique<test::CutMedium>(power), rng, clock, modules)
          .value();
  EXPECT_EQ(to_hex(element->transmit(hex(kInitializeUpdate)).value()), "6400");
  EXPECT_TRUE(rng.has_failed());
  EXPECT_EQ(element->transmit(hex(kInitializeUpdate))->size(), 31U);
}

// Amendment D, 6.2.2.1: the AID in the challenge
TEST(SecureChannelTest, ThePseudoRandomChallengeIsOverTheNameThatWasSelected) {
  Bench bench(with_parameter(0x70));
  auto host = scp::Scp03Host(test_keys(kIsdKeys), {.aid = aid(kIsdAid)});
  const auto answer = bench.send(host.initialize_update(bench.rng).value());
  EXPECT_TRUE(host.external_authenticate(answer, scp::SecurityLevel{0x33}).has_value());
}

// Amendment D, 5.6: aborted sessions
TEST(SecureChannelTest, ACommandWithoutItsMacEndsTheSession) {
  Bench bench;
  auto host = bench.open_isd(0x01);
  EXPECT_EQ(bench.status("80CA006600"), 0x6982);
  EXPECT_EQ(bench.send(*host->wrap({.ins = 0xCA, .p2 = 0xE0})).sw.value, 0x6982);
  EXPECT_EQ(bench.status("80CA006600"), 0x6982) << "it is aborted, not over";
}

TEST(SecureChannelTest, AFlippedBitEndsTheSession) {
  for (const std::size_t at : {2U, 5U, 12U}) {
    Bench bench;
    auto host = bench.open_isd(0x33);
    Bytes wrapped = host->wrap({.ins = 0xF2, .p1 = 0x80, .p2 = 2, .data = hex("4F00")})->encode();
    wrapped[at] ^= 0x01;
    EXPECT_EQ(bench.send(ByteView(wrapped)).sw.value, 0x6982);
    EXPECT_EQ(bench.status("80F28002024F00"), 0x6982);
  }
}

// Amendment D, 6.2.4: replay
TEST(SecureChannelTest, AReplayedCommandEndsTheSession) {
  Bench bench;
  auto host = bench.open_isd(0x01);
  const Bytes wrapped = host->wrap({.ins = 0xCA, .p2 = 0xE0})->encode();
  EXPECT_EQ(bench.send(ByteView(wrapped)).sw.value, 0x9000);
  EXPECT_EQ(bench.send(ByteView(wrapped)).sw.value, 0x6982);
}

TEST(SecureChannelTest, WrongHostCryptogramsSlowAGuesserAndBrickNothing) {
  Bench bench;
  for (unsigned i = 0; i < SecureChannel::kFreeFailures; ++i) {
    EXPECT_EQ(guess(bench), 0x6300);
  }
  EXPECT_EQ(guess(bench), 0x6985);
  bench.clock.advance_uptime_ms(SecureChannel::kPauseMs);
  EXPECT_EQ(guess(bench), 0x6300);
  EXPECT_EQ(guess(bench), 0x6985);
  bench.element->reset();
  EXPECT_EQ(guess(bench), 0x6300);
  EXPECT_TRUE(bench.open_isd()->open());
}

TEST(SecureChannelTest, ALimitInTheProfileBlocksAKeySetForGood) {
  ElementProfile profile;
  profile.authentication_failure_limit = 3;
  Bench bench(std::move(profile));
  EXPECT_EQ(guess(bench), 0x6300);
  EXPECT_EQ(guess(bench), 0x6300);
  EXPECT_TRUE(bench.open_isd()->open()) << "a success gives the tries back";
  bench.select("");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(guess(bench), 0x6300);
  }
  bench.restart();
  EXPECT_EQ(guess(bench), 0x6983);
}

TEST(SecureChannelTest, ATryIsStoredBeforeItIsChecked) {
  ElementProfile profile;
  profile.authentication_failure_limit = 1;
  Bench bench(std::move(profile));
  ASSERT_EQ(bench.status(kInitializeUpdate), 0x9000);
  bench.power->cut_at(1, test::Cut::kAfter);
  EXPECT_FALSE(bench.element->transmit(hex("848201001000112233445566778899AABBCCDDEEFF")));
  bench.restart();
  EXPECT_EQ(guess(bench), 0x6983);
}

TEST(SecureChannelTest, AMalformedExternalAuthenticateUsesNoTry) {
  ElementProfile profile;
  profile.authentication_failure_limit = 1;
  Bench bench(std::move(profile));
  ASSERT_EQ(bench.status(kInitializeUpdate), 0x9000);
  EXPECT_EQ(bench.status("848202001000112233445566778899AABBCCDDEEFF"), 0x6A86);
  EXPECT_TRUE(bench.open_isd()->open());
}

// GPCS 7.3: secure channel of the associated domain
TEST(SecureChannelTest, ADomainUsesItsParentsKeysUntilItHasItsOwn) {
  Bench bench;
  auto host = bench.open_isd();
  ASSERT_EQ(bench.status(*host, Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(bench.select(kDomainAid).sw.value, 0x9000);
  host = bench.open(test_keys(kIsdKeys), 0x30);
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data), "E000");
  const auto keys = test_keys(0x71);
  const auto put = [&](std::uint8_t identifier, const SecretBytes& key) {
    return bench.status(*host, Bench::put_key(*host, 0x40, {&key}, 0, identifier).encode().value());
  };
  ASSERT_EQ(put(1, keys.enc), 0x9000);
  ASSERT_EQ(put(2, keys.mac), 0x9000);
  EXPECT_EQ(bench.status("8050300008010203040506070800"), 0x9000) << "two keys are no key set";
  host = bench.open(test_keys(kIsdKeys), 0x30);
  ASSERT_EQ(put(3, keys.dek), 0x9000);
  EXPECT_EQ(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x9000)
      << "the session goes on";
  EXPECT_EQ(bench.status("8050300008010203040506070800"), 0x6A88);
  EXPECT_TRUE(bench.open(test_keys(0x71), 0x40)->open());
  bench.select("");
  EXPECT_EQ(bench.status("8050400008010203040506070800"), 0x6A88);
}

// Amendment D, 5.6: aborted sessions
TEST(SecureChannelTest, AnAbortedSessionRefusesEverythingUntilItIsOver) {
  const auto abort = [](Bench& bench) {
    auto host = bench.open_isd();
    apdu::CommandApdu command = host->wrap({.ins = 0xCA, .p2 = 0xE0, .le = 256}).value();
    command.data.back() ^= 0x01;
    EXPECT_EQ(bench.send(command).sw.value, 0x6982);
  };
  Bench bench;
  abort(bench);
  for (const std::string_view command :
       {"80CA00E000", "00CA006600", "80F28000024F0000", "84CA00E0080102030405060708",
        "848201001000112233445566778899AABBCCDDEEFF", "8478000300", "8001000000"}) {
    EXPECT_EQ(bench.status(command), 0x6982) << command;
    EXPECT_NE(bench.element->reason().text(), "") << command;
  }
  const std::uint8_t channel = bench.open_channel();
  EXPECT_EQ(bench.send({.cla = 0x80, .ins = 0xCA, .p2 = 0xE0, .le = 256}, channel).sw.value, 0x9000)
      << "another logical channel goes on";
  auto again = bench.open(test_keys(kIsdKeys));
  EXPECT_EQ(bench.send(*again, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x9000);
  abort(bench);
  bench.status(kInitializeUpdate);
  EXPECT_EQ(bench.status("80CA00E000"), 0x9000) << "asking for a session ends the aborted one";
  abort(bench);
  EXPECT_EQ(bench.select("").sw.value, 0x9000);
  EXPECT_EQ(bench.status("80CA00E000"), 0x9000);
  abort(bench);
  bench.element->reset();
  EXPECT_EQ(bench.status("80CA00E000"), 0x9000);
}

// BEGIN and END R-MAC SESSION: the domain's answers are protected better in between.
// Amendment D, 7.1.3, 7.1.4: R-MAC sessions
TEST(SecureChannelTest, AnRMacSessionProtectsTheDomainsAnswers) {
  Bench bench;
  auto host = bench.open_isd(0x03);
  const auto get = [&] {
    const auto answer = bench.send(host->wrap({.ins = 0xCA, .p2 = 0xE0, .le = 256}).value());
    const auto plain = host->unwrap(answer);
    EXPECT_TRUE(plain.has_value());
    EXPECT_TRUE(plain && plain->response.data.size() == 20);
    return answer.data.size();
  };
  EXPECT_EQ(get(), 20U);
  for (const auto& [more, size] : {std::pair{0x10, 20U + 8U}, std::pair{0x30, 32U + 8U}}) {
    auto answer = bench.send(
        host->begin_r_mac({static_cast<std::uint8_t>(more)}, hex("0102030405060708")).value());
    EXPECT_EQ(answer.sw.value, 0x9000);
    ASSERT_TRUE(host->unwrap(answer).has_value());
    EXPECT_EQ(get(), size);
    answer = bench.send(host->end_r_mac().value());
    EXPECT_EQ(answer.sw.value, 0x9000);
    EXPECT_EQ(answer.data.size(), 8U) << "the R-MAC of the session that ends";
    ASSERT_TRUE(host->unwrap(answer).has_value());
    EXPECT_EQ(get(), 20U);
  }
  EXPECT_EQ(bench.status(*host, scp::PlainCommand{.ins = 0x78, .p2 = 0x03}), 0x6985);
  EXPECT_EQ(get(), 20U);
  bench.select("");
  EXPECT_EQ(bench.status("807A10010100"), 0x6985) << "outside a session";
  Bench without(with_parameter(0x00));
  host = without.open_isd(0x03);
  EXPECT_EQ(
      without.status(*host, scp::PlainCommand{.ins = 0x7A, .p1 = 0x10, .p2 = 1, .data = Bytes{0}}),
      0x6D00);
}

// GPCS 10.2: the domain's channel for its applications
TEST(SecureChannelTest, AnApplicationUsesItsDomainsKeysOnItsOwnChannel) {
  ElementProfile profile;
  profile.security_domains.push_back({aid(kDomainAid)});
  profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(kIsdKeys)});
  profile.key_sets.push_back({aid(kDomainAid), 0x31, test_keys(0x61)});
  profile.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), aid(kDomainAid)});
  Bench bench(test_modules(), std::move(profile));
  const std::uint8_t channel = bench.open_channel();
  bench.select(kTestAid, channel);
  EXPECT_EQ(bench.send({.cla = 0x80, .ins = 0x50, .p1 = 0x30, .data = Bytes(8), .le = 256}, channel)
                .sw.value,
            0x6A88);
  auto host = bench.open(test_keys(0x61), 0x31, 0x33, channel);
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0x03, .data = hex("CAFE"), .le = 256}, channel).data),
            "CAFE");
  EXPECT_EQ(bench.send({.cla = 0x84, .ins = 0x03, .data = Bytes(16), .le = 256}, channel).sw.value,
            0x6982);
  EXPECT_EQ(bench.send({.cla = 0x84, .ins = 0x03, .data = Bytes(16), .le = 256}, channel).sw.value,
            0x6985);
}

}  // namespace
}  // namespace kagibin::se
