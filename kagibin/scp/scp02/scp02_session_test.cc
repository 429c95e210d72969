// SPDX-License-Identifier: Apache-2.0
// Both ends of SCP02 against each other: every parameter i and level, every changed or cut message,
// calls out of order.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/scp/scp02/scp02_card.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/scp/scp02/scp02_link.h"

namespace kagibin::scp {
namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kParameters[] = {0x15, 0x55};
constexpr std::uint8_t kLevels[] = {0x00, 0x01, 0x03};

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

SecretBytes key(std::uint8_t first) {
  SecretBytes out(16);
  for (auto& octet : out.expose_mutable()) {
    octet = first++;
  }
  return out;
}

Scp02KeySet key_set(std::uint8_t first = 0x40) {
  return Scp02KeySet::create(key(first), key(static_cast<std::uint8_t>(first + 0x20)),
                             key(static_cast<std::uint8_t>(first + 0x40)))
      .value();
}

Aid isd() { return Aid::from_hex("A000000151000000").value(); }

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  return out;
}

struct Ends {
  explicit Ends(std::uint8_t parameter, std::uint16_t counter = 7)
      : host(key_set(),
             {.key_version_number = 0x20,
              .aid = parameter == 0x55 ? std::optional<Aid>(isd()) : std::nullopt}),
        i(parameter),
        sequence_counter(counter) {}

  apdu::ResponseApdu initialize(const apdu::CommandApdu& command) {
    auto answer = card.initialize_update(command.data, key_set(),
                                         {.parameter = {i},
                                          .key_version_number = 0x20,
                                          .sequence_counter = sequence_counter,
                                          .aid = isd()},
                                         rng);
    if (!answer) {
      return {.sw = answer.error()};
    }
    return {.data = *answer, .sw = sw::kOk};
  }
  // Up to EXTERNAL AUTHENTICATE, not yet sent.
  apdu::CommandApdu challenge(std::uint8_t level) {
    const auto command = host.initialize_update(rng);
    EXPECT_TRUE(command.has_value());
    const auto out = host.external_authenticate(initialize(*command), {level});
    EXPECT_TRUE(out.has_value());
    return out.value_or(apdu::CommandApdu{});
  }
  void authenticate(std::uint8_t level) {
    const apdu::CommandApdu command = challenge(level);
    const StatusWord status = card.external_authenticate(command);
    ASSERT_EQ(status, sw::kOk);
    ASSERT_TRUE(host.finish_authentication({.sw = status}).has_value());
    ASSERT_TRUE(card.open());
  }
  apdu::CommandApdu wrap(ByteView data, bool extended = false) {
    const auto out =
        host.wrap({.ins = 0xE2, .p1 = 0x80, .p2 = 0x01, .data = data, .le = 256}, extended);
    EXPECT_TRUE(out.has_value());
    return out.value_or(apdu::CommandApdu{});
  }
  // One command there, through its wire form, and one answer back.
  void exchange(ByteView data, ByteView answer, bool extended = false) {
    const apdu::CommandApdu command = wrap(data, extended);
    if (host.level().c_decryption() && !data.empty()) {
      EXPECT_NE(to_hex(ByteView(command.data).first(data.size())), to_hex(data));
    }
    const auto got = card.unwrap(apdu::CommandApdu::decode(command.encode()).value());
    ASSERT_TRUE(got.has_value()) << got.error().value;
    EXPECT_EQ(got->cla, 0x80);
    EXPECT_EQ(to_hex(got->data.expose()), to_hex(data));
    const auto back = host.unwrap({.data = card.wrap(answer, sw::kOk), .sw = sw::kOk});
    ASSERT_TRUE(back.has_value());
    EXPECT_FALSE(back->authenticated) << "there is no R-MAC";
    EXPECT_EQ(to_hex(back->response.data), to_hex(answer));
  }

  Scp02Host host;
  Scp02Card card;
  CountingRng rng;
  std::uint8_t i;
  std::uint16_t sequence_counter;
};

void for_each_shape(const std::function<void(std::uint8_t i, std::uint8_t level)>& function) {
  for (const std::uint8_t i : kParameters) {
    for (const std::uint8_t level : kLevels) {
      SCOPED_TRACE("i " + to_hex(Bytes{i}) + ", level " + to_hex(Bytes{level}));
      function(i, level);
    }
  }
}

// GPCS E.4.4, E.4.6: C-MAC and command encryption of every length
TEST(Scp02SessionTest, CarriesEveryLengthBothWays) {
  for_each_shape([](std::uint8_t i, std::uint8_t level) {
    Ends ends(i);
    ends.authenticate(level);
    EXPECT_EQ(ends.card.level().value, level);
    EXPECT_EQ(ends.card.off_card_entity().authentication, Authentication::kAuthenticated);
    for (const std::size_t size : {0UZ, 1UZ, 7UZ, 8UZ, 9UZ, 100UZ, 239UZ}) {
      ends.exchange(pattern(size), pattern(size));
      ends.exchange(pattern(size), {}, true);
      ends.exchange({}, pattern(size));
    }
    ends.exchange(pattern(1000), {}, true);
  });
}

// GPCS E.4.6: the longest command
TEST(Scp02SessionTest, FillsAShortCommandToTheLastOctet) {
  for_each_shape([](std::uint8_t i, std::uint8_t level) {
    Ends ends(i);
    ends.authenticate(level);
    const std::size_t most = level == 0x00 ? 255 : level == 0x01 ? 247 : 239;
    ends.exchange(pattern(most), {});
    const Bytes more = pattern(most + 1);
    const auto refused = ends.host.wrap({.ins = 0xE2, .data = more});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kLimit);
    ends.exchange(pattern(5), {});
  });
}

// GPCS E.4.4: a wrong C-MAC
TEST(Scp02SessionTest, RefusesEveryChangedOrCutCommand) {
  for_each_shape([](std::uint8_t i, std::uint8_t level) {
    if (level == 0x00) {
      return;
    }
    const auto refused = [&](const auto& change) {
      Ends ends(i);
      ends.authenticate(level);
      apdu::CommandApdu command = ends.wrap(pattern(5));
      change(command);
      const auto got = ends.card.unwrap(command);
      ASSERT_FALSE(got.has_value());
      EXPECT_EQ(got.error(), sw::kSecurityStatusNotSatisfied);
      EXPECT_FALSE(ends.card.open());
      EXPECT_EQ(ends.card.unwrap(command).error(), sw::kConditionsNotSatisfied);
    };
    const std::size_t size = level == 0x01 ? 13 : 16;
    for (std::size_t at = 0; at < size; ++at) {
      refused([&](apdu::CommandApdu& command) { command.data[at] ^= 0x01; });
      refused([&](apdu::CommandApdu& command) { command.data.resize(at); });
    }
    refused([](apdu::CommandApdu& command) { command.ins = 0xE4; });
    refused([](apdu::CommandApdu& command) { command.p1 ^= 0x80; });
    refused([](apdu::CommandApdu& command) { command.p2 ^= 0x01; });
    refused([](apdu::CommandApdu& command) { command.cla = 0x80; });
    refused([](apdu::CommandApdu& command) { command.cla = 0x04; });
    refused([](apdu::CommandApdu& command) { command.extended = true; });
    refused([](apdu::CommandApdu& command) { command.data.push_back(0); });
  });
}

// What the oracle of 2018 lives on: a command whose padding is wrong, and one whose padding happens
// to be right but whose C-MAC is wrong, are answered alike.
// GPCS E.4.6: wrong padding and a wrong C-MAC alike
TEST(Scp02SessionTest, TellsWrongPaddingFromAWrongMacToNobody) {
  std::string answers;
  for (unsigned last = 0; last <= 0xFF; ++last) {
    Ends ends(0x55);
    ends.authenticate(0x03);
    apdu::CommandApdu command = ends.wrap(pattern(16));   // three blocks, the last is padding
    command.data[15] ^= static_cast<std::uint8_t>(last);  // changes the last octet of the padding
    const auto got = ends.card.unwrap(command);
    if (last == 0) {
      EXPECT_TRUE(got.has_value());
      continue;
    }
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error(), sw::kSecurityStatusNotSatisfied);
    if (answers.empty()) {
      answers = got.error().reason.text();
    }
    EXPECT_EQ(got.error().reason.text(), answers);
  }
}

// Some hosts encrypt a padded block when there is no data.
TEST(Scp02SessionTest, UnderstandsAPaddedBlockForNoData) {
  Ends ends(0x15);
  ends.authenticate(0x03);
  const apdu::CommandApdu empty = ends.wrap({});
  ASSERT_EQ(empty.data.size(), 8U);
  const auto keys = Scp02SessionKeys::derive(key_set(), 7).value();
  const SecretBytes padding = crypto::pad80({}, 8);
  apdu::CommandApdu padded = empty;
  padded.data = crypto::des3_cbc_encrypt(keys.s_enc.expose(), {}, padding.expose()).value();
  append(padded.data, empty.data);
  const auto got = ends.card.unwrap(padded);
  ASSERT_TRUE(got.has_value());
  EXPECT_TRUE(got->data.empty());
  ends.exchange(pattern(3), {});
}

// GPCS E.3.4, E.1.6: MAC chaining, and the end of a session
TEST(Scp02SessionTest, EndsOnAReplayOrAMissingCommand) {
  for (const std::uint8_t level : {std::uint8_t{0x01}, std::uint8_t{0x03}}) {
    Ends replayed(0x55);
    replayed.authenticate(level);
    const apdu::CommandApdu once = replayed.wrap(pattern(3));
    EXPECT_TRUE(replayed.card.unwrap(once).has_value());
    EXPECT_EQ(replayed.card.unwrap(once).error(), sw::kSecurityStatusNotSatisfied);
    EXPECT_FALSE(replayed.card.open());
    Ends cut(0x55);
    cut.authenticate(level);
    static_cast<void>(cut.wrap(pattern(3)));
    EXPECT_EQ(cut.card.unwrap(cut.wrap(pattern(3))).error(), sw::kSecurityStatusNotSatisfied);
  }
}

// GPCS 11.1.4: the class under the C-MAC
TEST(Scp02SessionTest, TakesCommandsOnEveryLogicalChannel) {
  for (std::uint8_t channel = 0; channel < 20; ++channel) {
    Ends ends(0x55);
    apdu::CommandApdu authenticate = ends.challenge(0x03);
    authenticate.cla = apdu::on_channel(authenticate.cla, channel).value();
    ASSERT_EQ(ends.card.external_authenticate(authenticate), sw::kOk);
    ASSERT_TRUE(ends.host.finish_authentication({.sw = sw::kOk}).has_value());
    apdu::CommandApdu command = ends.wrap(pattern(9));
    command.cla = apdu::on_channel(command.cla, channel).value();
    const auto got = ends.card.unwrap(command);
    ASSERT_TRUE(got.has_value()) << int{channel};
    EXPECT_EQ(got->cla, apdu::on_channel(0x80, channel));
  }
}

// GPCS E.1.2: the sequence counter
TEST(Scp02CardTest, CountsASessionWhoseFirstMacIsRightAndNoOther) {
  const auto attempt = [](const auto& change) {
    Ends ends(0x55);
    apdu::CommandApdu command = ends.challenge(0x01);
    change(command, ends);
    const StatusWord status = ends.card.establish(command).sw;
    EXPECT_EQ(ends.card.open(), sw::is_ok(status));
    return std::pair(status, ends.card.is_counted());
  };
  const auto none = [](apdu::CommandApdu&, Ends&) {};
  EXPECT_EQ(attempt(none), std::pair(sw::kOk, true));
  // A wrong C-MAC.
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.data[15] ^= 0x01; }),
            std::pair(sw::kSecurityStatusNotSatisfied, false));
  // A wrong cryptogram under a C-MAC that covers it: the host has another encryption key alone.
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) {
              command.data.resize(8);
              command.data[0] ^= 0x01;
              const auto keys = Scp02SessionKeys::derive(key_set(), 7).value();
              Bytes header{0x84, 0x82, 0x01, 0x00, 0x10};
              append(command.data,
                     crypto::retail_mac(keys.c_mac.expose(), {}, {header, command.data}).value());
            }),
            std::pair(sw::kAuthenticationFailed, true));
  // Another level than the C-MAC covers.
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.p1 = 0x03; }),
            std::pair(sw::kSecurityStatusNotSatisfied, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.p1 = 0x11; }),
            std::pair(sw::kIncorrectP1P2, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.p2 = 0x01; }),
            std::pair(sw::kIncorrectP1P2, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.cla = 0x80; }),
            std::pair(sw::kSecurityStatusNotSatisfied, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.cla = 0x04; }),
            std::pair(sw::kClassNotSupported, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.data.pop_back(); }),
            std::pair(sw::kWrongLength, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu& command, Ends&) { command.ins = 0x88; }),
            std::pair(sw::kConditionsNotSatisfied, false));
  EXPECT_EQ(attempt([](apdu::CommandApdu&, Ends& ends) { ends.card.close(); }),
            std::pair(sw::kConditionsNotSatisfied, false));
}

TEST(Scp02CardTest, RefusesWrongKeys) {
  Ends ends(0x15);
  Scp02Host stranger(key_set(0x41), {.key_version_number = 0x20});
  const auto initialize = stranger.initialize_update(ends.rng).value();
  const auto made = stranger.external_authenticate(ends.initialize(initialize), {0x01});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kAuthentication) << "before a try on the card is used";
  EXPECT_EQ(
      ends.card.external_authenticate({.cla = 0x84, .ins = 0x82, .p1 = 0x01, .data = pattern(16)}),
      sw::kAuthenticationFailed);
  EXPECT_FALSE(ends.card.is_counted());
}

// GPCS E.5.1.5, E.1.2: challenge and counter
TEST(Scp02CardTest, RefusesAChallengeOfTheWrongLengthAndACounterAtItsEnd) {
  Ends ends(0x55, kScp02LastCounter);
  const auto command = ends.host.initialize_update(ends.rng).value();
  EXPECT_EQ(ends.initialize(command).sw, sw::kConditionsNotSatisfied);
  Ends before(0x55, kScp02LastCounter - 1);
  before.authenticate(0x01);
  for (const std::size_t size : {0UZ, 7UZ, 9UZ, 16UZ}) {
    EXPECT_EQ(ends.initialize({.data = pattern(size)}).sw, sw::kWrongLength);
  }
}

TEST(Scp02CardTest, ARandomChallengeNeedsARandomSource) {
  Ends random(0x15);
  const auto command = random.host.initialize_update(random.rng).value();
  const Bytes first = random.initialize(command).data;
  EXPECT_NE(to_hex(first), to_hex(random.initialize(command).data));
  random.rng.broken = true;
  EXPECT_EQ(random.initialize(command).sw, sw::kNoDiagnosis);
  Ends pseudo_random(0x55);
  pseudo_random.rng.broken = true;
  EXPECT_EQ(to_hex(pseudo_random.initialize(command).data),
            to_hex(pseudo_random.initialize(command).data));
}

// GPCS E.4.7: sensitive data
TEST(Scp02SessionTest, SensitiveDataGoesUnderTheSessionsOwnKey) {
  Ends ends(0x55);
  EXPECT_EQ(ends.host.encrypt_sensitive(pattern(16)).error().code, Errc::kState);
  EXPECT_EQ(ends.card.decrypt_sensitive(pattern(16)).error(), sw::kSecurityStatusNotSatisfied);
  ends.authenticate(0x01);
  for (const std::size_t size : {8UZ, 16UZ, 24UZ}) {
    const auto cipher = ends.host.encrypt_sensitive(pattern(size));
    ASSERT_TRUE(cipher.has_value());
    const auto plain = ends.card.decrypt_sensitive(*cipher);
    ASSERT_TRUE(plain.has_value());
    EXPECT_TRUE(ct_equal(plain->expose(), pattern(size)));
  }
  EXPECT_EQ(ends.host.encrypt_sensitive({}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(ends.host.encrypt_sensitive(pattern(9)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(ends.card.decrypt_sensitive({}).error(), sw::kWrongData);
  EXPECT_EQ(ends.card.decrypt_sensitive(pattern(9)).error(), sw::kWrongData);
}

// GPCS E.5.2.3: level 00
TEST(Scp02SessionTest, KeepsASessionWithoutSecureMessagingOnACommandWithIt) {
  Ends ends(0x55);
  ends.authenticate(0x00);
  EXPECT_EQ(ends.card.unwrap({.cla = 0x84, .ins = 0xCA, .data = pattern(8)}).error(),
            sw::kSecureMessagingNotSupported);
  EXPECT_TRUE(ends.card.open());
}

TEST(Scp02HostTest, RefusesCallsOutOfOrder) {
  Ends ends(0x55);
  const apdu::ResponseApdu ok{.sw = sw::kOk};
  EXPECT_EQ(ends.host.external_authenticate(ok, {0x01}).error().code, Errc::kState);
  EXPECT_EQ(ends.host.finish_authentication(ok).error().code, Errc::kState);
  EXPECT_EQ(ends.host.wrap({}).error().code, Errc::kState);
  EXPECT_EQ(ends.host.unwrap(ok).error().code, Errc::kState);
  const auto command = ends.host.initialize_update(ends.rng).value();
  EXPECT_EQ(ends.host.external_authenticate({.sw = StatusWord{0x6A88}}, {0x01}).error().sw.value,
            0x6A88);
  EXPECT_EQ(ends.host.external_authenticate(ok, {0x01}).error().code, Errc::kState)
      << "a refusal ends the attempt";
  const auto again = ends.host.initialize_update(ends.rng).value();
  EXPECT_NE(to_hex(again.data), to_hex(command.data));
  EXPECT_EQ(ends.host.external_authenticate(ends.initialize(again), {0x11}).error().code,
            Errc::kValue);
  ends.challenge(0x01);
  EXPECT_EQ(ends.host.finish_authentication({.sw = StatusWord{0x6300}}).error().sw.value, 0x6300);
  EXPECT_FALSE(ends.host.open());
  ends.challenge(0x01);
  EXPECT_EQ(ends.host.finish_authentication({.data = {0x01}, .sw = sw::kOk}).error().code,
            Errc::kTrailing);
}

// A card that speaks SCP02 and answers STORE DATA with what it was told.
class CardOnALink final : public apdu::CardLink {
 public:
  explicit CardOnALink(Ends& ends) : ends_(ends) {}
  Result<Bytes> transmit(ByteView c_apdu) override {
    const auto command = KB_TRY(apdu::CommandApdu::decode(c_apdu));
    if (command.ins == apdu::ins::kInitializeUpdate) {
      return ends_.initialize(command).encode();
    }
    if (!ends_.card.open()) {
      return ends_.card.establish(command).encode();
    }
    const auto plain = ends_.card.unwrap(command);
    if (!plain) {
      return apdu::ResponseApdu{.data = {}, .sw = plain.error()}.encode();
    }
    return apdu::ResponseApdu{
        .data = Bytes(plain->data.expose().begin(), plain->data.expose().end()),
        .sw = command.p1 == 0 ? sw::kOk : sw::kReferencedDataNotFound}
        .encode();
  }

 private:
  Ends& ends_;
};

TEST(Scp02LinkTest, SendsThroughTheSessionThatItOpened) {
  Ends ends(0x55);
  CardOnALink card(ends);
  auto session = Scp02Link::open(card, key_set(), {.key_version_number = 0x20, .aid = isd()},
                                 SecurityLevel{0x03}, ends.rng);
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->host().protocol(), kScp02);
  EXPECT_EQ(session->host().sensitive_block_bytes(), 8U);
  EXPECT_EQ(session->send(PlainCommand{.ins = 0xE2, .data = pattern(9)}), pattern(9));
  const auto refused = session->send(apdu::CommandApdu{.cla = 0x80, .ins = 0xE2, .p1 = 1});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().sw, sw::kReferencedDataNotFound);
  const auto whole = session->transmit({.ins = 0xE2, .p1 = 1, .data = pattern(2)});
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->sw, sw::kReferencedDataNotFound);
  EXPECT_EQ(to_hex(whole->data), to_hex(pattern(2)));
}

TEST(Scp02LinkTest, UsesNoTryWithWrongKeys) {
  Ends ends(0x55);
  CardOnALink card(ends);
  const auto session = Scp02Link::open(card, key_set(0x44), {}, SecurityLevel{0x01}, ends.rng);
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().code, Errc::kAuthentication);
  EXPECT_EQ(ends.card.establish({.cla = 0x84, .ins = 0x82, .p1 = 1, .data = pattern(16)}).sw,
            sw::kAuthenticationFailed)
      << "the card still waits";
}

}  // namespace
}  // namespace kagibin::scp
