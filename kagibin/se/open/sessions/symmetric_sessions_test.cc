// SPDX-License-Identifier: Apache-2.0
// SCP02 on the element: off unless the profile says so, and its counter. SCP03 has
// secure_channel_test.cc.
#include "kagibin/se/open/sessions/symmetric_sessions.h"

#include <memory>
#include <string>

#include "kagibin/gp/card_data.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

constexpr std::uint8_t kDesVersion = 0x20;
constexpr std::uint8_t kAesVersion = 0x30;
constexpr std::uint8_t kDesKeys = 0x40;
constexpr std::string_view kInitializeUpdate = "8050200008010203040506070800";

scp::Scp02KeySet des_keys(std::uint8_t first = kDesKeys) {
  scp::Scp03KeySet keys = test_keys(first);
  return scp::Scp02KeySet::create(std::move(keys.enc), std::move(keys.mac), std::move(keys.dek))
      .value();
}

// A 3DES set, then an AES set.
ElementProfile profile_of(std::optional<std::uint8_t> i) {
  ElementProfile out;
  if (i) {
    out.scp02 = scp::Scp02Parameter{*i};
  }
  out.key_sets.push_back({out.isd_aid, kDesVersion, des_keys()});
  out.key_sets.push_back({out.isd_aid, kAesVersion, test_keys(kIsdKeys)});
  return out;
}

std::unique_ptr<scp::Scp02Host> open_scp02(Bench& bench,
                                           std::uint8_t level,
                                           std::uint8_t version = kDesVersion,
                                           std::uint8_t channel = 0,
                                           std::optional<Aid> aid = {}) {
  auto host = std::make_unique<scp::Scp02Host>(
      des_keys(), scp::Scp02HostOptions{.key_version_number = version, .aid = aid});
  const auto answer = bench.send(host->initialize_update(bench.rng).value(), channel);
  EXPECT_EQ(answer.sw.value, 0x9000);
  const auto authenticate = host->external_authenticate(answer, scp::SecurityLevel{level});
  EXPECT_TRUE(authenticate.has_value());
  if (authenticate) {
    EXPECT_TRUE(host->finish_authentication(bench.send(*authenticate, channel)).has_value());
  }
  return host;
}

apdu::ResponseApdu send(Bench& bench,
                        scp::Scp02Host& host,
                        const scp::PlainCommand& command,
                        std::uint8_t channel = 0) {
  return bench.send(host.wrap(command).value(), channel);
}

std::uint16_t counter_of(const apdu::ResponseApdu& answer) {
  return static_cast<std::uint16_t>((answer.data.at(12) << 8U) | answer.data.at(13));
}
std::uint16_t counter(Bench& bench) { return counter_of(bench.send(kInitializeUpdate)); }

std::vector<gp::ChannelProtocol> protocols(Bench& bench) {
  const auto card = gp::CardData::decode(bench.send("80CA006600").data);
  EXPECT_TRUE(card.has_value());
  return card ? card->protocols : std::vector<gp::ChannelProtocol>{};
}

TEST(Scp02ElementTest, IsOffUnlessTheProfileSaysSoAndSaysWhy) {
  Bench bench(profile_of({}));
  EXPECT_EQ(bench.status(kInitializeUpdate), 0x6985);
  const std::string reason(bench.element->reason().text());
  EXPECT_NE(reason.find("padding-oracle attack"), std::string::npos) << reason;
  EXPECT_NE(reason.find("profile"), std::string::npos) << "and what to do";
  EXPECT_EQ(protocols(bench), (std::vector<gp::ChannelProtocol>{{0x03, 0x60}}));
  EXPECT_EQ(bench.element->reason().text(), "") << "of the last command alone";
  // P1 = 00 means the first set that can be used.
  const Bytes answer = bench.send("8050000008010203040506070800").data;
  ASSERT_EQ(answer.size(), 29U);
  EXPECT_EQ(answer[10], kAesVersion);
  EXPECT_EQ(answer[11], 0x03);
}

TEST(Scp02ElementTest, ADomainThatHasNothingElseSaysWhyToo) {
  ElementProfile profile;
  profile.key_sets.push_back({profile.isd_aid, kDesVersion, des_keys()});
  Bench bench(std::move(profile));
  EXPECT_EQ(bench.status("8050000008010203040506070800"), 0x6985);
  EXPECT_NE(bench.element->reason().text().find("SCP02 is off"), std::string_view::npos);
  EXPECT_EQ(bench.status("8050210008010203040506070800"), 0x6A88);
}

// GPCS E.1.1, E.5.2.3: SCP02 of every i and level
TEST(Scp02ElementTest, OpensSessionsOfEveryParameterAndLevelWhereTheProfileTurnsItOn) {
  for (const std::uint8_t i : {std::uint8_t{0x15}, std::uint8_t{0x55}}) {
    for (const std::uint8_t level : {std::uint8_t{0x00}, std::uint8_t{0x01}, std::uint8_t{0x03}}) {
      Bench bench(profile_of(i));
      EXPECT_EQ(protocols(bench), (std::vector<gp::ChannelProtocol>{{0x02, i}, {0x03, 0x60}}));
      EXPECT_EQ(bench.send(kInitializeUpdate).data.size(), 28U);
      auto host = open_scp02(bench, level, 0, 0,
                             i == 0x55 ? std::optional<Aid>(aid(kIsdAid)) : std::nullopt);
      EXPECT_EQ(host->answer()->key_version_number, kDesVersion) << "the first set";
      const auto keys = send(bench, *host, {.ins = 0xCA, .p2 = 0xE0, .le = 256});
      EXPECT_EQ(keys.sw.value, 0x9000);
      EXPECT_EQ(keys.data.size(), 2U + 6U * 6U);
      // C-MAC is what changes content.
      const auto stored =
          send(bench, *host, {.ins = 0xE2, .p1 = 0x80, .data = hex("450101"), .le = 256});
      EXPECT_EQ(stored.sw.value, level == 0x00 ? 0x6982 : 0x9000);
    }
  }
}

TEST(Scp02ElementTest, AesSetsGoOnSpeakingScp03) {
  Bench bench(profile_of(0x55));
  auto host = bench.open(test_keys(kIsdKeys), kAesVersion);
  EXPECT_EQ(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x9000);
}

// GPCS E.5.1.4, E.5.1.5, E.5.1.7: refused
TEST(Scp02ElementTest, InitializeUpdateRefusesWhatItDoesNotHave) {
  Bench bench(profile_of(0x15));
  EXPECT_EQ(bench.status("805020000701020304050607"), 0x6700);
  EXPECT_EQ(bench.status("805020001000112233445566778899AABBCCDDEEFF"), 0x6700);
  EXPECT_EQ(bench.status("8050200108010203040506070800"), 0x6A86);
  EXPECT_EQ(bench.status("8450200008010203040506070800"), 0x6882);
  EXPECT_EQ(bench.status("8050220008010203040506070800"), 0x6A88);
}

// GPCS E.1.2: the sequence counter
TEST(Scp02ElementTest, CountsSessionsThatOpened) {
  for (const std::uint8_t i : {std::uint8_t{0x15}, std::uint8_t{0x55}}) {
    Bench bench(profile_of(i));
    EXPECT_EQ(counter(bench), 0U);
    EXPECT_EQ(counter(bench), 0U) << "a challenge alone counts nothing";
    bench.send(kInitializeUpdate);
    EXPECT_EQ(bench.status("848201001000112233445566778899AABBCCDDEEFF"), 0x6300);
    EXPECT_EQ(counter(bench), 0U) << "nor does a wrong host";
    auto host = open_scp02(bench, 0x01);
    EXPECT_EQ(send(bench, *host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x9000);
    EXPECT_EQ(counter(bench), 1U);
    open_scp02(bench, 0x03);
    EXPECT_EQ(counter(bench), 2U);
    bench.restart();
    EXPECT_EQ(counter(bench), 2U);
  }
}

// Power is cut at the write of a session that opens: no answer without the counter, and the counter
// that was answered for never comes back.
TEST(Scp02ElementTest, TheCounterIsStoredBeforeTheAnswerLeaves) {
  for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    Bench bench(profile_of(0x55));
    scp::Scp02Host host(des_keys(), {.key_version_number = kDesVersion});
    const auto answer = bench.send(host.initialize_update(bench.rng).value());
    const auto authenticate = host.external_authenticate(answer, {0x01});
    ASSERT_TRUE(authenticate.has_value());
    bench.power->cut_at(1, cut);
    EXPECT_FALSE(bench.element->transmit(authenticate->encode()).has_value());
    bench.restart();
    EXPECT_EQ(bench.send(*authenticate).sw.value, 0x6985);
    EXPECT_EQ(counter(bench), cut == test::Cut::kAfter ? 1U : 0U);
    open_scp02(bench, 0x01);
    EXPECT_EQ(counter(bench), cut == test::Cut::kAfter ? 2U : 1U);
  }
}

TEST(Scp02ElementTest, AFullDiskOpensNoSession) {
  Bench bench(profile_of(0x55));
  scp::Scp02Host host(des_keys(), {.key_version_number = kDesVersion});
  const auto answer = bench.send(host.initialize_update(bench.rng).value());
  const auto authenticate = host.external_authenticate(answer, {0x01});
  ASSERT_TRUE(authenticate.has_value());
  bench.power->full = true;
  EXPECT_EQ(bench.send(*authenticate).sw.value, 0x6581);
  bench.power->full = false;
  EXPECT_EQ(bench.status("84CA00E0080102030405060708"), 0x6982) << "there is no session";
  EXPECT_EQ(counter(bench), 0U);
}

// GPCS E.1.6: the end of a session
TEST(Scp02ElementTest, AFailureEndsTheSession) {
  Bench bench(profile_of(0x55));
  auto host = open_scp02(bench, 0x03);
  apdu::CommandApdu command = host->wrap({.ins = 0xE2, .p1 = 0x80, .data = hex("450101")}).value();
  command.data[0] ^= 0x01;
  EXPECT_EQ(bench.send(command).sw.value, 0x6982);
  EXPECT_EQ(send(bench, *host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).sw.value, 0x6982);
  bench.select("");
  EXPECT_EQ(bench.status("80CA00E000"), 0x9000) << "outside a session";
}

TEST(Scp02ElementTest, BlocksAKeySetWhereTheProfileSetsALimit) {
  ElementProfile profile = profile_of(0x55);
  profile.authentication_failure_limit = 2;
  Bench bench(std::move(profile));
  const std::string_view wrong = "848201001000112233445566778899AABBCCDDEEFF";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bench.status(kInitializeUpdate), 0x9000);
    EXPECT_EQ(bench.status(wrong), 0x6300);
  }
  EXPECT_EQ(bench.status(kInitializeUpdate), 0x6983);
  EXPECT_NE(bench.element->reason().text(), "");
  EXPECT_EQ(bench.status("8050300008010203040506070800"), 0x9000) << "the other set is not";
}

TEST(Scp02ElementTest, DomainsSpeakItWhereTheIssuerDoes) {
  Bench off(profile_of({}));
  auto host = off.open(test_keys(kIsdKeys), kAesVersion);
  EXPECT_EQ(off.status(*host, Bench::install_domain(kDomainAid, 0, "81020255")), 0x6985);
  EXPECT_NE(off.element->reason().text().find("SCP02 is off"), std::string_view::npos);
  EXPECT_EQ(off.status(*host, Bench::install_domain(kDomainAid, 0, "81020270")), 0x6985);

  Bench on(profile_of(0x55));
  host = on.open(test_keys(kIsdKeys), kAesVersion);
  EXPECT_EQ(on.status(*host, Bench::install_domain(kDomainAid, 0, "8102021A")), 0x6A80);
  EXPECT_EQ(on.status(*host, Bench::install_domain(kDomainAid, 0, "8102021581020255")), 0x6A80);
  EXPECT_EQ(on.status(*host, Bench::install_domain(kDomainAid, 0, "81020215")), 0x9000);
  EXPECT_EQ(on.status(*host, Bench::install_domain("F000000001AA02", 0, "8102037081020255")),
            0x9000);
  EXPECT_EQ(on.status(*host, Bench::install_domain("F000000001AA03")), 0x9000);
  on.select(kDomainAid);
  EXPECT_EQ(protocols(on), (std::vector<gp::ChannelProtocol>{{0x02, 0x15}}));
  // Its issuer's AES set is none for it.
  EXPECT_EQ(on.status("8050300008010203040506070800"), 0x6985);
  EXPECT_EQ(open_scp02(on, 0x01)->level().value, 0x01);
  on.select("F000000001AA02");
  EXPECT_EQ(protocols(on), (std::vector<gp::ChannelProtocol>{{0x03, 0x70}, {0x02, 0x55}}));
  on.select("F000000001AA03");
  EXPECT_EQ(protocols(on), (std::vector<gp::ChannelProtocol>{{0x02, 0x55}, {0x03, 0x60}}));
}

// GPCS 7.3: whoever may not open the domain is not let in for those who may
TEST(Scp02ElementTest, ASetOfAProtocolThatIsNotSpokenTakesThePlaceOfNone) {
  ElementProfile profile = profile_of({});
  profile.key_sets.clear();
  profile.key_sets.push_back({profile.isd_aid, 0xFF, test_keys(kIsdKeys)});
  Bench bench(std::move(profile));
  auto host = bench.open(test_keys(kIsdKeys), 0xFF);
  const scp::Scp02KeySet des = des_keys(0x71);
  gp::PutKey put{.new_version = 0x20, .first_identifier = 1};
  for (const SecretBytes* value : {&des.enc, &des.mac, &des.dek}) {
    std::vector<gp::KeyPart> parts;
    parts.push_back({gp::key_type::kDes, value->duplicate()});
    put.keys.push_back(
        gp::seal_key(gp::Key::from(std::move(parts)).value(),
                     {.encrypt = [&](ByteView clear) { return host->encrypt_sensitive(clear); }})
            .value());
  }
  EXPECT_EQ(bench.status(*host, put.encode().value()), 0x9000);
  EXPECT_TRUE(bench.open(test_keys(kIsdKeys), 0xFF)->open());
}

TEST(Scp02ElementTest, ALoneKeyIsNoReasonForTheFactorySetToGo) {
  ElementProfile profile = profile_of(0x55);
  profile.key_sets.clear();
  profile.key_sets.push_back({profile.isd_aid, 0xFF, test_keys(kIsdKeys)});
  profile.key_sets.push_back({profile.isd_aid, 0x01, des_keys()});
  Bench bench(std::move(profile));
  auto host = bench.open(test_keys(kIsdKeys), 0xFF);
  const scp::Scp03KeySet fresh = test_keys(0x61);
  ASSERT_EQ(bench.status(*host, Bench::put_key(*host, 0x05, {&fresh.enc}).encode().value()),
            0x9000);
  EXPECT_TRUE(bench.open(test_keys(kIsdKeys), 0xFF)->open());
}

// GPCS 10.2: the domain's channel for its applications
TEST(Scp02ElementTest, ServesApplicationsOnTheirOwnChannel) {
  ElementProfile profile = profile_of(0x55);
  profile.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), profile.isd_aid});
  Bench bench(test_modules(), std::move(profile));
  const std::uint8_t channel = bench.open_channel();
  bench.select(kTestAid, channel);
  auto host = open_scp02(bench, 0x03, kDesVersion, channel, aid(kTestAid));
  const auto answer = send(bench, *host, {.ins = 0x03, .data = hex("CAFE"), .le = 256}, channel);
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(to_hex(answer.data), "CAFE");
  EXPECT_EQ(bench.send({.cla = 0x84, .ins = 0x03, .data = Bytes(16), .le = 256}, channel).sw.value,
            0x6982);
}

}  // namespace
}  // namespace kagibin::se
