// SPDX-License-Identifier: Apache-2.0
// The solver on SCP11a sessions between two ends in memory: with which keys it opens one, and with
// which it does not.
#include <array>

#include <gtest/gtest.h>

#include "kagibin/cli/solver/solver.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp11/scp11_test_ends.h"

namespace kagibin::cli {
namespace {

namespace test_ends = scp::test_ends;
using crypto::Curve;
using test_ends::make_key;

constexpr std::array<std::uint8_t, 16> kDelivered = {
    0xB7, 0xB6, 0xB5, 0xB4, 0xB3, 0xB2, 0xB1, 0xB0, 0xA7, 0xA6, 0xA5, 0xA4, 0xA3, 0xA2, 0xA1, 0xA0};

// What a device sees of a session that carries PUT KEY.
std::vector<Exchange> relay(test_ends::Ends& ends) {
  KB_CHECK(ends.send_certificates().value == 0x9000);
  scp::Scp11Host host = ends.make_host();
  const apdu::CommandApdu authenticate = host.authenticate(ends.host_rng).value();
  const auto opened = ends.card.authenticate(authenticate, ends.domain, ends.card_rng);
  KB_CHECK(opened.has_value());
  const apdu::ResponseApdu answer{.data = opened->answer, .sw = apdu::sw::kOk};
  KB_CHECK(host.finish(answer).has_value());
  const gp::PutKey put{
      .new_version = 0x31,
      .first_identifier = 0x01,
      .keys = {
          gp::seal_key(gp::Key::aes(kDelivered).value(),
                       {.encrypt = [&](ByteView clear) { return host.encrypt_sensitive(clear); }})
              .value()}};
  const apdu::CommandApdu command = put.encode().value();
  const apdu::CommandApdu wrapped =
      host.wrap({.ins = command.ins, .p1 = command.p1, .p2 = command.p2, .data = command.data})
          .value();
  return {{.command = authenticate.encode(), .response = answer.encode()},
          {.command = wrapped.encode(), .response = {}}};
}

CoalitionView view_of(test_ends::Ends& ends) {
  CoalitionView out{.apdus = relay(ends)};
  out.agreement_keys = {ends.domain.key->public_key(), ends.own.public_key()};
  return out;
}

crypto::EcPrivateKey key(const crypto::CurvePrivateKey& of) {
  return crypto::EcPrivateKey::from_scalar(of.expose_scalar()).value();
}

bool finds_key(const Derived& derived) {
  return derived.keys.size() == 1 && equal(derived.keys.front().expose(), kDelivered);
}

// The seeds are those of the ends' randomness (scp11_test_ends.h): its first key is the ephemeral
// one.
TEST(AgreementSolverTest, OpensASessionWithBothKeysOfOneEnd) {
  for (const bool s16 : {false, true}) {
    test_ends::Ends ends({.s16 = s16});
    CoalitionView hosts = view_of(ends);
    hosts.private_keys.push_back(key(make_key(Curve::kP256, "host")));
    hosts.private_keys.push_back(key(ends.own));
    EXPECT_TRUE(finds_key(derive(hosts))) << s16;

    CoalitionView cards{.apdus = hosts.apdus, .agreement_keys = hosts.agreement_keys};
    cards.private_keys.push_back(key(*ends.domain.key));
    cards.private_keys.push_back(key(make_key(Curve::kP256, "card")));
    EXPECT_TRUE(finds_key(derive(cards))) << s16;
  }
}

TEST(AgreementSolverTest, OpensNoneWithTheLongLivedKeysOfBothEndsAndSaysHowOftenItTried) {
  test_ends::Ends ends({});
  CoalitionView view = view_of(ends);
  view.private_keys.push_back(key(ends.own));
  view.private_keys.push_back(key(*ends.domain.key));
  view.private_keys.push_back(key(make_key(Curve::kP256, "somebody else's")));
  const Derived derived = derive(view);
  EXPECT_TRUE(derived.keys.empty());
  EXPECT_TRUE(derived.session_keys.empty());
  EXPECT_EQ(derived.agreements, 1U);
  EXPECT_EQ(derived.agreements_tried, 3U * 2U * 3U * 2U);
  EXPECT_EQ(derived.sessions, 0U);
}

TEST(AgreementSolverTest, OpensNoneWithEphemeralKeysAlone) {
  test_ends::Ends ends({});
  CoalitionView view = view_of(ends);
  view.private_keys.push_back(key(make_key(Curve::kP256, "host")));
  view.private_keys.push_back(key(make_key(Curve::kP256, "card")));
  EXPECT_TRUE(derive(view).session_keys.empty());
}

TEST(AgreementSolverTest, TriesKeySetsAsTheSessionsOwnKeys) {
  test_ends::Ends ends({});
  CoalitionView known = view_of(ends);
  known.private_keys.push_back(key(make_key(Curve::kP256, "host")));
  known.private_keys.push_back(key(ends.own));
  const Derived keys = derive(known);
  ASSERT_EQ(keys.session_keys.size(), 4U);  // S-ENC, S-MAC, S-RMAC, S-DEK
  CoalitionView view{.apdus = known.apdus};
  const auto add_set = [&](std::size_t mac) {
    view.key_sets.push_back(scp::Scp03KeySet::create(keys.session_keys[0].duplicate(),
                                                     keys.session_keys[mac].duplicate(),
                                                     keys.session_keys[3].duplicate())
                                .value());
  };
  add_set(2);
  const Derived wrong = derive(view);
  EXPECT_TRUE(wrong.keys.empty());
  EXPECT_EQ(wrong.agreements_tried, 1U);
  add_set(1);
  EXPECT_TRUE(finds_key(derive(view)));
}

TEST(AgreementSolverTest, TakesARefusedOrCutAgreementForNone) {
  test_ends::Ends ends({});
  std::vector<Exchange> apdus = relay(ends);
  apdus.front().response = {0x69, 0x85};
  EXPECT_EQ(derive({.apdus = apdus}).agreements, 0U);
  apdus.front().response = {0x5F, 0x49, 0x90, 0x00};
  EXPECT_EQ(derive({.apdus = apdus}).agreements, 0U);
  apdus.front().response.clear();
  EXPECT_EQ(derive({.apdus = apdus}).agreements, 0U);
}

}  // namespace
}  // namespace kagibin::cli
