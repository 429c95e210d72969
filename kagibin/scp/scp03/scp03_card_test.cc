// SPDX-License-Identifier: Apache-2.0
// The card of SCP03: orders of calls, channels, replays, and what ends its session.
#include <initializer_list>

#include <gtest/gtest.h>

#include "kagibin/scp/scp03/scp03_test_ends.h"

namespace kagibin::scp {
namespace {

using namespace test_ends;  // NOLINT(google-build-using-namespace): the fixture of these tests

// Amendment D, 6.2.4: the class under the C-MAC
// GPCS 11.1.4: class on logical channels
TEST(Scp03CardTest, TakesCommandsOnEveryLogicalChannel) {
  for (std::uint8_t channel = 0; channel < 20; ++channel) {
    Ends ends(0x60, 16);
    auto authenticate = ends.challenge({0x33}).value();
    authenticate.cla = apdu::on_channel(authenticate.cla, channel).value();
    ASSERT_EQ(ends.card.external_authenticate(authenticate), sw::kOk);
    ASSERT_TRUE(ends.host.finish_authentication({.sw = sw::kOk}).has_value());
    for (const std::uint8_t cla : std::initializer_list<std::uint8_t>{0x00, 0x80, 0x90}) {
      if (cla == 0x90 && channel == 19) {
        continue;  // would be FF, which is no class octet
      }
      const Bytes data = pattern(9);
      auto command = ends.host.wrap({.cla = cla, .ins = 0xE2, .data = data}).value();
      command.cla = apdu::on_channel(command.cla, channel).value();
      const auto got = ends.card.unwrap(command);
      ASSERT_TRUE(got.has_value()) << int{channel};
      EXPECT_EQ(got->cla, apdu::on_channel(cla, channel).value());
    }
  }
}

// Amendment D, 7.1.2: EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE
TEST(Scp03CardTest, RefusesCallsOutOfOrder) {
  Ends ends(0x60, 16);
  EXPECT_EQ(ends.card.external_authenticate({.cla = 0x84}), sw::kConditionsNotSatisfied);
  EXPECT_EQ(ends.card.unwrap({.cla = 0x84}).error(), sw::kConditionsNotSatisfied);
  EXPECT_FALSE(ends.card.decrypt_sensitive(Bytes(16)).has_value());
  const auto authenticate = ends.challenge({0x33}).value();
  EXPECT_EQ(ends.card.unwrap(authenticate).error(), sw::kConditionsNotSatisfied);
  EXPECT_FALSE(ends.card.decrypt_sensitive(Bytes(16)).has_value());
  ASSERT_EQ(ends.card.external_authenticate(authenticate), sw::kOk);
  // A second EXTERNAL AUTHENTICATE ends the session.
  EXPECT_EQ(ends.card.external_authenticate(authenticate), sw::kConditionsNotSatisfied);
  EXPECT_FALSE(ends.card.open());
}

// Amendment D, 7.1.2, 6.2.2.3: a wrong host cryptogram and a wrong C-MAC
TEST(Scp03CardTest, TellsAWrongCryptogramFromAWrongMac) {
  Ends ends(0x60, 16);
  auto command = ends.challenge({0x33}).value();
  command.data[0] ^= 1;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kAuthenticationFailed);
  // The same command again finds no challenge: one try a challenge.
  command.data[0] ^= 1;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kConditionsNotSatisfied);

  command = ends.challenge({0x33}).value();
  command.data[8] ^= 1;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kSecurityStatusNotSatisfied);

  command = ends.challenge({0x33}).value();
  command.data.pop_back();
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kWrongLength);

  command = ends.challenge({0x33}).value();
  command.p1 = 0x30;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kIncorrectP1P2);

  command = ends.challenge({0x33}).value();
  command.cla = 0x04;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kClassNotSupported);

  command = ends.challenge({0x33}).value();
  command.cla = 0x80;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kSecurityStatusNotSatisfied);
}

// Amendment D, 5.1, 7.1.2.1: security levels by i
TEST(Scp03CardTest, RefusesALevelThatItsParameterDoesNotOffer) {
  Ends ends(0x00, 16);
  auto command = ends.challenge({0x03}).value();
  command.p1 = 0x13;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kIncorrectP1P2);
}

// Amendment D, 7.1.1: the host challenge in S8 and S16
TEST(Scp03CardTest, RefusesAChallengeOfTheWrongLength) {
  for (const std::uint8_t i : kAllParameters) {
    for (std::size_t size = 0; size <= 17; ++size) {
      Ends ends(i, 16);
      const bool right = size == Scp03Parameter{i}.mac_size();
      EXPECT_EQ(ends.initialize({.data = Bytes(size)}).sw, right ? sw::kOk : sw::kWrongLength);
    }
  }
}

// Amendment D, 6.2.4: MAC chaining against replay
TEST(Scp03CardTest, EndsTheSessionOnAReplayedCommand) {
  for (const std::uint8_t level : std::initializer_list<std::uint8_t>{0x01, 0x03, 0x33}) {
    Ends ends(0x60, 16);
    ends.authenticate(level);
    const auto command = ends.host.wrap({.ins = 0xE2, .data = pattern(4)}).value();
    EXPECT_TRUE(ends.card.unwrap(command).has_value());
    EXPECT_EQ(ends.card.unwrap(command).error(), sw::kSecurityStatusNotSatisfied);
    EXPECT_FALSE(ends.card.open());
    EXPECT_EQ(ends.card.unwrap(command).error(), sw::kConditionsNotSatisfied);
  }
}

// Amendment D, 6.2.4: MAC chaining against reordering
TEST(Scp03CardTest, EndsTheSessionOnReorderedCommands) {
  Ends ends(0x60, 16);
  ends.authenticate(0x03);
  const auto first = ends.host.wrap({.ins = 0xE2, .data = pattern(4)}).value();
  const auto second = ends.host.wrap({.ins = 0xE2, .data = pattern(4)}).value();
  EXPECT_NE(first.data, second.data);
  EXPECT_FALSE(ends.card.unwrap(second).has_value());
  EXPECT_FALSE(ends.card.open());
}

// Amendment D, 5.6: a command without its C-MAC
TEST(Scp03CardTest, EndsTheSessionOnAPlainCommandWhenTheLevelHasAMac) {
  Ends ends(0x60, 16);
  ends.authenticate(0x01);
  EXPECT_EQ(ends.card.unwrap({.cla = 0x80, .ins = 0xCA}).error(), sw::kSecurityStatusNotSatisfied);
  EXPECT_FALSE(ends.card.open());
}

TEST(Scp03CardTest, RefusesSecureMessagingAtLevel00AndKeepsTheSession) {
  Ends ends(0x60, 16);
  ends.authenticate(0x00);
  EXPECT_EQ(ends.card.unwrap({.cla = 0x84, .ins = 0xCA}).error(), sw::kSecureMessagingNotSupported);
  EXPECT_TRUE(ends.card.open());
  exchange(ends, pattern(4), pattern(5));
}

// Amendment D, 6.2.6: the encryption counter
TEST(Scp03CardTest, CountsCommandsWithoutData) {
  // An encrypted command after n empty ones decrypts only when both ends counted them; the ICV of
  // each differs, so that equal data never gives equal octets.
  Ends ends(0x60, 16);
  ends.authenticate(0x03);
  Bytes previous;
  for (int n = 0; n < 5; ++n) {
    exchange(ends, {}, {});
    const auto command = ends.host.wrap({.ins = 0xE2, .data = pattern(16)}).value();
    const Bytes cipher(command.data.begin(), command.data.begin() + 32);
    EXPECT_NE(cipher, previous);
    previous = cipher;
    ASSERT_TRUE(ends.card.unwrap(command).has_value());
  }
}

// Amendment D, 6.2.5: R-MAC of errors
TEST(Scp03CardTest, AnswersErrorsWithoutDataAndMac) {
  Ends ends(0x60, 16);
  ends.authenticate(0x33);
  ASSERT_TRUE(ends.card.unwrap(ends.host.wrap({.ins = 0xCA}).value()).has_value());
  for (const std::uint16_t status :
       std::initializer_list<std::uint16_t>{0x6985, 0x6A80, 0x6A88, 0x6700, 0x6400, 0x6D00}) {
    const Bytes data = ends.card.wrap(pattern(3), {status});
    EXPECT_TRUE(data.empty());
    const auto got = ends.host.unwrap({.data = data, .sw = {status}});
    ASSERT_TRUE(got.has_value());
    EXPECT_FALSE(got->authenticated);
    EXPECT_EQ(got->response.sw.value, status);
  }
  exchange(ends, pattern(2), pattern(2));
}

// Amendment D, 6.2.8: sensitive data
TEST(Scp03CardTest, DecryptsSensitiveValuesUnderTheStaticDek) {
  for (const std::size_t size : {16UZ, 24UZ, 32UZ}) {
    Ends ends(0x60, size);
    ends.authenticate(0x33);
    const Bytes value = pattern(32);
    const auto encrypted = ends.host.encrypt_sensitive(value);
    ASSERT_TRUE(encrypted.has_value());
    EXPECT_NE(*encrypted, value);
    const auto clear = ends.card.decrypt_sensitive(*encrypted);
    ASSERT_TRUE(clear.has_value());
    EXPECT_TRUE(ct_equal(clear->expose(), value));
    EXPECT_EQ(ends.card.decrypt_sensitive(ByteView(*encrypted).first(31)).error(), sw::kWrongData);
    EXPECT_EQ(ends.card.decrypt_sensitive({}).error(), sw::kWrongData);
    EXPECT_FALSE(ends.host.encrypt_sensitive({}).has_value());
    EXPECT_FALSE(ends.host.encrypt_sensitive(ByteView(value).first(15)).has_value());
  }
}

TEST(Scp03CardTest, ForgetsEverythingOnClose) {
  Ends ends(0x60, 16);
  ends.authenticate(0x33);
  ends.card.close();
  EXPECT_FALSE(ends.card.open());
  EXPECT_EQ(ends.card.level().value, 0);
  EXPECT_EQ(ends.card.key_version_number(), 0);
  EXPECT_FALSE(ends.card.decrypt_sensitive(Bytes(16)).has_value());
  EXPECT_EQ(ends.card.unwrap({.cla = 0x84}).error(), sw::kConditionsNotSatisfied);
  ends.card.close();
}

// Amendment D, 6.2.2.1: card challenges
TEST(Scp03CardTest, DrawsAFreshChallengeWhenItIsRandomAndTheSameWhenItIsNot) {
  for (const std::uint8_t i : std::initializer_list<std::uint8_t>{0x60, 0x70}) {
    Ends ends(i, 16);
    const auto challenge_of = [&] {
      const auto answer = ends.initialize({.data = Bytes(8)});
      return InitializeUpdateAnswer::decode(answer.data).value().card_challenge;
    };
    const Bytes first = challenge_of();
    EXPECT_EQ(first == challenge_of(), i == 0x70);
  }
}

}  // namespace
}  // namespace kagibin::scp
