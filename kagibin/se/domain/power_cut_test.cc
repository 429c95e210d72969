// SPDX-License-Identifier: Apache-2.0
// Power fails before, half-way through and after every physical write of every command that changes
// the element: what is found afterwards is the old state or the new one, whole.
#include <functional>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

constexpr std::string_view kSecondDomain = "F000000001AA02";

struct Case {
  const char* name;
  // The command, given an open session of the ISD, and whether INSTALL [for personalization] of the
  // test application comes first.
  std::function<apdu::CommandApdu(const scp::Scp03Host&)> command;
  bool personalize = false;
};

ElementProfile crowded() {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x60};
  profile.iin = hex("1234");
  profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(kIsdKeys)});
  profile.security_domains.push_back({aid(kSecondDomain)});
  profile.key_sets.push_back({aid(kSecondDomain), 0x30, test_keys(0x21)});
  profile.applications.push_back(
      {aid(kTestFile), aid(kTestModule), aid(kTestAid), profile.isd_aid, hex("01")});
  return profile;
}

// Everything the element remembers.
std::string memory(const Element& element) {
  std::string out;
  for (const std::string& name : element.nvm().names("")) {
    out += name + "=" + to_hex(element.nvm().get(name)->expose()) + "\n";
  }
  return out;
}

std::unique_ptr<scp::Scp03Host> prepare(Bench& bench, const Case& one) {
  auto host = bench.open_isd(0x33);
  if (one.personalize) {
    EXPECT_EQ(bench.status(*host, gp::Install{.purpose = gp::InstallFor::kPersonalization,
                                              .application = aid(kTestAid)}
                                      .encode()
                                      .value()),
              0x9000);
  }
  return host;
}

gp::KeyData sealed(const scp::Scp03Host& host, const gp::Key& key) {
  return gp::seal_key(key,
                      {.encrypt = [&](ByteView clear) { return host.encrypt_sensitive(clear); }})
      .value();
}

crypto::CurvePublicKey some_point() {
  test::FixedRng rng("point");
  return crypto::CurvePrivateKey::generate(crypto::Curve::kP256, rng)->public_key();
}

std::vector<Case> cases() {
  using Host = const scp::Scp03Host&;
  return {
      {"PUT KEY, add",
       [](Host host) { return Bench::put_key(host, 0x31, test_keys(0x51)).encode().value(); }},
      {"PUT KEY, replace",
       [](Host host) {
         return Bench::put_key(host, 0x30, test_keys(0x51), 0x30).encode().value();
       }},
      {"PUT KEY, replace and rename",
       [](Host host) {
         return Bench::put_key(host, 0x33, test_keys(0x51), 0x30).encode().value();
       }},
      {"PUT KEY, one key",
       [](Host host) {
         const auto keys = test_keys(0x51);
         return Bench::put_key(host, 0x31, {&keys.dek}, 0, 5).encode().value();
       }},
      {"PUT KEY, token key",
       [](Host host) {
         return gp::PutKey{.new_version = 0x70,
                           .first_identifier = 1,
                           .keys = {sealed(host, gp::Key::ec_public(some_point()).value())}}
             .encode()
             .value();
       }},
      {"PUT KEY, several types",
       [](Host host) {
         return gp::PutKey{.new_version = 0x71,
                           .first_identifier = 1,
                           .keys = {sealed(host, gp::Key::aes(Bytes(32, 0x5A)).value()),
                                    sealed(host, gp::Key::ec_public(some_point()).value()),
                                    sealed(host, gp::Key::des(Bytes(16, 0x5A)).value())}}
             .encode()
             .value();
       }},
      {"INSTALL domain", [](Host) { return Bench::install_domain(kDomainAid); }},
      {"INSTALL application",
       [](Host) { return install_test_application("F0000000020102", "0203"); }},
      {"DELETE application", [](Host) { return gp::DeleteObject{.aid = aid(kTestAid)}.encode(); }},
      {"DELETE domain", [](Host) { return gp::DeleteObject{.aid = aid(kSecondDomain)}.encode(); }},
      {"SET STATUS, card",
       [](Host) {
         return gp::SetStatus{.scope = gp::SetStatusScope::kCard, .state = 0x07}.encode();
       }},
      {"SET STATUS, application",
       [](Host) { return gp::SetStatus{.state = 0x80, .aid = aid(kTestAid)}.encode(); }},
      {"SET STATUS, domain and its applications",
       [](Host) {
         return gp::SetStatus{.scope = gp::SetStatusScope::kDomainAndItsApplications,
                              .state = 0x80,
                              .aid = aid(kSecondDomain)}
             .encode();
       }},
      {"STORE DATA, own",
       [](Host) {
         return apdu::CommandApdu{
             .cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = hex("42010545017F")};
       }},
      {"STORE DATA, application",
       [](Host) {
         return apdu::CommandApdu{.cla = 0x80, .ins = 0xE2, .p1 = 0x88, .data = hex("0909")};
       },
       true},
  };
}

class PowerCutTest : public ::testing::TestWithParam<Case> {};

TEST_P(PowerCutTest, LeavesTheOldStateOrTheNew) {
  Bench undisturbed(test_modules(), crowded());
  auto host = prepare(undisturbed, GetParam());
  const std::string old_state = memory(*undisturbed.element);
  undisturbed.power->restore();
  ASSERT_EQ(undisturbed.status(*host, GetParam().command(*host)), 0x9000);
  const std::string new_state = memory(*undisturbed.element);
  const std::uint64_t writes = undisturbed.power->writes;
  ASSERT_NE(old_state, new_state);
  EXPECT_EQ(writes, 1U) << "one transaction a command";

  for (std::uint64_t write = 1; write <= writes; ++write) {
    for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
      Bench bench(test_modules(), crowded());
      host = prepare(bench, GetParam());
      bench.power->cut_at(write, cut);
      const auto wrapped = host->wrap({.ins = GetParam().command(*host).ins,
                                       .p1 = GetParam().command(*host).p1,
                                       .p2 = GetParam().command(*host).p2,
                                       .data = GetParam().command(*host).data,
                                       .le = 256});
      EXPECT_FALSE(bench.element->transmit(wrapped->encode()).has_value());
      bench.restart();
      const bool done = cut == test::Cut::kAfter && write == writes;
      EXPECT_EQ(memory(*bench.element), done ? new_state : old_state);
      // It works on: the command again, unless it was done.
      bench.select("");
      const bool replaced = GetParam().name == std::string_view("PUT KEY, replace") ||
                            GetParam().name == std::string_view("PUT KEY, replace and rename");
      auto again = bench.open(done && replaced ? test_keys(0x51) : test_keys(kIsdKeys));
      EXPECT_TRUE(again->open());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCommand,
                         PowerCutTest,
                         ::testing::ValuesIn(cases()),
                         [](const auto& one) {
                           std::string out;
                           for (const char letter : std::string_view(one.param.name)) {
                             if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
                               out += letter;
                             }
                           }
                           return out;
                         });

// DELETE of keys needs a second set, which the old state above has not.
TEST(PowerCutKeysTest, DeletionOfASetLeavesItWholeOrGone) {
  for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    Bench bench(test_modules(), crowded());
    auto host = bench.open_isd();
    ASSERT_EQ(bench.status(*host, Bench::put_key(*host, 0x31, test_keys(0x51)).encode().value()),
              0x9000);
    const std::string before = memory(*bench.element);
    bench.power->cut_at(1, cut);
    const Bytes data = hex("D20131");
    const auto wrapped = host->wrap({.ins = 0xE4, .data = data});
    EXPECT_FALSE(bench.element->transmit(wrapped->encode()).has_value());
    bench.restart();
    EXPECT_EQ(memory(*bench.element) == before, cut != test::Cut::kAfter);
    EXPECT_EQ(bench.element->nvm().get("key/A000000151000000/31") == nullptr,
              cut == test::Cut::kAfter);
    EXPECT_TRUE(bench.open_isd()->open());
  }
}

// A second cut while the element comes back, or in the first write after.
TEST(PowerCutKeysTest, ASecondCutAfterATornWriteLosesNothing) {
  for (const test::Cut second : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    Bench bench(test_modules(), crowded());
    auto host = bench.open_isd();
    const auto put = [&](std::uint8_t version) {
      return host
          ->wrap({.ins = 0xD8,
                  .p2 = 0x81,
                  .data = Bench::put_key(*host, version, test_keys(0x51)).encode()->data})
          ->encode();
    };
    bench.power->cut_at(1, test::Cut::kHalfWay);
    EXPECT_FALSE(bench.element->transmit(put(0x31)).has_value());
    bench.restart();
    const std::string old_state = memory(*bench.element);
    host = bench.open_isd();
    bench.power->cut_at(1, second);
    EXPECT_FALSE(bench.element->transmit(put(0x32)).has_value());
    bench.restart();
    EXPECT_EQ(memory(*bench.element) == old_state, second != test::Cut::kAfter);
    EXPECT_TRUE(bench.open_isd()->open());
  }
}

}  // namespace
}  // namespace kagibin::se
