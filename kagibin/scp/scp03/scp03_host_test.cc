// SPDX-License-Identifier: Apache-2.0
// The host of SCP03: what it finds out before a try is used, what it refuses, what ends its
// session.
#include <initializer_list>

#include <gtest/gtest.h>

#include "kagibin/scp/scp03/scp03_test_ends.h"

namespace kagibin::scp {
namespace {

using namespace test_ends;  // NOLINT(google-build-using-namespace): the fixture of these tests

// Amendment D, 5.1, 7.1.2.1: security levels by i
TEST(Scp03HostTest, RefusesALevelThatTheCardDoesNotOffer) {
  for (const std::uint8_t i : kAllParameters) {
    for (unsigned level = 0; level <= 0xFF; ++level) {
      const SecurityLevel wanted{static_cast<std::uint8_t>(level)};
      if (!allows({i}, wanted)) {
        Ends ends(i, 16);
        const auto command = ends.challenge(wanted);
        ASSERT_FALSE(command.has_value());
        EXPECT_EQ(command.error().code, Errc::kValue);
      }
    }
  }
}

// Amendment D, 6.2.2.2: the card cryptogram
TEST(Scp03HostTest, FindsWrongKeysBeforeATryIsUsed) {
  for (const std::uint8_t i : kAllParameters) {
    Ends ends(i, 16);
    Scp03Host other(key_set(16, 0x50), {.s16 = Scp03Parameter{i}.s16()});
    const auto command = other.initialize_update(ends.rng).value();
    const auto answer = ends.initialize(command);
    const auto authenticate = other.external_authenticate(answer, {0x03});
    ASSERT_FALSE(authenticate.has_value());
    EXPECT_EQ(authenticate.error().code, Errc::kAuthentication);
    // The card still waits for EXTERNAL AUTHENTICATE: nothing was tried.
    EXPECT_FALSE(ends.card.open());
    const auto decoded = InitializeUpdateAnswer::decode(answer.data).value();
    EXPECT_FALSE(scp03_card_holds(key_set(16, 0x50), command.data, decoded));
    EXPECT_TRUE(scp03_card_holds(key_set(16), command.data, decoded));
    EXPECT_FALSE(scp03_card_holds(key_set(16), ByteView(command.data).first(4), decoded));
    // Key-DEK takes no part in a session.
    auto wrong_dek = key_set(16);
    wrong_dek.dek = key(16, 0);
    EXPECT_TRUE(scp03_card_holds(wrong_dek, command.data, decoded));
  }
}

TEST(Scp03HostTest, RefusesAPseudoRandomCardWhenThePolicySaysSo) {
  Scp03Host host(key_set(16), {.allow_pseudo_random = false});
  Ends ends(0x70, 16);
  const auto command = host.initialize_update(ends.rng).value();
  const auto got = host.external_authenticate(ends.initialize(command), {0x33});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kPolicy);
}

// Amendment D, 6.2.2.1: the pseudo-random challenge is over the AID
TEST(Scp03HostTest, RefusesAPseudoRandomChallengeOfAnotherApplication) {
  Scp03Host host(key_set(16), {.aid = Aid::from_hex("A000000003000000").value()});
  Ends ends(0x70, 16);
  const auto command = host.initialize_update(ends.rng).value();
  const auto got = host.external_authenticate(ends.initialize(command), {0x33});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kAuthentication);
}

// Amendment D, 7.1.1.3: answers of S8 and S16
TEST(Scp03HostTest, RefusesAnAnswerInTheOtherMode) {
  Scp03Host host(key_set(16), {.s16 = false});
  Ends ends(0x61, 16);
  const auto command = host.initialize_update(ends.rng).value();
  EXPECT_EQ(ends.initialize(command).sw, sw::kWrongLength);
  const auto long_challenge = ends.host.initialize_update(ends.rng).value();
  const auto got = host.external_authenticate(ends.initialize(long_challenge), {0x33});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kNotSupported);
}

TEST(Scp03HostTest, SaysWhatTheCardAnswered) {
  Ends ends(0x60, 16);
  ASSERT_TRUE(ends.host.initialize_update(ends.rng).has_value());
  const auto got = ends.host.external_authenticate({.sw = StatusWord{0x6A88}}, {0x33});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kCardStatus);
  EXPECT_EQ(got.error().sw.value, 0x6A88);

  ASSERT_TRUE(ends.challenge({0x33}).has_value());
  const auto finished = ends.host.finish_authentication({.sw = sw::kAuthenticationFailed});
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, Errc::kCardStatus);
  EXPECT_EQ(finished.error().sw, sw::kAuthenticationFailed);
  EXPECT_FALSE(ends.host.open());
}

TEST(Scp03HostTest, RefusesCallsOutOfOrder) {
  Ends ends(0x60, 16);
  const apdu::ResponseApdu ok{.sw = sw::kOk};
  const auto out_of_order = [](const auto& result) {
    return !result.has_value() && result.error().code == Errc::kState;
  };
  EXPECT_TRUE(out_of_order(ends.host.external_authenticate(ok, {0x03})));
  EXPECT_TRUE(out_of_order(ends.host.finish_authentication(ok)));
  EXPECT_TRUE(out_of_order(ends.host.wrap({.ins = 0xCA})));
  EXPECT_TRUE(out_of_order(ends.host.unwrap(ok)));
  EXPECT_TRUE(out_of_order(ends.host.encrypt_sensitive(Bytes(16))));
  ASSERT_TRUE(ends.challenge({0x33}).has_value());
  EXPECT_TRUE(out_of_order(ends.host.wrap({.ins = 0xCA})));
  EXPECT_TRUE(out_of_order(ends.host.external_authenticate(ok, {0x03})));
  ASSERT_TRUE(ends.host.finish_authentication(ok).has_value());
  EXPECT_TRUE(out_of_order(ends.host.finish_authentication(ok)));
  ends.host.close();
  EXPECT_TRUE(out_of_order(ends.host.wrap({.ins = 0xCA})));
}

TEST(Scp03HostTest, OpensASecondSessionAfterTheFirst) {
  Ends ends(0x60, 32);
  ends.authenticate(0x33);
  exchange(ends, pattern(3), pattern(4));
  ends.authenticate(0x13);
  exchange(ends, pattern(3), pattern(4));
}

TEST(Scp03HostTest, FailsWhenTheRandomSourceFails) {
  Ends ends(0x60, 16);
  ends.rng.broken = true;
  EXPECT_EQ(ends.host.initialize_update(ends.rng).error().code, Errc::kCrypto);
  const Bytes challenge(8);
  EXPECT_EQ(ends.initialize({.data = challenge}).sw, sw::kNoDiagnosis);
  EXPECT_FALSE(ends.card.open());
}

TEST(Scp03HostTest, KeepsTheSessionWhenACommandIsTooLong) {
  Ends ends(0x60, 16);
  ends.authenticate(0x33);
  // 239 octets pad to 240, and 8 of MAC make 248; 240 pad to 256.
  const auto too_long = ends.host.wrap({.ins = 0xE2, .data = pattern(240)});
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().code, Errc::kLimit);
  exchange(ends, pattern(239), {});
  EXPECT_EQ(ends.host.wrap({.ins = 0xE2, .data = pattern(65'535)}, true).error().code,
            Errc::kLimit);
  exchange(ends, pattern(1), {});
}

// Amendment D, 6.2.4: Lc under the C-MAC
TEST(Scp03HostTest, WrapsExtendedCommandsWithTheExtendedLengthUnderTheMac) {
  for (const std::uint8_t level : std::initializer_list<std::uint8_t>{0x01, 0x33}) {
    Ends ends(0x61, 16);
    ends.authenticate(level);
    for (const std::size_t size : {1UZ, 255UZ, 300UZ, 4000UZ, 65'500UZ}) {
      const Bytes data = pattern(size);
      const auto command = ends.host.wrap({.ins = 0xE2, .data = data, .le = 65'536}, true);
      ASSERT_TRUE(command.has_value());
      const auto got = ends.card.unwrap(apdu::CommandApdu::decode(command->encode()).value());
      ASSERT_TRUE(got.has_value()) << size;
      EXPECT_TRUE(ct_equal(got->data.expose(), data));
    }
    // A short command that Le alone makes extended.
    const auto command = ends.host.wrap({.ins = 0xCA, .le = 1000});
    ASSERT_TRUE(command.has_value());
    EXPECT_TRUE(ends.card.unwrap(apdu::CommandApdu::decode(command->encode()).value()).has_value());
  }
}

TEST(Scp03HostTest, RefusesAClassThatIsNotPlain) {
  Ends ends(0x60, 16);
  ends.authenticate(0x33);
  for (const std::uint8_t cla :
       std::initializer_list<std::uint8_t>{0x84, 0x81, 0xC0, 0xFF, 0x20, 0x88}) {
    EXPECT_FALSE(ends.host.wrap({.cla = cla, .ins = 0xCA}).has_value()) << int{cla};
  }
  exchange(ends, pattern(1), {});
}

}  // namespace
}  // namespace kagibin::scp
