// SPDX-License-Identifier: Apache-2.0
// SCP02 against numbers published by other implementations (testdata/scp02.vec names them).
#include "kagibin/scp/scp02/scp02.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp02/scp02_card.h"
#include "kagibin/scp/scp02/scp02_host.h"

#include "tests/support/vector_file.h"

namespace kagibin::scp {
namespace {

using test::VectorCase;

Scp02KeySet key_set(VectorCase& vector) {
  auto keys = Scp02KeySet::create(SecretBytes::copy_of(vector.octets("Enc")),
                                  SecretBytes::copy_of(vector.octets("Mac")),
                                  SecretBytes::copy_of(vector.octets("Dek")));
  KB_CHECK(keys.has_value());
  return std::move(*keys);
}

apdu::CommandApdu command(VectorCase& vector, const std::string& name) {
  auto out = apdu::CommandApdu::decode(vector.octets(name));
  EXPECT_TRUE(out.has_value()) << name;
  return out.value_or(apdu::CommandApdu{});
}

// One command of a published session.
struct Exchange {
  apdu::CommandApdu plain;
  apdu::CommandApdu wrapped;
};

struct Session {
  Scp02KeySet keys;
  std::optional<Aid> aid{};
  apdu::CommandApdu initialize_update{};
  Bytes answer{};
  std::optional<apdu::CommandApdu> authenticate{};
  std::vector<Exchange> exchanges{};
  std::map<std::string, Bytes> derived{};  // by their names in the file
};

Session read_session(VectorCase& vector) {
  Session out{.keys = key_set(vector),
              .initialize_update = command(vector, "InitializeUpdate"),
              .answer = vector.octets("InitializeUpdateAnswer")};
  if (vector.has("Aid")) {
    out.aid = Aid::from(vector.octets("Aid")).value();
  }
  if (vector.has("ExternalAuthenticate")) {
    out.authenticate = command(vector, "ExternalAuthenticate");
  }
  for (const std::string name : {"HostCryptogram", "SEnc", "CMac", "RMac", "SDek"}) {
    if (vector.has(name)) {
      out.derived[name] = vector.octets(name);
    }
  }
  for (int number = 1; vector.has("Plain" + std::to_string(number)); ++number) {
    const std::string suffix = std::to_string(number);
    out.exchanges.push_back({.plain = command(vector, "Plain" + suffix),
                             .wrapped = command(vector, "Wrapped" + suffix)});
  }
  return out;
}

struct SensitiveCase {
  Bytes key;
  Bytes plain;
  Bytes cipher;
};

struct Published {
  std::vector<Session> sessions;
  std::vector<SensitiveCase> sensitive;
};

Published published() {
  Published out;
  test::for_each_vector("kagibin/scp/scp02/testdata/scp02.vec", [&](VectorCase& vector) {
    if (vector.section() == "Sessions") {
      out.sessions.push_back(read_session(vector));
    } else {
      out.sensitive.push_back(
          {vector.octets("SDek"), vector.octets("Plain"), vector.octets("Cipher")});
    }
  });
  return out;
}

// Gives out octets that were set before, and fails when they end.
class SetRng final : public crypto::Rng {
 public:
  explicit SetRng(Bytes octets) : octets_(std::move(octets)) {}
  Result<void> fill(MutableByteView out) override {
    if (octets_.size() - next_ < out.size()) {
      return fail(Errc::kCrypto, "the octets of this test are used up");
    }
    for (auto& octet : out) {
      octet = octets_[next_++];
    }
    return {};
  }

 private:
  Bytes octets_;
  std::size_t next_ = 0;
};

Scp02Host host_of(const Session& session) {
  return {session.keys.duplicate(),
          {.key_version_number = session.initialize_update.p1,
           .key_identifier = session.initialize_update.p2,
           .aid = session.aid}};
}

// GPCS E.5.2, E.4.4: commands of published sessions
TEST(Scp02VectorTest, HostMakesTheCommandsOfPublishedSessions) {
  int commands = 0;
  const Published all = published();
  EXPECT_EQ(all.sessions.size(), 5U);
  for (const Session& session : all.sessions) {
    SCOPED_TRACE(to_hex(session.answer));
    Scp02Host host = host_of(session);
    SetRng rng(session.initialize_update.data);
    EXPECT_EQ(host.initialize_update(rng), session.initialize_update);
    const std::uint8_t level = session.authenticate ? session.authenticate->p1 : 0;
    const auto made =
        host.external_authenticate({.data = session.answer, .sw = apdu::sw::kOk}, {level});
    ASSERT_TRUE(made.has_value()) << made.error().detail.text();
    if (session.authenticate) {
      EXPECT_EQ(*made, *session.authenticate);
    }
    if (session.derived.contains("HostCryptogram")) {
      EXPECT_EQ(to_hex(ByteView(made->data).first(8)),
                to_hex(session.derived.at("HostCryptogram")));
    }
    ASSERT_TRUE(host.finish_authentication({.sw = apdu::sw::kOk}).has_value());
    for (const Exchange& exchange : session.exchanges) {
      const auto wrapped = host.wrap(plain_command(exchange.plain));
      ASSERT_TRUE(wrapped.has_value());
      EXPECT_EQ(to_hex(wrapped->encode()), to_hex(exchange.wrapped.encode()));
      ++commands;
    }
  }
  EXPECT_EQ(commands, 4 + 1 + 3);
}

// The card's end is held to the same sessions: its random challenge is the published one.
// GPCS E.5.1.6, E.4.2.1: answers of published sessions
// GPCS E.4.2.3: the pseudo-random card challenge
TEST(Scp02VectorTest, CardTakesTheCommandsOfPublishedSessions) {
  int pseudo_random = 0;
  int commands = 0;
  for (const Session& session : published().sessions) {
    SCOPED_TRACE(to_hex(session.answer));
    const auto answer = Scp02InitializeUpdateAnswer::decode(session.answer);
    ASSERT_TRUE(answer.has_value());
    const Scp02CardChallenge& challenge = answer->card_challenge;
    SetRng rng(session.aid ? Bytes{} : Bytes(challenge.begin(), challenge.end()));
    Scp02Card card;
    const auto made = card.initialize_update(
        session.initialize_update.data, session.keys,
        {.parameter = Scp02Parameter{static_cast<std::uint8_t>(session.aid ? 0x55 : 0x15)},
         .key_version_number = answer->key_version_number,
         .diversification_data = answer->diversification_data,
         .sequence_counter = answer->sequence_counter,
         .aid = session.aid.value_or(Aid::from_hex("A000000151000000").value())},
        rng);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(to_hex(*made), to_hex(session.answer));
    pseudo_random += session.aid ? 1 : 0;
    if (!session.authenticate) {
      continue;
    }
    ASSERT_EQ(card.establish(*session.authenticate).sw, apdu::sw::kOk);
    EXPECT_TRUE(card.is_counted());
    EXPECT_EQ(card.level().value, session.authenticate->p1);
    for (const Exchange& exchange : session.exchanges) {
      const auto got = card.unwrap(exchange.wrapped);
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(got->cla, exchange.plain.cla);
      EXPECT_EQ(to_hex(got->data.expose()), to_hex(exchange.plain.data));
      ++commands;
    }
  }
  EXPECT_EQ(pseudo_random, 2);
  EXPECT_EQ(commands, 4 + 1 + 3);
}

// GPCS E.4.1: session keys
TEST(Scp02VectorTest, SessionKeysAreThePublishedOnes) {
  int sessions = 0;
  for (const Session& session : published().sessions) {
    if (!session.derived.contains("SEnc")) {
      continue;
    }
    ++sessions;
    const auto answer = Scp02InitializeUpdateAnswer::decode(session.answer).value();
    const auto keys = Scp02SessionKeys::derive(session.keys, answer.sequence_counter);
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ(to_hex(keys->s_enc.expose()), to_hex(session.derived.at("SEnc")));
    EXPECT_EQ(to_hex(keys->c_mac.expose()), to_hex(session.derived.at("CMac")));
    EXPECT_EQ(to_hex(keys->s_dek.expose()), to_hex(session.derived.at("SDek")));
    const auto r_mac =
        scp02_derive(session.keys.mac.expose(), kScp02DeriveRMac, answer.sequence_counter);
    ASSERT_TRUE(r_mac.has_value());
    EXPECT_EQ(to_hex(r_mac->expose()), to_hex(session.derived.at("RMac")));
  }
  EXPECT_EQ(sessions, 1);
}

// GPCS E.4.7: sensitive data
TEST(Scp02VectorTest, SensitiveDataIsThePublishedOne) {
  const Published all = published();
  EXPECT_EQ(all.sensitive.size(), 1U);
  for (const SensitiveCase& one : all.sensitive) {
    const auto cipher = crypto::des3_ecb_encrypt(one.key, one.plain);
    ASSERT_TRUE(cipher.has_value());
    EXPECT_EQ(to_hex(*cipher), to_hex(one.cipher));
  }
}

TEST(Scp02VectorTest, InvalidVectorsAreRefused) {
  std::map<std::string, int> seen;
  test::for_each_vector("kagibin/scp/scp02/testdata/scp02_invalid.vec", [&](VectorCase& vector) {
    ++seen[vector.section()];
    if (vector.section() == "MalformedAnswer") {
      EXPECT_FALSE(Scp02InitializeUpdateAnswer::decode(vector.octets("Data")).has_value());
      return;
    }
    Scp02HostOptions options;
    if (vector.has("Aid")) {
      options.aid = Aid::from(vector.octets("Aid")).value();
    }
    Scp02Host host(key_set(vector), options);
    SetRng rng(vector.octets("HostChallenge"));
    ASSERT_TRUE(host.initialize_update(rng).has_value());
    const auto made =
        host.external_authenticate({.data = vector.octets("Answer"), .sw = apdu::sw::kOk}, {0x03});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::kAuthentication);
    EXPECT_FALSE(host.open());
    EXPECT_TRUE(host.answer().has_value()) << "what the card said is kept";
  });
  EXPECT_EQ(seen, (std::map<std::string, int>{
                      {"MalformedAnswer", 5}, {"WrongCryptogram", 5}, {"WrongChallenge", 1}}));
}

// GPCS E.5.1.6: the answer to INITIALIZE UPDATE
TEST(Scp02InitializeUpdateAnswerTest, RefusesEveryTruncation) {
  for (const Session& session : published().sessions) {
    const auto whole = Scp02InitializeUpdateAnswer::decode(session.answer);
    ASSERT_TRUE(whole.has_value());
    EXPECT_EQ(to_hex(whole->encode()), to_hex(session.answer));
    for (std::size_t size = 0; size < session.answer.size(); ++size) {
      EXPECT_FALSE(
          Scp02InitializeUpdateAnswer::decode(ByteView(session.answer).first(size)).has_value());
    }
  }
}

// GPCS E.1.1, E.5.2.3: i and security levels
TEST(Scp02ParameterTest, TakesTwoValuesAndThreeLevels) {
  for (unsigned value = 0; value <= 0xFF; ++value) {
    const auto octet = static_cast<std::uint8_t>(value);
    EXPECT_EQ(Scp02Parameter::from(octet).has_value(), value == 0x15 || value == 0x55);
    EXPECT_EQ(is_scp02_level({octet}), value == 0x00 || value == 0x01 || value == 0x03);
  }
  EXPECT_FALSE(Scp02Parameter{0x15}.pseudo_random());
  EXPECT_TRUE(Scp02Parameter{0x55}.pseudo_random());
}

// GPCS E.2: keys of a set
TEST(Scp02KeySetTest, RefusesKeysThatAreNoSet) {
  const auto create = [](std::size_t enc, std::size_t mac, std::size_t dek) {
    return Scp02KeySet::create(SecretBytes(enc), SecretBytes(mac), SecretBytes(dek)).has_value();
  };
  EXPECT_TRUE(create(16, 16, 16));
  EXPECT_FALSE(create(24, 24, 24));
  EXPECT_FALSE(create(8, 16, 16));
  EXPECT_FALSE(create(16, 8, 16));
  EXPECT_FALSE(create(16, 16, 24));
  EXPECT_FALSE(create(0, 0, 0));
}

}  // namespace
}  // namespace kagibin::scp
