// SPDX-License-Identifier: Apache-2.0
// What makes a security domain have keys of its own, so that the domain above serves it no longer:
// keys that open a channel of a protocol that it speaks, and no others.
#include "kagibin/gp/content/extradition.h"
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::se {
namespace {

constexpr std::string_view kScp03Alone = "81020370";  // C9: what the domain speaks
constexpr std::string_view kWhatTheIssuerSpeaks = "";

gp::Key pair(std::optional<gp::KeyPolicy> policy = {}) {
  const gp::Key key = gp::Key::ec_private(make_key(crypto::Curve::kP256, "SSD's own")).value();
  std::vector<gp::KeyPart> parts;
  for (const gp::KeyPart& part : key.parts()) {
    parts.push_back({part.type, part.value.duplicate()});
  }
  return gp::Key::from(std::move(parts), policy).value();
}

// Puts the key into a domain without keys, in a session that the ISD's keys opened.
void put_into_domain(Scp11Bench& bench,
                     std::string_view parameters,
                     KeyReference name,
                     const gp::Key& key,
                     std::uint32_t privileges = 0) {
  auto issuer = bench.open_isd();
  ASSERT_EQ(bench.status(*issuer, Bench::install_domain(kDomainAid, privileges, parameters)),
            0x9000);
  ASSERT_EQ(bench.select(kDomainAid).sw.value, 0x9000);
  auto through_parent = bench.open(test_keys(kIsdKeys));
  ASSERT_EQ(bench.put(*through_parent, name, key).value, 0x9000);
}

// Whether the keys of the domain above still open a session with it.
bool is_served(Scp11Bench& bench) {
  bench.select(kDomainAid);
  return bench.status("8050000008000102030405060700") == 0x9000;
}

// GPCS 7.3: a key pair of SCP11 in a domain that does not speak it
TEST(KeyOwnerTest, AKeyPairOfAProtocolThatTheDomainDoesNotSpeakIsNoWayIn) {
  for (const std::uint8_t identifier : {scp::kKidScp11a, scp::kKidScp11b, scp::kKidScp11c}) {
    Scp11Bench bench;
    put_into_domain(bench, kScp03Alone, {identifier, 0x40}, pair());
    EXPECT_TRUE(is_served(bench)) << int{identifier};
  }
  Scp11Bench bench{ElementProfile{}};
  put_into_domain(bench, kWhatTheIssuerSpeaks, {scp::kKidScp11a, 0x40}, pair());
  EXPECT_TRUE(is_served(bench)) << "an element without SCP11";
}

TEST(KeyOwnerTest, AKeyThatIsNoSecretKeyForAgreementIsNoWayIn) {
  const gp::KeyPolicy for_applications{.says_access = true,
                                       .access = gp::KeyPolicy::kApplicationsOnly};
  const gp::KeyPolicy for_signatures{.usage = {0x42}, .usage_size = 1};
  std::vector<gp::Key> keys;
  keys.push_back(gp::Key::aes(Bytes(16, 0x4A)).value());
  keys.push_back(
      gp::Key::ec_public(make_key(crypto::Curve::kP256, "SSD's own").public_key()).value());
  keys.push_back(pair(for_applications));
  keys.push_back(pair(for_signatures));
  for (const gp::Key& key : keys) {
    Scp11Bench bench;
    put_into_domain(bench, kWhatTheIssuerSpeaks, {scp::kKidScp11a, 0x40}, key);
    EXPECT_TRUE(is_served(bench)) << static_cast<int>(key.kind());
  }
}

TEST(KeyOwnerTest, AKeyPairOfItsOwnProtocolMakesTheDomainItsOwnMaster) {
  Scp11Bench bench;
  put_into_domain(bench, kWhatTheIssuerSpeaks, {scp::kKidScp11a, 0x40}, pair());
  EXPECT_FALSE(is_served(bench));
}

// GPCS 7.2, 7.3.3: what else asks whether a domain has keys
TEST(KeyOwnerTest, ADomainWithoutAWayInIsPersonalizedFromAboveAndHeadsNoHierarchy) {
  for (const bool speaks : {false, true}) {
    Scp11Bench bench;
    put_into_domain(bench, speaks ? kWhatTheIssuerSpeaks : kScp03Alone, {scp::kKidScp11a, 0x40},
                    pair(), gp::Privileges::kAuthorizedManagement);
    auto issuer = bench.open_isd();
    EXPECT_EQ(bench.status(*issuer, gp::Install{.purpose = gp::InstallFor::kPersonalization,
                                                .application = aid(kDomainAid)}
                                        .encode()
                                        .value()),
              speaks ? 0x6985 : 0x9000);
    EXPECT_EQ(bench.status(*issuer, gp::Extradition{.security_domain = aid(kDomainAid),
                                                    .object = aid(kDomainAid)}
                                        .encode()
                                        .value()),
              speaks ? 0x9000 : 0x6985);
  }
}

}  // namespace
}  // namespace kagibin::se
