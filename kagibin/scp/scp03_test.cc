// SPDX-License-Identifier: Apache-2.0
// SCP03 against numbers published by other implementations (testdata/scp03.vec names them).
#include "kagibin/scp/scp03.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03_card.h"
#include "kagibin/scp/scp03_host.h"

namespace kagibin::scp {
namespace {

using Case = std::vector<std::pair<std::string, std::string>>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) {
    return "";
  }
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The cases of one section, each a list of attributes in their order. A line that is none fails.
std::vector<Case> cases(const std::string& file, const std::string& wanted) {
  std::ifstream in(std::string(KAGIBIN_SOURCE_DIR) + "/kagibin/scp/testdata/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::vector<Case> out;
  Case current;
  std::string section;
  const auto end_case = [&] {
    if (!current.empty() && section == wanted) {
      out.push_back(current);
    }
    current.clear();
  };
  for (std::string raw; std::getline(in, raw);) {
    const std::string line = trimmed(raw);
    if (line.empty()) {
      end_case();
    } else if (line.front() == '[') {
      end_case();
      section = line.substr(1, line.size() - 2);
    } else if (line.front() != '#') {
      const auto equals = line.find('=');
      EXPECT_NE(equals, std::string::npos) << line;
      current.emplace_back(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    }
  }
  end_case();
  EXPECT_FALSE(out.empty()) << "no case in section " << wanted;
  return out;
}

std::string get(const Case& attributes, const std::string& key) {
  for (const auto& [name, value] : attributes) {
    if (name == key) {
      return value;
    }
  }
  ADD_FAILURE() << "no attribute " << key;
  return "";
}

Bytes octets(const std::string& hex) {
  auto out = from_hex(hex);
  EXPECT_TRUE(out.has_value()) << hex;
  return out.value_or(Bytes{});
}

Scp03KeySet key_set(const Case& one) {
  return Scp03KeySet::create(SecretBytes::copy_of(octets(get(one, "Enc"))),
                             SecretBytes::copy_of(octets(get(one, "Mac"))),
                             SecretBytes::copy_of(octets(get(one, "Dek"))))
      .value();
}

apdu::CommandApdu command(const std::string& hex) {
  return apdu::CommandApdu::decode(octets(hex)).value();
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

PlainCommand plain_of(const apdu::CommandApdu& from) {
  return {.cla = from.cla,
          .ins = from.ins,
          .p1 = from.p1,
          .p2 = from.p2,
          .data = from.data,
          .le = from.le};
}

Scp03HostOptions options_of(const apdu::CommandApdu& initialize_update) {
  return {.key_version_number = initialize_update.p1,
          .key_identifier = initialize_update.p2,
          .s16 = initialize_update.data.size() == 16};
}

TEST(Scp03VectorTest, HostMakesTheCommandsOfPublishedSessions) {
  int answers = 0;
  for (const Case& one : cases("scp03.vec", "Sessions")) {
    SCOPED_TRACE(get(one, "InitializeUpdateAnswer"));
    const auto initialize_update = command(get(one, "InitializeUpdate"));
    Scp03Host host(key_set(one), options_of(initialize_update));
    SetRng rng(initialize_update.data);
    auto made = host.initialize_update(rng);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->encode(), initialize_update.encode());
    const auto authenticate = command(get(one, "ExternalAuthenticate"));
    made = host.external_authenticate(
        {.data = octets(get(one, "InitializeUpdateAnswer")), .sw = apdu::sw::kOk},
        SecurityLevel{authenticate.p1});
    ASSERT_TRUE(made.has_value()) << made.error().detail.text();
    EXPECT_EQ(made->encode(), authenticate.encode());
    ASSERT_TRUE(host.finish_authentication({.sw = apdu::sw::kOk}).has_value());

    apdu::CommandApdu plain;
    apdu::ResponseApdu answer;
    for (const auto& [name, value] : one) {
      if (name == "Plain") {
        plain = command(value);
      } else if (name == "Wrapped") {
        made = host.wrap(plain_of(plain));
        ASSERT_TRUE(made.has_value());
        EXPECT_EQ(to_hex(made->encode()), value);
      } else if (name == "Answer") {
        answer = {.data = octets(value), .sw = apdu::sw::kOk};
      } else if (name == "AnswerPlain") {
        auto got = host.unwrap(answer);
        ASSERT_TRUE(got.has_value()) << to_hex(answer.data);
        EXPECT_EQ(to_hex(got->response.data), value);
        EXPECT_EQ(got->authenticated, host.level().r_mac());
        ++answers;
      }
    }
  }
  EXPECT_EQ(answers, 9 + 6 * 3);
}

TEST(Scp03VectorTest, PublishedSessionsHaveThePublishedKeysAndChallenges) {
  int keys = 0;
  int challenges = 0;
  for (const Case& one : cases("scp03.vec", "Sessions")) {
    SCOPED_TRACE(get(one, "InitializeUpdateAnswer"));
    const auto initialize_update = command(get(one, "InitializeUpdate"));
    const auto answer =
        InitializeUpdateAnswer::decode(octets(get(one, "InitializeUpdateAnswer"))).value();
    EXPECT_EQ(to_hex(answer.encode()), get(one, "InitializeUpdateAnswer"));
    EXPECT_TRUE(scp03_card_holds(key_set(one), initialize_update.data, answer));
    for (const auto& [name, value] : one) {
      if (name == "SEnc") {
        const auto session =
            Scp03SessionKeys::derive(key_set(one), initialize_update.data, answer.card_challenge)
                .value();
        EXPECT_TRUE(ct_equal(session.s_enc.expose(), octets(value)));
        EXPECT_TRUE(ct_equal(session.s_mac.expose(), octets(get(one, "SMac"))));
        EXPECT_TRUE(ct_equal(session.s_rmac.expose(), octets(get(one, "SRmac"))));
        ++keys;
      }
      if (name == "Aid") {
        const auto challenge =
            scp03_pseudo_random_challenge(key_set(one), answer.sequence_counter.value_or(0),
                                          octets(value), answer.card_challenge.size());
        EXPECT_EQ(challenge.value(), answer.card_challenge);
        ++challenges;
      }
    }
  }
  EXPECT_EQ(keys, 2);
  EXPECT_EQ(challenges, 9 + 5);
}

TEST(Scp03VectorTest, SessionKeysAreThePublishedOnes) {
  for (const Case& one : cases("scp03.vec", "SessionKeys")) {
    const auto session = Scp03SessionKeys::derive(key_set(one), octets(get(one, "HostChallenge")),
                                                  octets(get(one, "CardChallenge")));
    ASSERT_TRUE(session.has_value());
    EXPECT_TRUE(ct_equal(session->s_enc.expose(), octets(get(one, "SEnc"))));
    EXPECT_TRUE(ct_equal(session->s_mac.expose(), octets(get(one, "SMac"))));
    EXPECT_TRUE(ct_equal(session->s_rmac.expose(), octets(get(one, "SRmac"))));
  }
}

// The card's end is held to the sessions whose pseudo-random challenge follows from a known AID.
TEST(Scp03VectorTest, CardMakesTheAnswersOfPublishedSessions) {
  int sessions = 0;
  int answers = 0;
  for (const Case& one : cases("scp03.vec", "Sessions")) {
    SCOPED_TRACE(get(one, "InitializeUpdateAnswer"));
    const auto initialize_update = command(get(one, "InitializeUpdate"));
    const std::string published_hex = get(one, "InitializeUpdateAnswer");
    const auto published = InitializeUpdateAnswer::decode(octets(published_hex)).value();
    const auto aid = std::find_if(one.begin(), one.end(),
                                  [](const auto& attribute) { return attribute.first == "Aid"; });
    if (aid == one.end()) {
      continue;
    }
    ++sessions;
    Scp03Card card;
    SetRng no_rng({});
    const Scp03CardInit init{.parameter = published.parameter,
                             .key_version_number = published.key_version_number,
                             .diversification_data = published.diversification_data,
                             .sequence_counter = published.sequence_counter.value_or(0),
                             .aid = Aid::from_hex(aid->second).value()};
    const auto answer = card.initialize_update(initialize_update.data, key_set(one), init, no_rng);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(to_hex(*answer), published_hex);
    ASSERT_EQ(card.external_authenticate(command(get(one, "ExternalAuthenticate"))), apdu::sw::kOk);
    apdu::CommandApdu plain;
    std::string wrapped_answer;
    for (const auto& [name, value] : one) {
      if (name == "Plain") {
        plain = command(value);
      } else if (name == "Wrapped") {
        const auto got = card.unwrap(command(value));
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->cla, plain.cla);
        EXPECT_TRUE(ct_equal(got->data.expose(), plain.data));
      } else if (name == "Answer") {
        wrapped_answer = value;
      } else if (name == "AnswerPlain") {
        EXPECT_EQ(to_hex(card.wrap(octets(value), apdu::sw::kOk)), wrapped_answer);
        ++answers;
      }
    }
  }
  EXPECT_EQ(sessions, 9 + 5);
  EXPECT_EQ(answers, 9);
}

TEST(Scp03InvalidVectorTest, MalformedAnswersDoNotDecode) {
  for (const Case& one : cases("scp03_invalid.vec", "MalformedAnswer")) {
    EXPECT_FALSE(InitializeUpdateAnswer::decode(octets(get(one, "Data"))).has_value())
        << get(one, "Data");
  }
}

TEST(Scp03InvalidVectorTest, HostRefusesWrongCryptogramsBeforeATryIsUsed) {
  for (const Case& one : cases("scp03_invalid.vec", "WrongCryptogram")) {
    Scp03Host host(key_set(one), {});
    SetRng rng(octets(get(one, "HostChallenge")));
    ASSERT_TRUE(host.initialize_update(rng).has_value());
    const auto made = host.external_authenticate(
        {.data = octets(get(one, "Answer")), .sw = apdu::sw::kOk}, {0x33});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::kAuthentication);
    const auto answer = InitializeUpdateAnswer::decode(octets(get(one, "Answer"))).value();
    EXPECT_FALSE(scp03_card_holds(key_set(one), octets(get(one, "HostChallenge")), answer));
  }
}

TEST(Scp03InvalidVectorTest, HostRefusesWrongAnswersAndEndsTheSession) {
  for (const Case& one : cases("scp03_invalid.vec", "WrongAnswer")) {
    Scp03Host host(key_set(one), {});
    SetRng rng(octets(get(one, "HostChallenge")));
    ASSERT_TRUE(host.initialize_update(rng).has_value());
    ASSERT_TRUE(
        host.external_authenticate(
                {.data = octets(get(one, "InitializeUpdateAnswer")), .sw = apdu::sw::kOk}, {0x33})
            .has_value());
    ASSERT_TRUE(host.finish_authentication({.sw = apdu::sw::kOk}).has_value());
    const auto plain = command(get(one, "Plain"));
    ASSERT_TRUE(host.wrap(plain_of(plain)).has_value());
    const auto got = host.unwrap({.data = octets(get(one, "Answer")), .sw = apdu::sw::kOk});
    ASSERT_FALSE(got.has_value()) << get(one, "Answer");
    EXPECT_EQ(got.error().code, Errc::kAuthentication);
    EXPECT_FALSE(host.open());
  }
}

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

TEST(InitializeUpdateAnswerTest, RefusesEveryTruncation) {
  for (const Case& one : cases("scp03.vec", "Sessions")) {
    const Bytes whole = octets(get(one, "InitializeUpdateAnswer"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(InitializeUpdateAnswer::decode(ByteView(whole).first(size)).has_value());
    }
  }
}

}  // namespace
}  // namespace kagibin::scp
