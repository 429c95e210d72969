// SPDX-License-Identifier: Apache-2.0
// Both ends of SCP03 against each other: every parameter i, level and key size, and every changed
// or cut message.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/scp/scp03/scp03_test_ends.h"

namespace kagibin::scp {
namespace {

using namespace test_ends;  // NOLINT(google-build-using-namespace): the fixture of these tests

// What one session is made of, and every combination of it that both ends allow.
struct Shape {
  std::uint8_t i = 0;
  std::uint8_t level = 0;
  std::size_t key_size = 0;
  std::size_t mac_size() const { return Scp03Parameter{i}.mac_size(); }
  SecurityLevel services() const { return {level}; }
};

std::vector<Shape> all_shapes() {
  std::vector<Shape> out;
  for (const std::uint8_t i : kAllParameters) {
    for (const std::uint8_t level : kAllLevels) {
      for (const std::size_t key_size : {16UZ, 24UZ, 32UZ}) {
        if (allows({i}, {level})) {
          out.push_back({i, level, key_size});
        }
      }
    }
  }
  return out;
}

std::string text(const Shape& shape) {
  return "i " + to_hex(Bytes{shape.i}) + ", level " + to_hex(Bytes{shape.level}) + ", AES-" +
         std::to_string(shape.key_size * 8);
}

void exchange_both_ways(const Shape& shape) {
  Ends ends(shape.i, shape.key_size);
  ends.authenticate(shape.level);
  ASSERT_TRUE(ends.card.open());
  EXPECT_EQ(ends.card.level().value, shape.level);
  EXPECT_EQ(ends.card.key_version_number(), 0x30);
  for (const std::size_t size : {0UZ, 1UZ, 15UZ, 16UZ, 17UZ, 100UZ, 223UZ}) {
    exchange(ends, pattern(size), pattern(size));
    exchange(ends, pattern(size), {});
    exchange(ends, {}, pattern(size), StatusWord{0x6310});
    exchange(ends, {}, {}, StatusWord{0x6283});
  }
}

void refuse_changed_commands(const Shape& shape) {
  const Bytes data = pattern(5);
  const auto refused = [&](const auto& change) {
    Ends ends(shape.i, shape.key_size);
    ends.authenticate(shape.level);
    auto command = ends.host.wrap({.ins = 0xD8, .p1 = 0x01, .p2 = 0x81, .data = data, .le = 256});
    ASSERT_TRUE(command.has_value());
    const std::uint8_t cla = command->cla;
    change(*command);
    const auto got = ends.card.unwrap(*command);
    ASSERT_FALSE(got.has_value());
    if (apdu::ClassOctet::decode(command->cla)) {
      EXPECT_EQ(got.error(), sw::kSecurityStatusNotSatisfied);
      EXPECT_FALSE(ends.card.open());
    } else {
      EXPECT_NE(command->cla, cla);
      EXPECT_EQ(got.error(), sw::kClassNotSupported);
    }
  };
  const std::size_t wrapped = (shape.services().c_decryption() ? 16 : 5) + shape.mac_size();
  for (std::size_t octet = 0; octet < wrapped; ++octet) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      refused([&](apdu::CommandApdu& command) {
        ASSERT_EQ(command.data.size(), wrapped);
        command.data[octet] ^= static_cast<std::uint8_t>(1U << bit);
      });
    }
    refused([&](apdu::CommandApdu& command) { command.data.resize(octet); });
  }
  refused([](apdu::CommandApdu& command) { command.data.push_back(0); });
  for (unsigned bit = 0; bit < 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << bit);
    refused([&](apdu::CommandApdu& command) { command.ins ^= mask; });
    refused([&](apdu::CommandApdu& command) { command.p1 ^= mask; });
    refused([&](apdu::CommandApdu& command) { command.p2 ^= mask; });
    if (bit >= 2) {  // the two lowest bits are the logical channel, which no MAC covers
      refused([&](apdu::CommandApdu& command) { command.cla ^= mask; });
    }
  }
}

void refuse_changed_answers(const Shape& shape) {
  const auto refused = [&](const auto& change) {
    Ends ends(shape.i, shape.key_size);
    ends.authenticate(shape.level);
    const auto command = ends.host.wrap({.ins = 0xCA, .p2 = 0xE0});
    ASSERT_TRUE(command.has_value() && ends.card.unwrap(*command).has_value());
    apdu::ResponseApdu answer{.data = ends.card.wrap(pattern(5), sw::kOk), .sw = sw::kOk};
    change(answer);
    const auto got = ends.host.unwrap(answer);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, Errc::kAuthentication);
    EXPECT_FALSE(ends.host.open());
    EXPECT_EQ(ends.host.wrap({.ins = 0xCA}).error().code, Errc::kState);
  };
  const std::size_t wrapped = (shape.services().r_encryption() ? 16 : 5) + shape.mac_size();
  for (std::size_t octet = 0; octet < wrapped; ++octet) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      refused([&](apdu::ResponseApdu& answer) {
        ASSERT_EQ(answer.data.size(), wrapped);
        answer.data[octet] ^= static_cast<std::uint8_t>(1U << bit);
      });
    }
    refused([&](apdu::ResponseApdu& answer) { answer.data.resize(octet); });
  }
  refused([](apdu::ResponseApdu& answer) { answer.data.push_back(0); });
  refused([](apdu::ResponseApdu& answer) { answer.sw = StatusWord{0x6310}; });
  refused([](apdu::ResponseApdu& answer) { answer.sw = StatusWord{0x6200}; });
}

void refuse_changed_authentications(const Shape& shape) {
  const auto refused = [&](const auto& change) {
    Ends ends(shape.i, shape.key_size);
    auto command = ends.challenge({shape.level});
    ASSERT_TRUE(command.has_value());
    change(*command);
    EXPECT_NE(ends.card.external_authenticate(*command), sw::kOk);
    EXPECT_FALSE(ends.card.open());
    EXPECT_EQ(ends.card.unwrap(*command).error(), sw::kConditionsNotSatisfied);
  };
  for (std::size_t octet = 0; octet < 2 * shape.mac_size(); ++octet) {
    refused([&](apdu::CommandApdu& command) { command.data[octet] ^= 0x01; });
    refused([&](apdu::CommandApdu& command) { command.data.resize(octet); });
  }
  refused([](apdu::CommandApdu& command) { command.data.push_back(0); });
  refused([](apdu::CommandApdu& command) { command.cla = 0x80; });
  refused([](apdu::CommandApdu& command) { command.p2 = 1; });
  for (const std::uint8_t other : kAllLevels) {
    if (other != shape.level) {  // the level is under the MAC
      refused([&](apdu::CommandApdu& command) { command.p1 = other; });
    }
  }
}

// Amendment D, 5.1, 6.2.4, 6.2.5, 6.2.6, 6.2.7: every i, level, key size, S8 and S16
TEST(Scp03SessionTest, BothEndsUnderstandEachOtherInEveryShape) {
  EXPECT_EQ(all_shapes().size(), (4 * 3 + 4 * 5 + 4 * 6) * 3UZ);
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(text(shape));
    exchange_both_ways(shape);
  }
}

// Amendment D, 6.2.4, 5.6: changed commands
TEST(Scp03SessionTest, AnyChangedOrCutCommandIsRefusedAndEndsTheSession) {
  for (const Shape& shape : all_shapes()) {
    if (shape.services().c_mac()) {
      SCOPED_TRACE(text(shape));
      refuse_changed_commands(shape);
    }
  }
}

// Amendment D, 6.2.5: changed answers
TEST(Scp03SessionTest, AnyChangedOrCutAnswerIsRefusedAndEndsTheSession) {
  for (const Shape& shape : all_shapes()) {
    if (shape.services().r_mac()) {
      SCOPED_TRACE(text(shape));
      refuse_changed_answers(shape);
    }
  }
}

// Amendment D, 7.1.2: changed EXTERNAL AUTHENTICATE
TEST(Scp03SessionTest, AnyChangedOrCutAuthenticationIsRefused) {
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(text(shape));
    refuse_changed_authentications(shape);
  }
}

}  // namespace
}  // namespace kagibin::scp
