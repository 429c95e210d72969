// SPDX-License-Identifier: Apache-2.0
// Both ends of SCP03 against each other: every parameter i, level and key size; changed, cut and
// reordered messages; what ends a session and what does not.
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03_card.h"
#include "kagibin/scp/scp03_host.h"

namespace kagibin::scp {
namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kAllParameters[] = {0x00, 0x01, 0x10, 0x11, 0x20, 0x21,
                                           0x30, 0x31, 0x60, 0x61, 0x70, 0x71};
constexpr std::uint8_t kAllLevels[] = {0x00, 0x01, 0x03, 0x11, 0x13, 0x33};

// A counter as random source: repeatable, and no two draws alike.
class CountingRng final : public crypto::Rng {
 public:
  Result<void> fill(MutableByteView out) override {
    if (broken) {
      return fail(Errc::kCrypto, "this source is broken");
    }
    for (auto& octet : out) {
      octet = next_++;
    }
    return {};
  }
  bool broken = false;

 private:
  std::uint8_t next_ = 0x10;
};

SecretBytes key(std::size_t size, std::uint8_t first) {
  SecretBytes out(size);
  for (auto& octet : out.expose_mutable()) {
    octet = first++;
  }
  return out;
}

Scp03KeySet key_set(std::size_t size, std::uint8_t first = 0x40) {
  return Scp03KeySet::create(key(size, first), key(size, first + 1), key(size, first + 2)).value();
}

Aid isd() { return Aid::from_hex("A000000151000000").value(); }

struct Ends {
  Scp03Host host;
  Scp03Card card;
  CountingRng rng;

  Ends(std::uint8_t i, std::size_t key_size)
      : host(key_set(key_size),
             {.key_version_number = 0x30, .s16 = Scp03Parameter{i}.s16(), .aid = isd()}),
        i_(i),
        key_size_(key_size) {}

  apdu::ResponseApdu initialize(const apdu::CommandApdu& command) {
    auto answer = card.initialize_update(
        command.data, key_set(key_size_),
        {.parameter = {i_}, .key_version_number = 0x30, .sequence_counter = 7, .aid = isd()}, rng);
    if (!answer) {
      return {.sw = answer.error()};
    }
    return {.data = *answer, .sw = sw::kOk};
  }
  // Up to EXTERNAL AUTHENTICATE, not yet sent.
  Result<apdu::CommandApdu> challenge(SecurityLevel level) {
    const auto command = KB_TRY(host.initialize_update(rng));
    return host.external_authenticate(initialize(command), level);
  }
  void authenticate(std::uint8_t level) {
    const auto command = challenge({level});
    ASSERT_TRUE(command.has_value()) << command.error().detail.text();
    const StatusWord status = card.external_authenticate(*command);
    ASSERT_EQ(status, sw::kOk);
    ASSERT_TRUE(host.finish_authentication({.sw = status}).has_value());
    ASSERT_TRUE(host.open());
    ASSERT_TRUE(card.open());
  }

 private:
  std::uint8_t i_;
  std::size_t key_size_;
};

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  return out;
}

// One command there and one answer back, in clear at both ends.
void exchange(Ends& ends, ByteView data, ByteView answer, StatusWord status = sw::kOk) {
  const auto command =
      ends.host.wrap({.ins = 0xE2, .p1 = 0x80, .p2 = 0x01, .data = data, .le = 256});
  ASSERT_TRUE(command.has_value()) << command.error().detail.text();
  const SecurityLevel level = ends.host.level();
  EXPECT_EQ(command->cla, level.c_mac() ? 0x84 : 0x80);
  if (level.c_decryption() && !data.empty()) {
    EXPECT_NE(to_hex(ByteView(command->data).first(data.size())), to_hex(data));
  }
  // Through the wire form, as the card receives it.
  const auto got = ends.card.unwrap(apdu::CommandApdu::decode(command->encode()).value());
  ASSERT_TRUE(got.has_value()) << got.error().value;
  EXPECT_EQ(got->cla, 0x80);
  EXPECT_TRUE(ct_equal(got->data.expose(), data));
  const apdu::ResponseApdu response{.data = ends.card.wrap(answer, status), .sw = status};
  const auto back = ends.host.unwrap(response);
  ASSERT_TRUE(back.has_value()) << back.error().detail.text();
  EXPECT_EQ(back->authenticated, level.r_mac());
  EXPECT_EQ(back->response.sw, status);
  EXPECT_EQ(to_hex(back->response.data), to_hex(answer));
}

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

TEST(Scp03SessionTest, BothEndsUnderstandEachOtherInEveryShape) {
  EXPECT_EQ(all_shapes().size(), (4 * 3 + 4 * 5 + 4 * 6) * 3UZ);
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(text(shape));
    exchange_both_ways(shape);
  }
}

TEST(Scp03SessionTest, AnyChangedOrCutCommandIsRefusedAndEndsTheSession) {
  for (const Shape& shape : all_shapes()) {
    if (shape.services().c_mac()) {
      SCOPED_TRACE(text(shape));
      refuse_changed_commands(shape);
    }
  }
}

TEST(Scp03SessionTest, AnyChangedOrCutAnswerIsRefusedAndEndsTheSession) {
  for (const Shape& shape : all_shapes()) {
    if (shape.services().r_mac()) {
      SCOPED_TRACE(text(shape));
      refuse_changed_answers(shape);
    }
  }
}

TEST(Scp03SessionTest, AnyChangedOrCutAuthenticationIsRefused) {
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(text(shape));
    refuse_changed_authentications(shape);
  }
}

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

TEST(Scp03HostTest, RefusesAPseudoRandomChallengeOfAnotherApplication) {
  Scp03Host host(key_set(16), {.aid = Aid::from_hex("A000000003000000").value()});
  Ends ends(0x70, 16);
  const auto command = host.initialize_update(ends.rng).value();
  const auto got = host.external_authenticate(ends.initialize(command), {0x33});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kAuthentication);
}

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

TEST(Scp03CardTest, RefusesALevelThatItsParameterDoesNotOffer) {
  Ends ends(0x00, 16);
  auto command = ends.challenge({0x03}).value();
  command.p1 = 0x13;
  EXPECT_EQ(ends.card.external_authenticate(command), sw::kIncorrectP1P2);
}

TEST(Scp03CardTest, RefusesAChallengeOfTheWrongLength) {
  for (const std::uint8_t i : kAllParameters) {
    for (std::size_t size = 0; size <= 17; ++size) {
      Ends ends(i, 16);
      const bool right = size == Scp03Parameter{i}.mac_size();
      EXPECT_EQ(ends.initialize({.data = Bytes(size)}).sw, right ? sw::kOk : sw::kWrongLength);
    }
  }
}

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

TEST(Scp03CardTest, EndsTheSessionOnReorderedCommands) {
  Ends ends(0x60, 16);
  ends.authenticate(0x03);
  const auto first = ends.host.wrap({.ins = 0xE2, .data = pattern(4)}).value();
  const auto second = ends.host.wrap({.ins = 0xE2, .data = pattern(4)}).value();
  EXPECT_NE(first.data, second.data);
  EXPECT_FALSE(ends.card.unwrap(second).has_value());
  EXPECT_FALSE(ends.card.open());
}

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
