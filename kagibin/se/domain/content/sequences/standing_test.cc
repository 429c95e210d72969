// SPDX-License-Identifier: Apache-2.0
// A load and a personalization that have begun, and what another logical channel does meanwhile:
// what INSTALL was allowed is asked again at every LOAD and every STORE DATA.
#include <functional>

#include "kagibin/gp/registry/set_status.h"
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

constexpr std::string_view kInner = "F000000001AA03";  // a domain inside kDomainAid
constexpr std::uint8_t kOwnKeys = 0x61;
constexpr std::uint8_t kSecondKeys = 0x62;
constexpr std::uint8_t kOwnVersion = 0x30;
constexpr std::uint8_t kSecondVersion = 0x31;
constexpr std::uint8_t kBeside = 1;

// A domain with two key sets, a session of it on the basic channel, and the ISD's beside it.
class StandingBench : public ContentBench {
 public:
  void TestBody() override {}
  explicit StandingBench(std::uint32_t privileges) {
    install_domain(kDomainAid, privileges);
    install_domain(kInner);
    EXPECT_EQ(status(extradite(kInner, kDomainAid)), 0x9000);
    EXPECT_EQ(status(install_test_application()), 0x9000);
    EXPECT_EQ(status(extradite(kTestAid, kDomainAid)), 0x9000);
    EXPECT_EQ(status(put_one_key(*host_, 0x70, public_key("issuer"))), 0x9000);
    set_state(*host_, 0, gp::CardState::kInitialized);
    set_state(*host_, 0, gp::CardState::kSecured);
    open_domain(kDomainAid);
    EXPECT_EQ(status(Bench::put_key(*host_, kOwnVersion, test_keys(kOwnKeys)).encode().value()),
              0x9000);
    EXPECT_EQ(
        status(Bench::put_key(*host_, kSecondVersion, test_keys(kSecondKeys)).encode().value()),
        0x9000);
    EXPECT_EQ(bench_.open_channel(), kBeside);
    be_issuer();
    EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
    host_ = bench_.open(test_keys(kOwnKeys), kOwnVersion);
  }

  std::uint16_t run(const apdu::CommandApdu& command) { return status(command); }
  std::uint16_t beside(const apdu::CommandApdu& command) {
    return bench_.send(*beside_, command, kBeside).sw.value;
  }
  void be_issuer() {
    EXPECT_NE(bench_.select("", kBeside).data, Bytes{});
    beside_ = bench_.open(test_keys(kIsdKeys), 0, 0x33, kBeside);
  }
  void be_domain() {
    EXPECT_EQ(bench_.select(kDomainAid, kBeside).sw.value, 0x9000);
    beside_ = bench_.open(test_keys(kSecondKeys), kSecondVersion, 0x33, kBeside);
  }
  apdu::CommandApdu new_keys(std::uint8_t version) {
    return Bench::put_key(*beside_, version, test_keys(0x55), version).encode().value();
  }
  void set_state(scp::Scp03Host& host, std::uint8_t channel, gp::CardState state) {
    const apdu::CommandApdu command{
        .cla = 0x80, .ins = 0xF0, .p1 = 0x80, .p2 = std::to_underlying(state)};
    EXPECT_EQ(bench_.send(host, command, channel).sw.value, 0x9000);
  }
  // Through the ISD beside: locks the card and unlocks it again.
  void lock_for_a_moment() {
    set_state(*beside_, kBeside, gp::CardState::kCardLocked);
    set_state(*beside_, kBeside, gp::CardState::kSecured);
  }
  using ContentBench::entry;
  using ContentBench::load_file;
  using ContentBench::memory;
  using ContentBench::reason;

 private:
  std::unique_ptr<scp::Scp03Host> beside_{};
};

apdu::CommandApdu set_status(std::uint8_t state, std::string_view name) {
  return {.cla = 0x80, .ins = 0xF0, .p1 = 0x40, .p2 = state, .data = hex(name)};
}
apdu::CommandApdu privileges_of(std::string_view name, std::uint32_t privileges) {
  return gp::RegistryUpdate{.application = aid(name), .privileges = Privileges{privileges}}
      .encode()
      .value();
}

struct Meanwhile {
  const char* name;
  std::function<void(StandingBench&)> happens;
};

std::vector<Meanwhile> of_keys_and_card() {
  return {
      {"KeysDeleted",
       [](StandingBench& bench) {
         bench.be_domain();
         EXPECT_EQ(bench.beside({.cla = 0x80, .ins = 0xE4, .data = hex("D20130")}), 0x9000);
       }},
      {"KeysReplaced",
       [](StandingBench& bench) {
         bench.be_domain();
         EXPECT_EQ(bench.beside(bench.new_keys(kOwnVersion)), 0x9000);
       }},
      {"CardLockedForAMoment", [](StandingBench& bench) { bench.lock_for_a_moment(); }},
      {"DomainLocked",
       [](StandingBench& bench) { EXPECT_EQ(bench.beside(set_status(0x80, kDomainAid)), 0x9000); }},
  };
}

// ---- LOAD -------------------------------------------------------------------------------------

std::vector<Meanwhile> of_load() {
  std::vector<Meanwhile> out = of_keys_and_card();
  out.push_back({"PrivilegeTaken", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(privileges_of(kDomainAid, Privileges::kSecurityDomain)),
                             0x9000);
                 }});
  out.push_back({"TargetExtradited", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(extradite(kInner, kIsdAid)), 0x9000);
                 }});
  out.push_back({"TargetLocked", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(set_status(0x80, kInner)), 0x9000);
                 }});
  out.push_back({"TargetDeleted",
                 [](StandingBench& bench) { EXPECT_EQ(bench.beside(erase(kInner)), 0x9000); }});
  out.push_back({"TargetMadeAnew", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(erase(kInner)), 0x9000);
                   EXPECT_EQ(bench.beside(Bench::install_domain(kInner)), 0x9000);
                   EXPECT_EQ(bench.beside(extradite(kInner, kDomainAid)), 0x9000);
                 }});
  return out;
}

gp::InstallForLoad to_inner(bool combined = false) {
  return {.load_file = aid(kPackage),
          .security_domain = aid(kInner),
          .hash = gp::load_file_hash(crypto::HashAlgorithm::kSha256, small_cap()),
          .combined = combined};
}
// INSTALL [for load] and a few LOADs.
Commands in_blocks(bool combined = false) {
  Commands out{for_load(to_inner(combined))};
  const Bytes file = gp::encode_load_file({}, small_cap());
  for (const apdu::CommandApdu& one : load_commands(file, file.size() / 3 + 1)) {
    out.push_back(one);
  }
  return out;
}
apdu::CommandApdu last_install() {
  auto out = install_loaded();
  out.purpose = gp::InstallFor::kLoadInstallAndMakeSelectable;
  return out.encode().value();
}

class LoadStandingTest : public ::testing::TestWithParam<Meanwhile> {};

// GPCS 9.3.5: the right to load, at every LOAD
TEST_P(LoadStandingTest, ALoadWhoseRightIsGoneGoesOnAtNoBlock) {
  const Commands commands = in_blocks();
  ASSERT_EQ(commands.size(), 4U);
  for (std::size_t done = 1; done < commands.size(); ++done) {
    StandingBench bench(Privileges::kAuthorizedManagement);
    for (std::size_t i = 0; i < done; ++i) {
      ASSERT_EQ(bench.run(commands[i]), 0x9000) << bench.reason();
    }
    GetParam().happens(bench);
    for (std::size_t i = done; i < commands.size(); ++i) {
      EXPECT_NE(bench.run(commands[i]), 0x9000) << done << " " << i;
    }
    EXPECT_FALSE(bench.load_file().has_value()) << done;
  }
}

// GPCS 9.3.8: the same of a combined load, at its last INSTALL too
TEST_P(LoadStandingTest, ACombinedLoadWhoseRightIsGoneIsNotInstalled) {
  StandingBench bench(Privileges::kAuthorizedManagement);
  for (const apdu::CommandApdu& command : in_blocks(true)) {
    ASSERT_EQ(bench.run(command), 0x9000) << bench.reason();
  }
  GetParam().happens(bench);
  EXPECT_NE(bench.run(last_install()), 0x9000);
  EXPECT_FALSE(bench.load_file().has_value());
  EXPECT_FALSE(bench.entry(kInstance).has_value());
}

INSTANTIATE_TEST_SUITE_P(Meanwhile,
                         LoadStandingTest,
                         ::testing::ValuesIn(of_load()),
                         [](const auto& one) { return std::string(one.param.name); });

// GPCS 9.2.1, C.4: a token whose key is gone
TEST(LoadStandingTokenTest, ATokenIsVerifiedAgainAtEveryLoad) {
  for (const bool verifier_loses_key : {true, false}) {
    StandingBench bench(Privileges::kDelegatedManagement);
    Commands commands = in_blocks();
    test::FixedRng rng("token");
    commands.front() = gp::add_token(commands.front(), private_key("issuer"), rng).value();
    ASSERT_EQ(bench.run(commands[0]), 0x9000) << bench.reason();
    ASSERT_EQ(bench.run(commands[1]), 0x9000) << "nothing has happened yet";
    if (verifier_loses_key) {
      EXPECT_EQ(bench.beside({.cla = 0x80, .ins = 0xE4, .data = hex("D20170")}), 0x9000);
    } else {
      EXPECT_EQ(bench.beside(privileges_of(kDomainAid, Privileges::kSecurityDomain)), 0x9000);
    }
    EXPECT_EQ(bench.run(commands[2]), 0x6985);
    EXPECT_EQ(bench.run(commands[3]), 0x6985);
    EXPECT_FALSE(bench.load_file().has_value());
  }
}

TEST(LoadStandingTokenTest, ALoadDuringWhichNothingHappensIsDone) {
  StandingBench bench(Privileges::kAuthorizedManagement);
  const Commands commands = in_blocks();
  for (const apdu::CommandApdu& command : commands) {
    ASSERT_EQ(bench.run(command), 0x9000) << bench.reason();
    bench.be_domain();  // another session of the same domain changes nothing
    bench.be_issuer();
  }
  EXPECT_EQ(bench.load_file()->security_domain, aid(kInner));
}

// ---- STORE DATA -------------------------------------------------------------------------------

std::vector<Meanwhile> of_personalization() {
  std::vector<Meanwhile> out = of_keys_and_card();
  out.push_back({"TargetExtradited", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(extradite(kTestAid, kIsdAid)), 0x9000);
                 }});
  out.push_back({"TargetLocked", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(set_status(0x80, kTestAid)), 0x9000);
                 }});
  out.push_back({"TargetDeleted",
                 [](StandingBench& bench) { EXPECT_EQ(bench.beside(erase(kTestAid)), 0x9000); }});
  out.push_back({"TargetMadeAnew", [](StandingBench& bench) {
                   EXPECT_EQ(bench.beside(erase(kTestAid)), 0x9000);
                   EXPECT_EQ(bench.beside(install_test_application()), 0x9000);
                   EXPECT_EQ(bench.beside(extradite(kTestAid, kDomainAid)), 0x9000);
                 }});
  return out;
}

apdu::CommandApdu personalize(std::string_view name) {
  return gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(name)}
      .encode()
      .value();
}
apdu::CommandApdu store(std::uint8_t block, std::string_view data = "4202ABCD") {
  return {.cla = 0x80, .ins = 0xE2, .p1 = 0x00, .p2 = block, .data = hex(data)};
}

class PersonalizationStandingTest : public ::testing::TestWithParam<Meanwhile> {};

// GPCS 7.3.3, 11.5.2.3.6: whom STORE DATA reaches, at every block
TEST_P(PersonalizationStandingTest, ABlockWhoseTargetIsGoneReachesNobody) {
  for (const std::uint8_t done : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
    StandingBench bench(Privileges::kAuthorizedManagement);
    ASSERT_EQ(bench.run(personalize(kTestAid)), 0x9000);
    for (std::uint8_t block = 0; block < done; ++block) {
      ASSERT_EQ(bench.run(store(block)), 0x9000);
    }
    GetParam().happens(bench);
    const std::string before = bench.memory();
    EXPECT_NE(bench.run(store(done)), 0x9000);
    EXPECT_NE(bench.run(store(0)), 0x9000) << "nor does it fall to the domain itself";
    EXPECT_NE(bench.run(store(1)), 0x9000);
    EXPECT_EQ(bench.memory(), before);
  }
}

INSTANTIATE_TEST_SUITE_P(Meanwhile,
                         PersonalizationStandingTest,
                         ::testing::ValuesIn(of_personalization()),
                         [](const auto& one) { return std::string(one.param.name); });

// GPCS 7.3: a domain that got keys, or went elsewhere
TEST(PersonalizationOfDomainsTest, ADomainThatLeftTakesNoMoreBlocks) {
  for (const bool extradited : {true, false}) {
    StandingBench bench(Privileges::kAuthorizedManagement);
    ASSERT_EQ(bench.run(personalize(kInner)), 0x9000);
    ASSERT_EQ(bench.run(store(0)), 0x9000);
    EXPECT_EQ(bench.beside(extradited ? extradite(kInner, kIsdAid) : set_status(0x80, kInner)),
              0x9000);
    const std::string before = bench.memory();
    EXPECT_EQ(bench.run(store(1)), 0x6985);
    EXPECT_EQ(bench.memory(), before);
  }
}

TEST(PersonalizationOfDomainsTest, AnotherCommandEndsItAndTheDomainStoresAgain) {
  StandingBench bench(Privileges::kAuthorizedManagement);
  ASSERT_EQ(bench.run(personalize(kTestAid)), 0x9000);
  EXPECT_EQ(bench.beside(erase(kTestAid)), 0x9000);
  EXPECT_EQ(bench.run(store(0)), 0x6985);
  EXPECT_EQ(bench.run({.cla = 0x80, .ins = 0xCA, .p2 = 0x66}), 0x9000);
  EXPECT_EQ(bench.run(store(0)), 0x9000) << "its own";
}

}  // namespace
}  // namespace kagibin::se
