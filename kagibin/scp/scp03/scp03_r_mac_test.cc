// SPDX-License-Identifier: Apache-2.0
// BEGIN and END R-MAC SESSION (Amendment D, 7.1.3 and 7.1.4) between both ends of SCP03.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/scp/scp03/scp03_test_ends.h"

namespace kagibin::scp {
namespace {

using namespace test_ends;  // NOLINT(google-build-using-namespace): the fixture of these tests

constexpr std::uint8_t kRMac = 0x10;
constexpr std::uint8_t kRMacAndEncryption = 0x30;

// What a domain does with the command: out of secure messaging, then the answer into it.
apdu::ResponseApdu to_card(Ends& ends, const apdu::CommandApdu& wrapped) {
  const auto plain = ends.card.unwrap(wrapped);
  if (!plain) {
    return {.data = {}, .sw = plain.error()};
  }
  apdu::CommandApdu command = wrapped;
  command.cla = plain->cla;
  command.data.assign(plain->data.expose().begin(), plain->data.expose().end());
  const StatusWord status = ends.card.r_mac_session(command);
  return {.data = ends.card.wrap({}, status), .sw = status};
}

StatusWord begin(Ends& ends, std::uint8_t p1, ByteView data = {}) {
  const auto command = ends.host.begin_r_mac({p1}, data);
  EXPECT_TRUE(command.has_value());
  const apdu::ResponseApdu answer = to_card(ends, *command);
  EXPECT_TRUE(ends.host.unwrap(answer).has_value());
  EXPECT_EQ(ends.host.level(), ends.card.level());
  return answer.sw;
}

StatusWord finish(Ends& ends) {
  const auto command = ends.host.end_r_mac();
  EXPECT_TRUE(command.has_value());
  const apdu::ResponseApdu answer = to_card(ends, *command);
  const auto got = ends.host.unwrap(answer);
  EXPECT_TRUE(got.has_value());
  EXPECT_TRUE(got && got->authenticated) << "the answer to END belongs to the R-MAC session";
  EXPECT_EQ(ends.host.level(), ends.card.level());
  return answer.sw;
}

void exchange_some(Ends& ends) {
  exchange(ends, pattern(5), pattern(20));
  exchange(ends, pattern(5), {});
  exchange(ends, {}, pattern(16), StatusWord{0x6310});
}

// The status word that 7.1.3.7 asks for.
StatusWord expected(std::uint8_t i, SecurityLevel level, std::uint8_t p1) {
  const SecurityLevel most = highest_level({i});
  if (!most.r_mac()) {
    return sw::kInstructionNotSupported;
  }
  if (p1 == kRMacAndEncryption && !most.r_encryption()) {
    return sw::kIncorrectP1P2;
  }
  const bool more = !level.r_encryption() && (p1 == kRMacAndEncryption || !level.r_mac());
  const bool enough = level.c_mac() && (p1 == kRMac || level.c_decryption());
  return more && enough ? sw::kOk : sw::kConditionsNotSatisfied;
}

// Amendment D, 7.1.3, 7.1.4: BEGIN and END R-MAC SESSION
TEST(Scp03RMacSessionTest, RaisesTheLevelOfAnswersAndGoesBack) {
  int begun = 0;
  for (const std::uint8_t i : kAllParameters) {
    for (const std::uint8_t level : kAllLevels) {
      for (const std::uint8_t p1 : {kRMac, kRMacAndEncryption}) {
        if (!allows({i}, {level})) {
          continue;
        }
        SCOPED_TRACE("i " + to_hex(Bytes{i}) + ", level " + to_hex(Bytes{level}) + ", P1 " +
                     to_hex(Bytes{p1}));
        Ends ends(i, 16);
        ends.authenticate(level);
        exchange_some(ends);
        const StatusWord status = begin(ends, p1, pattern(8));
        EXPECT_EQ(status, expected(i, {level}, p1));
        const bool is_begun = sw::is_ok(status);
        EXPECT_EQ(ends.card.level().value, is_begun ? level | p1 : level);
        exchange_some(ends);
        if (is_begun) {
          ++begun;
          EXPECT_EQ(begin(ends, kRMac), sw::kConditionsNotSatisfied) << "it does not begin twice";
          exchange_some(ends);
          EXPECT_EQ(finish(ends), sw::kOk);
        }
        EXPECT_EQ(ends.card.level().value, level);
        EXPECT_TRUE(ends.card.open()) << "a refusal does not end the session";
        exchange_some(ends);
      }
    }
  }
  // 01 and 03 with P1 10 under eight i; 03 and 13 with P1 30 under four.
  EXPECT_EQ(begun, 8 * 2 + 4 * 2);
}

// Amendment D, 7.1.3: from the next command on
TEST(Scp03RMacSessionTest, TheAnswerToBeginIsStillAsBefore) {
  Ends ends(0x60, 16);
  ends.authenticate(0x03);
  auto command = ends.host.begin_r_mac({kRMac}).value();
  apdu::ResponseApdu answer = to_card(ends, command);
  EXPECT_EQ(answer.sw, sw::kOk);
  EXPECT_TRUE(answer.data.empty());
  EXPECT_TRUE(ends.host.unwrap(answer).has_value());
  exchange(ends, pattern(1), pattern(1));
  EXPECT_EQ(finish(ends), sw::kOk);

  Ends higher(0x60, 16);
  higher.authenticate(0x13);
  command = higher.host.begin_r_mac({kRMacAndEncryption}).value();
  answer = to_card(higher, command);
  EXPECT_EQ(answer.data.size(), 8U) << "R-MAC was asked for by EXTERNAL AUTHENTICATE";
  EXPECT_TRUE(higher.host.unwrap(answer)->authenticated);
  EXPECT_EQ(higher.host.level().value, 0x33);
}

TEST(Scp03RMacSessionTest, ChangesNothingWhenTheCardRefuses) {
  Ends ends(0x60, 16);
  ends.authenticate(0x33);
  EXPECT_EQ(begin(ends, kRMac), sw::kConditionsNotSatisfied);
  EXPECT_EQ(ends.host.level().value, 0x33);
  EXPECT_EQ(ends.host.end_r_mac().error().code, Errc::kState);
  exchange_some(ends);
}

// Amendment D, 7.1.3.7, 7.1.4.5: refused
TEST(Scp03RMacSessionTest, RefusesWhatIsNoBeginAndNoEnd) {
  const auto status = [](std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes data) {
    Ends ends(0x60, 16);
    ends.authenticate(0x03);
    const auto wrapped = ends.host.wrap({.ins = ins, .p1 = p1, .p2 = p2, .data = data});
    const StatusWord out = to_card(ends, *wrapped).sw;
    EXPECT_TRUE(ends.card.open());
    if (!sw::is_ok(out)) {
      EXPECT_NE(out.reason.text(), "");
      EXPECT_EQ(ends.card.level().value, 0x03);
    }
    return out;
  };
  Bytes longest(25, 0xA5);
  longest[0] = 24;
  EXPECT_EQ(status(0x7A, 0x10, 0x01, {0x00}), sw::kOk);
  EXPECT_EQ(status(0x7A, 0x30, 0x01, longest), sw::kOk);
  longest.push_back(0xA5);
  EXPECT_EQ(status(0x7A, 0x30, 0x01, longest), sw::kWrongData);
  longest[0] = 25;
  EXPECT_EQ(status(0x7A, 0x30, 0x01, longest), sw::kWrongData);
  EXPECT_EQ(status(0x7A, 0x10, 0x01, {}), sw::kWrongData);
  EXPECT_EQ(status(0x7A, 0x10, 0x01, {0x02, 0x00}), sw::kWrongData);
  for (const unsigned value : {0x00U, 0x01U, 0x11U, 0x20U, 0x33U, 0xFFU}) {
    const auto p1 = static_cast<std::uint8_t>(value);
    EXPECT_EQ(status(0x7A, p1, 0x01, {0x00}), sw::kIncorrectP1P2) << int{p1};
  }
  EXPECT_EQ(status(0x7A, 0x10, 0x00, {0x00}), sw::kIncorrectP1P2);
  EXPECT_EQ(status(0x78, 0x00, 0x03, {}), sw::kConditionsNotSatisfied);
  EXPECT_EQ(status(0x78, 0x00, 0x01, {}), sw::kIncorrectP1P2);
  EXPECT_EQ(status(0x78, 0x01, 0x03, {}), sw::kIncorrectP1P2);
  EXPECT_EQ(status(0x78, 0x00, 0x03, {0x00}), sw::kWrongData);
  Scp03Card closed;
  EXPECT_EQ(closed.r_mac_session({.ins = 0x7A}), sw::kInstructionNotSupported);
}

// Amendment D, 5.6: a wrong C-MAC in an R-MAC session
TEST(Scp03RMacSessionTest, AWrongMacEndsTheWholeSession) {
  for (const bool at_end : {false, true}) {
    Ends ends(0x70, 16);
    ends.authenticate(0x03);
    if (at_end) {
      EXPECT_EQ(begin(ends, kRMac), sw::kOk);
    }
    auto command = at_end ? ends.host.end_r_mac() : ends.host.begin_r_mac({kRMac});
    command->data.back() ^= 0x01;
    EXPECT_EQ(to_card(ends, *command).sw, sw::kSecurityStatusNotSatisfied);
    EXPECT_FALSE(ends.card.open());
  }
}

// Whoever changes 9000 on its way, or takes the R-MAC away, is found out at the next answer.
TEST(Scp03RMacSessionTest, TheHostDoesNotTakeAnswersOfTheLevelBefore) {
  Ends ends(0x60, 16);
  ends.authenticate(0x03);
  EXPECT_EQ(begin(ends, kRMac), sw::kOk);
  const auto command = ends.host.wrap({.ins = 0xCA, .p2 = 0xE0});
  ASSERT_TRUE(ends.card.unwrap(*command).has_value());
  EXPECT_EQ(ends.host.unwrap({.data = pattern(5), .sw = sw::kOk}).error().code,
            Errc::kAuthentication);
  EXPECT_FALSE(ends.host.open());
}

TEST(Scp03RMacSessionTest, TheHostRefusesWhatIsNoRMacSession) {
  Ends ends(0x60, 16);
  EXPECT_EQ(ends.host.begin_r_mac({kRMac}).error().code, Errc::kState);
  EXPECT_EQ(ends.host.end_r_mac().error().code, Errc::kState);
  ends.authenticate(0x03);
  EXPECT_EQ(ends.host.begin_r_mac({0x11}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(ends.host.begin_r_mac({kRMac}, pattern(25)).error().code, Errc::kInvalidArgument);
  exchange_some(ends);
}

}  // namespace
}  // namespace kagibin::scp
