// SPDX-License-Identifier: Apache-2.0
// Management of an element in the same process by every protocol: what opens, what uses a try, what
// a change of keys would cost. The tool on top of it has tests/system/gp_tool_test.py.
#include <algorithm>
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/roles/security_module_manager/card/channel_opening.h"
#include "kagibin/roles/security_module_manager/card/content_loading.h"
#include "kagibin/roles/security_module_manager/card/data_storing.h"
#include "kagibin/roles/security_module_manager/card/dry_run.h"
#include "kagibin/roles/security_module_manager/card/key_change.h"
#include "kagibin/roles/security_module_manager/card/registry_listing.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::roles::security_module_manager {
namespace {

using se::test_keys;

constexpr std::uint8_t kDesVersion = 0x20;
constexpr std::uint8_t kAesVersion = 0x30;
constexpr std::uint8_t kExternalAuthenticate = 0x82;

// Keeps the instruction of every command.
class KeptLink final : public apdu::CardLink {
 public:
  explicit KeptLink(se::Bench& bench) : bench_(bench) {}
  Result<Bytes> transmit(ByteView command) override {
    instructions.push_back(command[1]);
    return bench_.element->transmit(command);
  }
  std::ptrdiff_t count(std::uint8_t instruction) const {
    return std::ranges::count(instructions, instruction);
  }
  std::vector<std::uint8_t> instructions;

 private:
  se::Bench& bench_;
};

ChannelKeys keys_of(std::uint8_t first, std::uint8_t version = 0, std::size_t size = 16) {
  scp::Scp03KeySet set = test_keys(first, size);
  return {.version = version,
          .des = {},
          .enc = std::move(set.enc),
          .mac = std::move(set.mac),
          .dek = std::move(set.dek)};
}

// Both protocols, and three tries.
se::ElementProfile both_protocols() {
  se::ElementProfile out;
  out.scp02 = scp::Scp02Parameter{0x55};
  out.authentication_failure_limit = 3;
  scp::Scp03KeySet des = test_keys(0x40);
  out.key_sets.push_back(
      {out.isd_aid, kDesVersion,
       scp::Scp02KeySet::create(std::move(des.enc), std::move(des.mac), std::move(des.dek))
           .value()});
  out.key_sets.push_back({out.isd_aid, kAesVersion, test_keys(se::kIsdKeys)});
  return out;
}

std::vector<gp::Key> aes_keys(std::uint8_t first, std::size_t size = 16) {
  const scp::Scp03KeySet set = test_keys(first, size);
  std::vector<gp::Key> out;
  for (const SecretBytes* key : {&set.enc, &set.mac, &set.dek}) {
    out.push_back(gp::Key::aes(key->expose()).value());
  }
  return out;
}

struct Table {
  explicit Table(se::ElementProfile profile = both_protocols())
      : bench(std::move(profile)), link(bench) {
    facts = read_card_facts(link, std::nullopt).value();
  }
  se::Bench bench;
  KeptLink link;
  CardFacts facts;
};

TEST(ChannelOpeningTest, ChoosesTheProtocolByWhatTheCardSaysOfTheKeyVersion) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  const auto aes = opening.open(keys_of(se::kIsdKeys, kAesVersion), {});
  ASSERT_TRUE(aes.has_value());
  EXPECT_EQ(opening.report().scp, 3);
  EXPECT_EQ((*aes)->host().level().value, 0x33);
  EXPECT_EQ((*aes)->longest_data(), 239U);
  const auto des = opening.open(keys_of(0x40, kDesVersion), {});
  ASSERT_TRUE(des.has_value());
  EXPECT_EQ(opening.report().scp, 2);
  EXPECT_EQ((*des)->host().level().value, 0x03);
  EXPECT_TRUE(list_registry(**des).has_value());
}

// Amendment D, 6.2.2.2: the card is authenticated before the host uses a try
// GPCS E.4.2.1: the same in SCP02
TEST(ChannelOpeningTest, WrongKeysUseNoTryHoweverOften) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  for (const std::uint8_t version : {kAesVersion, kDesVersion}) {
    for (int i = 0; i < 10; ++i) {
      const auto failed = opening.open(keys_of(0x99, version), {});
      ASSERT_FALSE(failed.has_value());
      EXPECT_EQ(failed.error().code, Errc::kAuthentication);
      EXPECT_EQ(opening.report().stage, ChannelReport::Stage::kCryptogram);
      EXPECT_EQ(opening.report().answered_version, version);
    }
  }
  EXPECT_EQ(table.link.count(kExternalAuthenticate), 0);
  EXPECT_TRUE(opening.open(keys_of(se::kIsdKeys, kAesVersion), {}).has_value());
  EXPECT_TRUE(opening.open(keys_of(0x40, kDesVersion), {}).has_value());
}

TEST(ChannelOpeningTest, SaysWhichOfTheOtherSetsFits) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  std::vector<ChannelKeys> others;
  others.push_back(keys_of(0x77, 0x11));
  others.push_back(keys_of(se::kIsdKeys, 0x12));
  others.push_back(keys_of(0x40, 0x13));
  EXPECT_FALSE(opening.open(keys_of(0x99, kAesVersion), {.other_sets = others}).has_value());
  EXPECT_EQ(opening.report().version_that_fits, 0x12);
  EXPECT_FALSE(opening.open(keys_of(0x99, kDesVersion), {.other_sets = others}).has_value());
  EXPECT_EQ(opening.report().version_that_fits, 0x13);
  EXPECT_FALSE(opening.report().factory_keys_fit);
}

TEST(ChannelOpeningTest, KnowsTheTestKeysThatCardsComeWith) {
  se::ElementProfile profile;
  const auto same = [] {
    return SecretBytes::copy_of(se::hex("404142434445464748494A4B4C4D4E4F"));
  };
  profile.key_sets.push_back(
      {profile.isd_aid, 0xFF, scp::Scp03KeySet::create(same(), same(), same()).value()});
  Table table(std::move(profile));
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  EXPECT_FALSE(opening.open(keys_of(0x99), {}).has_value());
  EXPECT_TRUE(opening.report().factory_keys_fit);
}

TEST(ChannelOpeningTest, SaysThatTheKeyVersionIsNotThere) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  const auto failed = opening.open(keys_of(se::kIsdKeys, 0x44), {});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().sw.value, 0x6A88);
  EXPECT_EQ(opening.report().stage, ChannelReport::Stage::kInitializeUpdate);
}

TEST(ChannelOpeningTest, TakesBothLengthsOfChallengeAsTheCardSays) {
  for (const std::uint8_t i : std::to_array<std::uint8_t>({0x60, 0x61, 0x71})) {
    se::ElementProfile profile;
    profile.scp03 = scp::Scp03Parameter{i};
    Table table(std::move(profile));
    ChannelOpening opening(table.link, table.facts, table.bench.rng);
    const auto session = opening.open(keys_of(se::kIsdKeys), {});
    ASSERT_TRUE(session.has_value()) << int{i};
    EXPECT_EQ(opening.report().i, i);
    EXPECT_TRUE(list_registry(**session).has_value());
    // A card that says nothing about itself is tried both ways.
    table.facts.card_data.reset();
    EXPECT_TRUE(opening.open(keys_of(se::kIsdKeys), {}).has_value()) << int{i};
  }
}

// Amendment F, 7.6, 7.7: the three variants of SCP11
TEST(ChannelOpeningTest, OpensEveryVariantOfScp11) {
  se::Scp11Bench bench;
  bench.put_keys();
  KeptLink link(bench);
  const CardFacts facts = read_card_facts(link, std::nullopt).value();
  ChannelOpening opening(link, facts, bench.rng);
  for (const auto variant : {scp::Scp11Variant::kA, scp::Scp11Variant::kB, scp::Scp11Variant::kC}) {
    HostCredentials ours{.variant = variant,
                         .key_version = se::kKvn,
                         .own_key = bench.own.duplicate(),
                         .certificates = bench.chain(),
                         .ca = se::kCa,
                         .domain_key = bench.sd_key(variant).public_key()};
    if (variant == scp::Scp11Variant::kB) {
      ours.own_key.reset();
    }
    const auto session = opening.open(ours);
    ASSERT_TRUE(session.has_value()) << session.error().detail.text();
    EXPECT_EQ((*session)->host().level().value, 0x33);
    // SCP11b authenticates the card alone: nothing is managed with it.
    EXPECT_EQ(list_registry(**session).has_value(), variant != scp::Scp11Variant::kB);
  }
}

TEST(ChannelOpeningTest, RefusesADomainKeyThatTheCardDoesNotHold) {
  se::Scp11Bench bench;
  bench.put_keys();
  KeptLink link(bench);
  const CardFacts facts = read_card_facts(link, std::nullopt).value();
  ChannelOpening opening(link, facts, bench.rng);
  const auto failed =
      opening.open({.variant = scp::Scp11Variant::kB,
                    .key_version = se::kKvn,
                    .domain_key = bench.sd_key(scp::Scp11Variant::kA).public_key()});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Errc::kAuthentication);
  EXPECT_EQ(opening.open({.variant = scp::Scp11Variant::kB}).error().code, Errc::kInvalidArgument);
}

TEST(KeyChangeTest, PutsASetThatOpensAChannelAfterwards) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  for (const std::size_t size : {16U, 24U, 32U}) {
    const auto session = opening.open(keys_of(se::kIsdKeys, kAesVersion), {});
    ASSERT_TRUE(session.has_value());
    const auto version = static_cast<std::uint8_t>(0x30 + size);
    ASSERT_TRUE(
        put_keys(**session, {.version = version, .keys = aes_keys(0x50, size)}).has_value());
    const auto sent = table.link.count(kExternalAuthenticate);
    EXPECT_TRUE(opening.check(keys_of(0x50, version, size), {}).has_value());
    EXPECT_EQ(opening.check(keys_of(0x51, version, size), {}).error().code, Errc::kAuthentication);
    EXPECT_EQ(table.link.count(kExternalAuthenticate), sent) << "checking used a try";
  }
}

KeyChange rsa_key() {
  const Bytes modulus(256, 0xC3);
  KeyChange out{.version = 0x70};
  out.keys.push_back(
      gp::Key::rsa_public(crypto::RsaPublicKey::from(modulus, Bytes{0x01, 0x00, 0x01}).value())
          .value());
  return out;
}

TEST(KeyChangeTest, PutsAPublicKeyThatIsLongerThanAShortCommand) {
  Table table;
  ChannelOpening opening(table.link, table.facts, table.bench.rng);
  const auto session = opening.open(keys_of(se::kIsdKeys, kAesVersion), {});
  ASSERT_TRUE(session.has_value());
  EXPECT_TRUE(put_keys(**session, rsa_key()).has_value());
  EXPECT_EQ(table.link.count(apdu::ins::kPutKey), 1);
  const CardFacts after = read_card_facts(table.link, std::nullopt).value();
  EXPECT_TRUE(after.keys->holds(0x70, 0x01));
}

// Answers 9000 to everything and keeps it.
class WillingLink final : public apdu::CardLink {
 public:
  Result<Bytes> transmit(ByteView command) override {
    commands.push_back(apdu::CommandApdu::decode(command).value());
    return Bytes{0x90, 0x00};
  }
  std::vector<apdu::CommandApdu> commands;
};

// GPCS 11.8.2.1: a command longer than one APDU comes in pieces
TEST(KeyChangeTest, CutsALongCommandIntoPiecesWhereTheCallerSaysSo) {
  Table table;
  auto host = std::make_unique<scp::Scp02Host>(
      scp::Scp02KeySet::create(keys_of(0x40).enc, keys_of(0x40).mac, keys_of(0x40).dek).value(),
      scp::Scp02HostOptions{.key_version_number = kDesVersion});
  const auto update = host->initialize_update(table.bench.rng).value();
  const auto external =
      host->external_authenticate(table.bench.send(update), scp::SecurityLevel{0x01}).value();
  ASSERT_TRUE(host->finish_authentication(table.bench.send(external)).has_value());
  WillingLink link;
  DomainSession session(link, std::move(host), 8, LongCommands::kPieces);
  ASSERT_TRUE(put_keys(session, rsa_key()).has_value());
  ASSERT_EQ(link.commands.size(), 2U);
  EXPECT_EQ(link.commands[0].p1, 0x80);
  EXPECT_EQ(link.commands[0].data.size(), 255U);
  EXPECT_EQ(link.commands[1].p1, 0x00);
  EXPECT_EQ(link.commands[0].data.size() + link.commands[1].data.size(), 267U + 8U);
}

TEST(KeyChangeTest, SaysWhatMayCostTheLastWayIn) {
  const Table table;
  const auto danger = [&](std::uint8_t replaced, std::vector<gp::Key> keys,
                          std::uint8_t first = 1) {
    KeyChange change{.replaced_version = replaced,
                     .version = 0x31,
                     .first_identifier = first,
                     .keys = std::move(keys)};
    return danger_of(table.facts, change).has_value();
  };
  EXPECT_FALSE(danger(0, aes_keys(0x50)));
  EXPECT_FALSE(danger(kAesVersion, aes_keys(0x50)));
  EXPECT_TRUE(danger(kAesVersion, aes_keys(0x50), 2));  // KID 02 to 04
  std::vector<gp::Key> one;
  one.push_back(std::move(aes_keys(0x50).front()));
  EXPECT_TRUE(danger(kAesVersion, std::move(one)));
  CardFacts aes_only = table.facts;
  std::erase_if(aes_only.card_data->protocols,
                [](const gp::ChannelProtocol& one_of) { return one_of.scp == scp::kScp02; });
  KeyChange des{.replaced_version = kAesVersion, .version = 0x31};
  for (int i = 0; i < 3; ++i) {
    des.keys.push_back(gp::Key::des(se::hex("404142434445464748494A4B4C4D4E4F")).value());
  }
  EXPECT_TRUE(danger_of(aes_only, des).has_value());
  EXPECT_FALSE(danger_of(table.facts, des).has_value());
}

TEST(KeyChangeTest, SaysWhichDeletionTakesTheLastSet) {
  const Table table;
  const auto danger = [&](std::optional<std::uint8_t> version,
                          std::optional<std::uint8_t> identifier) {
    return danger_of(table.facts, gp::DeleteKeys{.identifier = identifier, .version = version})
        .has_value();
  };
  EXPECT_FALSE(danger(kAesVersion, {}));
  EXPECT_FALSE(danger(kDesVersion, 0x02));
  EXPECT_TRUE(danger({}, 0x02));  // of both sets
  CardFacts last = table.facts;
  std::erase_if(last.keys->keys,
                [](const gp::KeyEntry& key) { return key.version == kDesVersion; });
  EXPECT_TRUE(danger_of(last, gp::DeleteKeys{.version = kAesVersion}).has_value());
  EXPECT_TRUE(danger_of(last, gp::DeleteKeys{.identifier = 0x03, .version = kAesVersion}));
  EXPECT_FALSE(danger_of(last, gp::DeleteKeys{.version = 0x44}).has_value());
  EXPECT_TRUE(danger_of(CardFacts{}, gp::DeleteKeys{.version = 0x44}).has_value());
}

gp::KeyEntry told(std::uint8_t version,
                  std::uint8_t identifier,
                  std::uint8_t type = gp::key_type::kAes,
                  std::uint16_t size = 16) {
  return {.identifier = identifier, .version = version, .components = {{type, size}}};
}
std::vector<gp::KeyEntry> told_set(std::uint8_t version,
                                   std::uint8_t type = gp::key_type::kAes,
                                   std::uint16_t size = 16) {
  return {told(version, 1, type, size), told(version, 2, type, size), told(version, 3, type, size)};
}

// GPCS 11.1.8, 11.2.2.3.2: what is left must open a channel
TEST(KeyChangeTest, DoesNotCountAsAWayInWhatTheCardOpensNothingWith) {
  CardFacts facts;
  facts.card_data = gp::CardData{.protocols = {{.scp = scp::kScp03, .parameter = 0x70}}};
  const auto danger = [&](const std::vector<gp::KeyEntry>& others) {
    facts.keys = gp::KeyInformation{.keys = told_set(kAesVersion)};
    facts.keys->keys.insert(facts.keys->keys.end(), others.begin(), others.end());
    return danger_of(facts, gp::DeleteKeys{.version = kAesVersion}).has_value();
  };
  EXPECT_FALSE(danger(told_set(0x31)));
  EXPECT_FALSE(danger(told_set(0x7F, gp::key_type::kAes, 32)));
  EXPECT_FALSE(danger(told_set(0xFF))) << "a factory set";
  for (const std::uint8_t version :
       std::to_array<std::uint8_t>({0x80, 0xFE, 0x11, 0x70, 0x71, 0x73, 0x74, 0x75})) {
    EXPECT_TRUE(danger(told_set(version))) << std::hex << int{version};
  }
  EXPECT_TRUE(danger(told_set(0x20, gp::key_type::kDes))) << "the card speaks no SCP02";
  EXPECT_TRUE(danger(told_set(0x31, 0x85))) << "a type of something else";
  EXPECT_TRUE(danger(told_set(0x31, gp::key_type::kAes, 20)));
  EXPECT_TRUE(danger({told(0x31, 1), told(0x31, 2)})) << "incomplete";
  EXPECT_TRUE(danger({told(0x31, 1), told(0x31, 2), told(0x31, 3, gp::key_type::kAes, 32)}));
  EXPECT_TRUE(danger({told(0x31, 1), told(0x31, 2), told(0x31, 3, gp::key_type::kDes)}));
  auto of_applications = told_set(0x31);
  of_applications[2].policy =
      gp::KeyPolicy{.says_access = true, .access = gp::KeyPolicy::kApplicationsOnly};
  EXPECT_TRUE(danger(of_applications));

  EXPECT_FALSE(danger(told_set(0x01)));
  facts.card_data->protocols.push_back({.scp = 0x80, .parameter = 0x00});
  EXPECT_TRUE(danger(told_set(0x01))) << "SCP80's";
  EXPECT_TRUE(danger(told_set(0x40))) << "SCP81's, on a UICC";
  EXPECT_TRUE(danger(told_set(0x20))) << "SCP02's";
  EXPECT_TRUE(danger(told_set(0x50))) << "nobody's";
  EXPECT_FALSE(danger(told_set(0x3F))) << "SCP03's";
  EXPECT_FALSE(danger(told_set(0xFF))) << "the factory's";
  facts.card_data->protocols.push_back({.scp = 0x02, .parameter = 0x55});
  EXPECT_TRUE(danger(told_set(0x31, gp::key_type::kDes))) << "SCP03's";
  EXPECT_FALSE(danger(told_set(0x2F, gp::key_type::kDes))) << "SCP02's";
  facts.card_data->protocols.pop_back();
  facts.card_data->protocols.push_back({.scp = 0x81, .parameter = 0x00});
  EXPECT_TRUE(danger(told_set(0x40))) << "SCP81's";
  facts.card_data.reset();
  EXPECT_FALSE(danger(told_set(0x20, gp::key_type::kDes))) << "a card that tells no protocol";
}

// Amendment F, 4: who authenticates the host
TEST(KeyChangeTest, CountsAKeyPairOfScp11AsAWayInWhereItsHostCanAuthenticate) {
  CardFacts facts;
  facts.card_data =
      gp::CardData{.protocols = {{.scp = scp::kScp03, .parameter = 0x70},
                                 {.scp = scp::kScp11, .parameter = scp::kScp11S8.arc()}}};
  const auto danger = [&](const std::vector<gp::KeyEntry>& others) {
    facts.keys = gp::KeyInformation{.keys = told_set(kAesVersion)};
    facts.keys->keys.insert(facts.keys->keys.end(), others.begin(), others.end());
    return danger_of(facts, gp::DeleteKeys{.version = kAesVersion}).has_value();
  };
  const auto pair = [](std::uint8_t identifier) {
    return told(0x40, identifier, gp::key_type::kEcPrivate, 32);
  };
  const gp::KeyEntry ca = told(0x41, scp::kKidCaKloc, gp::key_type::kEcPublic, 65);
  EXPECT_FALSE(danger({pair(scp::kKidScp11a), ca}));
  EXPECT_FALSE(danger({pair(scp::kKidScp11c), ca}));
  EXPECT_TRUE(danger({pair(scp::kKidScp11b), ca})) << "SCP11b authenticates nobody";
  EXPECT_TRUE(danger({pair(scp::kKidScp11a)})) << "no CA key";
  EXPECT_TRUE(danger({told(0x40, scp::kKidScp11a), ca})) << "an AES key";
  // The CA key is part of the way in.
  facts.keys = gp::KeyInformation{.keys = {pair(scp::kKidScp11a), ca}};
  EXPECT_TRUE(danger_of(facts, gp::DeleteKeys{.version = 0x41}).has_value());
  std::erase_if(facts.card_data->protocols,
                [](const gp::ChannelProtocol& one) { return one.scp == scp::kScp11; });
  EXPECT_TRUE(danger({pair(scp::kKidScp11a), ca})) << "the card does not speak SCP11";
}

TEST(KeyChangeTest, KeysThatOpenNothingAreNoReasonToWarn) {
  CardFacts facts;
  facts.card_data = gp::CardData{.protocols = {{.scp = scp::kScp03, .parameter = 0x70}}};
  facts.keys = gp::KeyInformation{.keys = {told(0x70, 1, gp::key_type::kEcPublic, 65)}};
  EXPECT_FALSE(danger_of(facts, gp::DeleteKeys{.version = 0x70}).has_value());
}

// GPCS 11.8.2.1: a set that is replaced by one of no use
TEST(KeyChangeTest, SaysThatTheNewVersionOpensNothing) {
  Table table;
  std::erase_if(table.facts.keys->keys,
                [](const gp::KeyEntry& key) { return key.version == kDesVersion; });
  KeyChange change{.replaced_version = kAesVersion, .version = 0x70, .keys = aes_keys(0x50)};
  EXPECT_TRUE(danger_of(table.facts, change).has_value());
  change.version = 0x31;
  EXPECT_FALSE(danger_of(table.facts, change).has_value());
}

TEST(KeyChangeTest, SeesTheSameDangersInCommandsAsOctets) {
  const Table table;
  const auto danger = [&](std::string_view text) {
    const apdu::CommandApdu command = apdu::CommandApdu::decode(se::hex(text)).value();
    return danger_of(table.facts, scp::plain_command(command)).has_value();
  };
  EXPECT_TRUE(danger("80F080FF00"));
  EXPECT_FALSE(danger("80F0807F00"));
  EXPECT_FALSE(danger("80F0400705F000000001"));
  EXPECT_TRUE(danger("80D830810101"));
  EXPECT_FALSE(danger("80D800810131"));
  EXPECT_FALSE(danger("80E4000003D20130"));
  EXPECT_TRUE(danger("80E4000003D00102"));
}

TEST(DataStoringTest, KeepsGroupingsWholeAndCutsTheRest) {
  const auto lengths = [](ByteView data, gp::StoreStructure structure) {
    DryRun port(16, 100);
    EXPECT_TRUE(store_data(port, {.structure = structure, .data = data}).has_value());
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < port.commands().size(); ++i) {
      const apdu::CommandApdu& command = port.commands()[i];
      EXPECT_EQ(command.p2, i);
      EXPECT_EQ((command.p1 & 0x80U) != 0, i + 1 == port.commands().size());
      out.push_back(command.data.size());
    }
    return out;
  };
  const Bytes plain(250);
  EXPECT_EQ(lengths(plain, gp::StoreStructure::kNone), (std::vector<std::size_t>{100, 100, 50}));
  EXPECT_EQ(lengths(ByteView(plain).first(100), gp::StoreStructure::kNone),
            (std::vector<std::size_t>{100}));
  const Bytes value(60);
  const Bytes small(30);
  const Bytes large(150);
  const SecretBytes data =
      gp::encode_groupings(std::vector<gp::Grouping>{
                               {0x0101, value}, {0x0102, small}, {0x0103, value}, {0x0104, large}})
          .value();
  // 63 + 33 fit; 63; 153 is cut.
  EXPECT_EQ(lengths(data.expose(), gp::StoreStructure::kGroupings),
            (std::vector<std::size_t>{96, 63, 100, 53}));
  DryRun port;
  EXPECT_EQ(
      store_data(port, {.structure = gp::StoreStructure::kGroupings, .data = plain}).error().code,
      Errc::kTruncated);
}

// GPCS 11.6.2: blocks are counted from 00, and the last one says so
TEST(ContentLoadingTest, AnnouncesAndCutsTheLoadFile) {
  DryRun port(16, 239);
  const Bytes block(600, 0xAB);
  const LoadPlan plan{.announcement = {.load_file = se::aid("F000000009")}, .data_block = block};
  std::size_t told = 0;
  ASSERT_TRUE(load_content(port, plan, [&](std::size_t done, std::size_t all) {
                told = done;
                EXPECT_EQ(all, 3U);
              }).has_value());
  EXPECT_EQ(told, 3U);
  ASSERT_EQ(port.commands().size(), 4U);
  EXPECT_EQ(port.commands()[0].ins, 0xE6);
  Bytes file;
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(port.commands()[i].ins, 0xE8);
    EXPECT_EQ(port.commands()[i].p1, i == 3 ? 0x80 : 0x00);
    EXPECT_EQ(port.commands()[i].p2, i - 1);
    append(file, port.commands()[i].data);
  }
  EXPECT_EQ(file, gp::encode_load_file({}, block));
  const Bytes large(65'000);
  const LoadPlan too_many{
      .announcement = plan.announcement, .data_block = large, .longest_block = 200};
  EXPECT_EQ(load_content(port, too_many, [](auto, auto) {}).error().code, Errc::kLimit);
}

}  // namespace
}  // namespace kagibin::roles::security_module_manager
