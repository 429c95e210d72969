// SPDX-License-Identifier: Apache-2.0
// SCP03 against numbers published by other implementations (testdata/scp03.vec names them).
#include "kagibin/scp/scp03/scp03.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp03/scp03_host.h"

#include "tests/support/vector_file.h"

namespace kagibin::scp {
namespace {

using test::VectorCase;

Scp03KeySet key_set(VectorCase& vector) {
  auto keys = Scp03KeySet::create(SecretBytes::copy_of(vector.octets("Enc")),
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

PlainCommand plain_of(const apdu::CommandApdu& from) {
  return {.cla = from.cla,
          .ins = from.ins,
          .p1 = from.p1,
          .p2 = from.p2,
          .data = from.data,
          .le = from.le};
}

// One command of a published session, and its answer where that was published, too.
struct Exchange {
  apdu::CommandApdu plain;
  apdu::CommandApdu wrapped;
  std::optional<Bytes> answer;
  Bytes answer_plain;
};

struct Session {
  Scp03KeySet keys;
  std::optional<Aid> aid;
  apdu::CommandApdu initialize_update;
  Bytes answer;
  apdu::CommandApdu authenticate;
  std::vector<Exchange> exchanges;
};

struct SessionKeyCase {
  Scp03KeySet keys;
  Bytes host_challenge;
  Bytes card_challenge;
  Bytes s_enc;
  Bytes s_mac;
  Bytes s_rmac;
};

struct Published {
  std::vector<Session> sessions;
  std::vector<SessionKeyCase> session_keys;
};

void read_session(VectorCase& vector, Published& out) {
  Session session{.keys = key_set(vector),
                  .aid = {},
                  .initialize_update = command(vector, "InitializeUpdate"),
                  .answer = vector.octets("InitializeUpdateAnswer"),
                  .authenticate = command(vector, "ExternalAuthenticate"),
                  .exchanges = {}};
  if (vector.has("Aid")) {
    const auto aid = Aid::from(vector.octets("Aid"));
    ASSERT_TRUE(aid.has_value());
    session.aid = *aid;
  }
  if (vector.has("SEnc")) {
    const auto answer = InitializeUpdateAnswer::decode(session.answer);
    ASSERT_TRUE(answer.has_value());
    out.session_keys.push_back({.keys = session.keys.duplicate(),
                                .host_challenge = session.initialize_update.data,
                                .card_challenge = answer->card_challenge,
                                .s_enc = vector.octets("SEnc"),
                                .s_mac = vector.octets("SMac"),
                                .s_rmac = vector.octets("SRmac")});
  }
  for (int number = 1; vector.has("Plain" + std::to_string(number)); ++number) {
    const std::string suffix = std::to_string(number);
    Exchange exchange{.plain = command(vector, "Plain" + suffix),
                      .wrapped = command(vector, "Wrapped" + suffix),
                      .answer = {},
                      .answer_plain = {}};
    if (vector.has("Answer" + suffix)) {
      exchange.answer = vector.octets("Answer" + suffix);
      exchange.answer_plain = vector.octets("AnswerPlain" + suffix);
    }
    session.exchanges.push_back(std::move(exchange));
  }
  out.sessions.push_back(std::move(session));
}

Published published() {
  Published out;
  test::for_each_vector("kagibin/scp/scp03/testdata/scp03.vec", [&](VectorCase& vector) {
    if (vector.section() == "Sessions") {
      read_session(vector, out);
      return;
    }
    out.session_keys.push_back({.keys = key_set(vector),
                                .host_challenge = vector.octets("HostChallenge"),
                                .card_challenge = vector.octets("CardChallenge"),
                                .s_enc = vector.octets("SEnc"),
                                .s_mac = vector.octets("SMac"),
                                .s_rmac = vector.octets("SRmac")});
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

// A host whose session is open as published.
std::optional<Scp03Host> open_host(const Session& session) {
  Scp03Host host(session.keys.duplicate(), {.key_version_number = session.initialize_update.p1,
                                            .key_identifier = session.initialize_update.p2,
                                            .s16 = session.initialize_update.data.size() == 16,
                                            .aid = session.aid});
  SetRng rng(session.initialize_update.data);
  auto made = host.initialize_update(rng);
  EXPECT_EQ(made, session.initialize_update);
  made = host.external_authenticate({.data = session.answer, .sw = apdu::sw::kOk},
                                    SecurityLevel{session.authenticate.p1});
  if (!made || !host.finish_authentication({.sw = apdu::sw::kOk})) {
    ADD_FAILURE() << "the published session does not open";
    return std::nullopt;
  }
  EXPECT_EQ(*made, session.authenticate);
  return host;
}

// Amendment D, 6.2.2.3, 6.2.4, 6.2.6: commands of published sessions
TEST(Scp03VectorTest, HostMakesTheCommandsOfPublishedSessions) {
  int answers = 0;
  const Published all = published();
  EXPECT_EQ(all.sessions.size(), 9U + 6U + 5U);
  for (const Session& session : all.sessions) {
    SCOPED_TRACE(to_hex(session.answer));
    auto host = open_host(session);
    ASSERT_TRUE(host.has_value());
    for (const Exchange& exchange : session.exchanges) {
      const auto made = host->wrap(plain_of(exchange.plain));
      ASSERT_TRUE(made.has_value());
      EXPECT_EQ(to_hex(made->encode()), to_hex(exchange.wrapped.encode()));
      if (exchange.answer) {
        const auto got = host->unwrap({.data = *exchange.answer, .sw = apdu::sw::kOk});
        ASSERT_TRUE(got.has_value()) << to_hex(*exchange.answer);
        EXPECT_EQ(to_hex(got->response.data), to_hex(exchange.answer_plain));
        EXPECT_EQ(got->authenticated, host->level().r_mac());
        ++answers;
      }
    }
  }
  EXPECT_EQ(answers, 9 + 6 * 3);
}

// Amendment D, 4.1.5, 6.2.1: session keys
// SP 800-108, 5.1: KDF in counter mode
TEST(Scp03VectorTest, SessionKeysAreThePublishedOnes) {
  const Published all = published();
  EXPECT_EQ(all.session_keys.size(), 3U);
  for (const SessionKeyCase& one : all.session_keys) {
    const auto session = Scp03SessionKeys::derive(one.keys, one.host_challenge, one.card_challenge);
    ASSERT_TRUE(session.has_value());
    EXPECT_TRUE(ct_equal(session->s_enc.expose(), one.s_enc));
    EXPECT_TRUE(ct_equal(session->s_mac.expose(), one.s_mac));
    EXPECT_TRUE(ct_equal(session->s_rmac.expose(), one.s_rmac));
  }
}

// Amendment D, 6.2.2.2, 7.1.1.3: answers of published cards
TEST(Scp03VectorTest, AnswersOfCardsDecodeAndShowTheKeysTheyHold) {
  int challenges = 0;
  for (const Session& session : published().sessions) {
    SCOPED_TRACE(to_hex(session.answer));
    const auto answer = InitializeUpdateAnswer::decode(session.answer);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(to_hex(answer->encode()), to_hex(session.answer));
    EXPECT_TRUE(scp03_card_holds(session.keys, session.initialize_update.data, *answer));
    if (session.aid) {
      const auto challenge =
          scp03_pseudo_random_challenge(session.keys, answer->sequence_counter.value_or(0),
                                        session.aid->view(), answer->card_challenge.size());
      EXPECT_EQ(challenge, answer->card_challenge);
      ++challenges;
    }
  }
  EXPECT_EQ(challenges, 9 + 5);
}

// The card's end is held to the sessions whose pseudo-random challenge follows from a known AID.
// Amendment D, 6.2.2.2, 6.2.5, 6.2.7: answers of published sessions
TEST(Scp03VectorTest, CardMakesTheAnswersOfPublishedSessions) {
  int sessions = 0;
  int answers = 0;
  for (const Session& session : published().sessions) {
    SCOPED_TRACE(to_hex(session.answer));
    const auto published_answer = InitializeUpdateAnswer::decode(session.answer);
    ASSERT_TRUE(published_answer.has_value());
    if (!session.aid) {
      continue;
    }
    ++sessions;
    Scp03Card card;
    SetRng no_rng({});
    const Scp03CardInit init{.parameter = published_answer->parameter,
                             .key_version_number = published_answer->key_version_number,
                             .diversification_data = published_answer->diversification_data,
                             .sequence_counter = published_answer->sequence_counter.value_or(0),
                             .aid = *session.aid};
    const auto answer = card.initialize_update(session.initialize_update.data,
                                               session.keys.duplicate(), init, no_rng);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(to_hex(*answer), to_hex(session.answer));
    ASSERT_EQ(card.external_authenticate(session.authenticate), apdu::sw::kOk);
    for (const Exchange& exchange : session.exchanges) {
      const auto got = card.unwrap(exchange.wrapped);
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(got->cla, exchange.plain.cla);
      EXPECT_TRUE(ct_equal(got->data.expose(), exchange.plain.data));
      if (exchange.answer) {
        EXPECT_EQ(to_hex(card.wrap(exchange.answer_plain, apdu::sw::kOk)),
                  to_hex(*exchange.answer));
        ++answers;
      }
    }
  }
  EXPECT_EQ(sessions, 9 + 5);
  EXPECT_EQ(answers, 9);
}

void refuse_wrong_cryptogram(VectorCase& vector) {
  const Scp03KeySet keys = key_set(vector);
  const Bytes challenge = vector.octets("HostChallenge");
  const Bytes octets = vector.octets("Answer");
  Scp03Host host(keys.duplicate(), {});
  SetRng rng(challenge);
  ASSERT_TRUE(host.initialize_update(rng).has_value());
  const auto made = host.external_authenticate({.data = octets, .sw = apdu::sw::kOk}, {0x33});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kAuthentication);
  const auto answer = InitializeUpdateAnswer::decode(octets);
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(scp03_card_holds(keys, challenge, *answer));
}

void refuse_wrong_answer(VectorCase& vector) {
  Scp03Host host(key_set(vector), {});
  SetRng rng(vector.octets("HostChallenge"));
  ASSERT_TRUE(host.initialize_update(rng).has_value());
  ASSERT_TRUE(
      host.external_authenticate(
              {.data = vector.octets("InitializeUpdateAnswer"), .sw = apdu::sw::kOk}, {0x33})
          .has_value());
  ASSERT_TRUE(host.finish_authentication({.sw = apdu::sw::kOk}).has_value());
  const auto plain = command(vector, "Plain");
  ASSERT_TRUE(host.wrap(plain_of(plain)).has_value());
  const auto got = host.unwrap({.data = vector.octets("Answer"), .sw = apdu::sw::kOk});
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::kAuthentication);
  EXPECT_FALSE(host.open());
}

TEST(Scp03VectorTest, InvalidVectorsAreRefused) {
  std::map<std::string, int> seen;
  test::for_each_vector("kagibin/scp/scp03/testdata/scp03_invalid.vec", [&](VectorCase& vector) {
    ++seen[vector.section()];
    if (vector.section() == "MalformedAnswer") {
      EXPECT_FALSE(InitializeUpdateAnswer::decode(vector.octets("Data")).has_value());
    } else if (vector.section() == "WrongCryptogram") {
      refuse_wrong_cryptogram(vector);
    } else {
      refuse_wrong_answer(vector);
    }
  });
  EXPECT_EQ(seen, (std::map<std::string, int>{
                      {"MalformedAnswer", 9}, {"WrongCryptogram", 5}, {"WrongAnswer", 8}}));
}

// Amendment D, 7.1.1.3: the answer to INITIALIZE UPDATE
TEST(InitializeUpdateAnswerTest, RefusesEveryTruncation) {
  for (const Session& session : published().sessions) {
    for (std::size_t size = 0; size < session.answer.size(); ++size) {
      EXPECT_FALSE(
          InitializeUpdateAnswer::decode(ByteView(session.answer).first(size)).has_value());
    }
  }
}

// Amendment D, 5.1: i
TEST(Scp03ParameterTest, TakesTheTwelveValuesAndNoOther) {
  int taken = 0;
  for (unsigned i = 0; i <= 0xFF; ++i) {
    const auto parameter = Scp03Parameter::from(static_cast<std::uint8_t>(i));
    const unsigned high = i & 0xFEU;
    const bool expected = high == 0x00 || high == 0x10 || high == 0x20 || high == 0x30 ||
                          high == 0x60 || high == 0x70;
    EXPECT_EQ(parameter.has_value(), expected) << i;
    taken += expected ? 1 : 0;
    if (!parameter) {
      EXPECT_EQ(parameter.error().code, Errc::kNotSupported);
    }
  }
  EXPECT_EQ(taken, 12);
}

// Amendment D, 5.1: i and what it offers
TEST(Scp03ParameterTest, AllowsOnlyTheServicesItOffers) {
  const std::map<std::uint8_t, std::vector<std::uint8_t>> offers{
      {0x00, {0x00, 0x01, 0x03}},
      {0x10, {0x00, 0x01, 0x03}},
      {0x20, {0x00, 0x01, 0x03, 0x11, 0x13}},
      {0x31, {0x00, 0x01, 0x03, 0x11, 0x13}},
      {0x60, {0x00, 0x01, 0x03, 0x11, 0x13, 0x33}},
      {0x71, {0x00, 0x01, 0x03, 0x11, 0x13, 0x33}}};
  for (const auto& [i, levels] : offers) {
    for (unsigned value = 0; value <= 0xFF; ++value) {
      const auto level = static_cast<std::uint8_t>(value);
      const bool expected = std::find(levels.begin(), levels.end(), level) != levels.end();
      EXPECT_EQ(allows({i}, {level}), expected) << int{i} << " " << value;
    }
    EXPECT_EQ(highest_level({i}).value, levels.back());
  }
}

// Amendment D, 4.1.2: keys of a set
TEST(Scp03KeySetTest, RefusesKeysThatAreNoSet) {
  const auto create = [](std::size_t enc, std::size_t mac, std::size_t dek) {
    return Scp03KeySet::create(SecretBytes(enc), SecretBytes(mac), SecretBytes(dek)).has_value();
  };
  EXPECT_TRUE(create(16, 16, 16));
  EXPECT_TRUE(create(24, 24, 24));
  EXPECT_TRUE(create(32, 32, 32));
  EXPECT_FALSE(create(16, 16, 32));
  EXPECT_FALSE(create(16, 24, 16));
  EXPECT_FALSE(create(32, 16, 16));
  EXPECT_FALSE(create(0, 0, 0));
  EXPECT_FALSE(create(17, 17, 17));
}

TEST(Scp03DeriveTest, RefusesLengthsItCannotName) {
  const Bytes key(16);
  EXPECT_FALSE(scp03_derive(key, kDeriveSEnc, {}, 0).has_value());
  EXPECT_FALSE(scp03_derive(key, kDeriveSEnc, {}, 8192).has_value());
  EXPECT_FALSE(scp03_derive(Bytes(15), kDeriveSEnc, {}, 16).has_value());
  EXPECT_TRUE(scp03_derive(key, kDeriveSEnc, {}, 16).has_value());
}

}  // namespace
}  // namespace kagibin::scp
