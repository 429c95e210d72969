// SPDX-License-Identifier: Apache-2.0
// Whole deliveries in every suite, from the order to the verdict: what is asked for is what is
// used, nothing on the way makes it another one, and where a suite cannot be had the order is
// refused (protocol, sections 5, 6 and 9).
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/must.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;

constexpr std::array<std::uint8_t, 6> kSuites = {0x01, 0x02, 0x10, 0x11, 0x20, 0x21};

std::string name_of(std::uint8_t suite) { return to_hex(std::array{suite}); }

bool is_here(std::uint8_t suite) { return suite < 0x20 || crypto::has_ml_kem(); }

DeploymentOptions in_suite(std::uint8_t suite, bool by_certificates = false) {
  DeploymentOptions out;
  out.suites = name_of(suite);
  out.by_certificates = by_certificates;
  return out;
}

class SuitesTest : public testing::TestWithParam<std::uint8_t> {
 protected:
  void SetUp() override {
    if (!is_here(GetParam())) {
      GTEST_SKIP() << "suite " << name_of(GetParam()) << " is NOT tested here: libcrypto "
                   << crypto::library_version() << " has no ML-KEM-768 (scripts/openssl35)";
    }
  }
};

TEST_P(SuitesTest, TheKeyArrivesAndTheReceiptNamesTheSuite) {
  SealedScene scene("suites", in_suite(GetParam()));
  EXPECT_EQ(must(envelope::EnrolmentAnswer::decode(scene.e4)).suite,
            envelope::answer_suite(GetParam()));
  EXPECT_EQ(scene.header().suite, GetParam());
  const Bytes e3 = must(scene.world.relay(scene.card, scene.e2));
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).suite, GetParam());
  EXPECT_EQ(scene.world.judge(scene.order, scene.e0.attempt, e3).verdict.verdict,
            Verdict::kConfirmed);
  const auto keys = must(scene.world.keys->channel_keys(scene.card.seid, Deployment::domain_aid(),
                                                        Deployment::kNewKeyVersion));
  ASSERT_TRUE(keys);
  EXPECT_TRUE(scene.world.opens_with(scene.card, Deployment::kNewKeyVersion, *keys));
}

TEST_P(SuitesTest, TheKeyArrivesAtRl2) {
  Deployment world("suites at RL2", in_suite(GetParam(), true));
  DeployedCard& card = world.add_card("phone-1");
  const auto order = world.open_order("order-1", card, Deployment::payload_by_certificates());
  EXPECT_EQ(world.deliver(card, order.id).verdict.verdict, Verdict::kConfirmed);
}

// protocol, 1, finding 7
TEST_P(SuitesTest, ASuiteChangedOnTheWayIsRefused) {
  SealedScene scene("changed suites", in_suite(GetParam()));
  const Bytes suite = tlv::encode(0x81, std::array{GetParam()});
  // In the request: its signature covers it.
  for (const std::uint8_t other : kSuites) {
    if (other == GetParam()) {
      continue;
    }
    Bytes e0 = scene.e0.message;
    const auto at = std::ranges::search(e0, suite);
    ASSERT_FALSE(at.empty());
    *(at.begin() + 2) = other;
    EXPECT_FALSE(scene.world.enrol(scene.card, e0)) << int{other};
    // In the envelope's header: its signature covers it, too, and the form of A1 follows it.
    Bytes e2 = scene.e2;
    const auto in_header = std::ranges::search(e2, suite);
    ASSERT_FALSE(in_header.empty());
    *(in_header.begin() + 2) = other;
    EXPECT_FALSE(scene.world.load(scene.card, scene.handle, e2)) << int{other};
  }
  EXPECT_EQ(scene.finish(), Verdict::kConfirmed);
}

TEST_P(SuitesTest, AnAnswerInAnotherSuiteIsRefused) {
  Deployment world("changed answers", in_suite(GetParam()));
  DeployedCard& card = world.add_card("phone-1");
  const auto order = world.open_order("order-1", card).id;
  const auto e0 = world.request(order);
  Bytes e4 = must(world.enrol(card, e0.message));
  const std::uint8_t right = envelope::answer_suite(GetParam());
  const auto at = std::ranges::search(e4, tlv::encode(0x81, std::array{right}));
  ASSERT_FALSE(at.empty());
  *(at.begin() + 2) = right == 0x01 ? 0x02 : 0x01;
  EXPECT_FALSE(world.flow->seal(order, e0.attempt, e4));
}

INSTANTIATE_TEST_SUITE_P(Suites, SuitesTest, testing::ValuesIn(kSuites), [](const auto& tested) {
  return name_of(tested.param);
});

// Never another suite in its place: neither the provider nor the element goes on.
TEST(SuitesAbsentTest, TheHybridsAreRefusedWhereLibcryptoHasNoMlKem) {
  if (crypto::has_ml_kem()) {
    GTEST_SKIP() << "libcrypto " << crypto::library_version() << " has ML-KEM-768";
  }
  for (const std::uint8_t suite : {std::uint8_t{0x20}, std::uint8_t{0x21}}) {
    Deployment world("absent", in_suite(suite));
    const DeployedCard& card = world.add_card("phone-1");
    const auto payload =
        must(roles::service_provider::PayloadFile::parse(Deployment::payload_text()));
    const auto refused = world.flow->open({.id = must(delivery::OrderId::from("order-1")),
                                           .device = card.device,
                                           .payload = payload,
                                           .csv = {},
                                           .validity_minutes = 60});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotSupported);
    EXPECT_NE(refused.error().text.find("needs OpenSSL 3.5 or later"), std::string::npos);
  }
}

}  // namespace
}  // namespace kagibin::test
