// SPDX-License-Identifier: Apache-2.0
// Both ends of SCP11 against each other, in every combination and with every octet wrong.
#include <gtest/gtest.h>

#include "kagibin/scp/scp11/scp11_test_ends.h"

#include "tests/support/failing_rng.h"
#include "tests/support/mutations.h"

namespace kagibin::scp {
namespace {

namespace sw = apdu::sw;
using crypto::Curve;
using test_ends::Ends;
using test_ends::Format;
using test_ends::kKvn;
using test_ends::make_key;
using test_ends::Setting;

constexpr std::array kVariants = {Scp11Variant::kA, Scp11Variant::kB, Scp11Variant::kC};

std::vector<Setting> all_settings() {
  std::vector<Setting> out;
  for (const Scp11Variant variant : kVariants) {
    for (const Curve curve : {Curve::kP256, Curve::kP384}) {
      for (const int key_size : {16, 24, 32}) {
        for (const bool s16 : {false, true}) {
          for (const bool encryption : {false, true}) {
            out.push_back({.variant = variant,
                           .curve = curve,
                           .key_size = static_cast<std::uint8_t>(key_size),
                           .s16 = s16,
                           .encryption = encryption,
                           .format = key_size == 24 ? Format::kX509 : Format::kGp,
                           .long_chain = s16,
                           .identities = encryption && key_size == 32});
          }
        }
      }
    }
  }
  return out;
}

struct OpenEnds {
  Scp11Host host;
  std::unique_ptr<Scp11Session> card;
};

OpenEnds opened(Ends& ends) {
  EXPECT_EQ(ends.send_certificates(), sw::kOk);
  Scp11Host host = ends.make_host();
  const auto command = host.authenticate(ends.host_rng).value();
  auto card = ends.card.authenticate(command, ends.domain, ends.card_rng);
  KB_CHECK(card.has_value());
  KB_CHECK(host.finish({.data = card->answer, .sw = sw::kOk}).has_value());
  return {std::move(host), std::move(card->session)};
}

// One command there and its answer back.
void exchange(OpenEnds& ends, std::size_t there, std::size_t back) {
  const Bytes data(there, 0xD0);
  const Bytes answer(back, 0xA0);
  const auto command = ends.host.wrap({.ins = 0xE2, .p1 = 0x80, .data = data}).value();
  const auto plain = ends.card->unwrap(command);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->cla, 0x80);
  EXPECT_EQ(to_hex(plain->data.expose()), to_hex(data));
  const Bytes wrapped = ends.card->wrap(answer, sw::kOk);
  const auto read = ends.host.unwrap({.data = wrapped, .sw = sw::kOk});
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->authenticated);
  EXPECT_EQ(to_hex(read->response.data), to_hex(answer));
}

// Amendment F, 7.6, 7.7, 7.1: SCP11a, b, c on both curves, AES-128 to 256, S8 and S16
TEST(Scp11SessionTest, BothEndsTalkInEveryVariantCurveKeySizeAndMode) {
  for (const Setting& setting : all_settings()) {
    SCOPED_TRACE(testing::Message()
                 << "variant " << static_cast<int>(setting.variant) << " curve "
                 << static_cast<int>(setting.curve) << " key " << int{setting.key_size} << " s16 "
                 << setting.s16 << " encryption " << setting.encryption);
    Ends ends(setting);
    OpenEnds open = opened(ends);
    EXPECT_EQ(open.card->level().value, setting.encryption ? 0x33 : 0x11);
    EXPECT_EQ(open.host.level(), open.card->level());
    EXPECT_EQ(open.card->protocol(), kScp11);
    for (const auto& [there, back] :
         {std::pair{0UZ, 0UZ}, {1UZ, 15UZ}, {16UZ, 16UZ}, {200UZ, 220UZ}}) {
      exchange(open, there, back);
    }
    const Bytes key(32, 0x5A);
    const Bytes encrypted = open.host.encrypt_sensitive(key).value();
    EXPECT_EQ(to_hex(open.card->decrypt_sensitive(encrypted).value().expose()), to_hex(key));
    const auto error =
        open.host.unwrap({.data = open.card->wrap(Bytes{1}, sw::kNotFound), .sw = sw::kNotFound});
    EXPECT_FALSE(error.value().authenticated);
    EXPECT_TRUE(error.value().response.data.empty());
  }
}

// GPCS 10.4.1: authentication levels
// Amendment F, 7.6: mutual and one-sided
TEST(Scp11SessionTest, TheHostIsAuthenticatedByItsCertificateAlone) {
  for (const Scp11Variant variant : kVariants) {
    Ends ends({.variant = variant});
    const OffCardEntity entity = opened(ends).card->off_card_entity();
    if (variant == Scp11Variant::kB) {
      EXPECT_EQ(entity.authentication, Authentication::kNone);
    } else {
      EXPECT_EQ(entity.authentication, Authentication::kAuthenticated);
      EXPECT_EQ(to_hex(entity.identity), to_hex(test_ends::kHostName));
    }
    ends.domain.provider = {0x99};
    Ends other({.variant = variant});
    other.domain.provider = {0x99};
    EXPECT_EQ(
        opened(other).card->off_card_entity().authentication,
        variant == Scp11Variant::kB ? Authentication::kNone : Authentication::kAnyAuthenticated);
  }
}

TEST(Scp11SessionTest, AClosedSessionHasNothingLeft) {
  Ends ends({});
  OpenEnds open = opened(ends);
  open.card->close();
  open.host.close();
  EXPECT_FALSE(open.card->open());
  EXPECT_EQ(open.card->level().value, 0);
  EXPECT_EQ(open.card->off_card_entity().authentication, Authentication::kNone);
  EXPECT_EQ(open.card->unwrap({.cla = 0x84, .ins = 0xE2, .data = Bytes(8)}).error(),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(open.card->decrypt_sensitive(Bytes(16)).error(), sw::kConditionsNotSatisfied);
  EXPECT_EQ(open.card->establish({.cla = 0x80, .ins = 0x82}).sw, sw::kConditionsNotSatisfied);
  EXPECT_EQ(open.host.wrap({.ins = 0xE2}).error().code, Errc::kState);
  EXPECT_EQ(open.host.unwrap({.data = {}, .sw = sw::kOk}).error().code, Errc::kState);
  EXPECT_EQ(open.host.encrypt_sensitive(Bytes(16)).error().code, Errc::kState);
  EXPECT_EQ(open.host.finish({.data = {}, .sw = sw::kOk}).error().code, Errc::kState);
}

// Every octet of the command that agrees on keys is either refused or gives the card a receipt that
// the host refuses.
// Amendment F, 7.6.2.3: the key agreement
TEST(Scp11SessionTest, NoFlippedBitOfTheKeyAgreementOpensASession) {
  for (const Scp11Variant variant : kVariants) {
    Ends ends({.variant = variant});
    ASSERT_EQ(ends.send_certificates(), sw::kOk);
    Scp11Host probe = ends.make_host();
    const auto command = probe.authenticate(ends.host_rng).value();
    const Bytes octets = command.encode();
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
      Bytes flipped = octets;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto changed = apdu::CommandApdu::decode(flipped);
      if (!changed || changed->cla != command.cla || *changed == command ||
          (changed->ins == command.ins && changed->p1 == command.p1 && changed->p2 == command.p2 &&
           changed->data == command.data)) {
        continue;
      }
      if (changed->ins != 0x82 && changed->ins != 0x88) {
        continue;
      }
      const auto answered = ends.card.authenticate(*changed, ends.domain, ends.card_rng);
      if (answered) {
        Scp11Host host = ends.make_host();
        test::FixedRng same("host");
        ASSERT_TRUE(host.authenticate(same).has_value());
        EXPECT_EQ(host.finish({.data = answered->answer, .sw = sw::kOk}).error().code,
                  Errc::kAuthentication)
            << bit;
      }
    }
  }
}

// Amendment F, 7.6: the receipt
TEST(Scp11SessionTest, NoFlippedBitOfTheAnswerIsBelieved) {
  for (const Scp11Variant variant : kVariants) {
    Ends ends({.variant = variant});
    ASSERT_EQ(ends.send_certificates(), sw::kOk);
    Scp11Host first = ends.make_host();
    const auto command = first.authenticate(ends.host_rng).value();
    const Bytes answer = ends.card.authenticate(command, ends.domain, ends.card_rng)->answer;
    ASSERT_TRUE(first.finish({.data = answer, .sw = sw::kOk}).has_value());
    for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
      Bytes flipped = answer;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      Scp11Host host = ends.make_host();
      test::FixedRng same("host");
      ASSERT_TRUE(host.authenticate(same).has_value());
      EXPECT_FALSE(host.finish({.data = flipped, .sw = sw::kOk}).has_value()) << bit;
      EXPECT_FALSE(host.open());
    }
    for (std::size_t size = 0; size < answer.size(); ++size) {
      Scp11Host host = ends.make_host();
      test::FixedRng same("host");
      ASSERT_TRUE(host.authenticate(same).has_value());
      EXPECT_FALSE(host.finish({.data = Bytes(answer.begin(),
                                              answer.begin() + static_cast<std::ptrdiff_t>(size)),
                                .sw = sw::kOk})
                       .has_value());
    }
  }
}

// Amendment D, 6.2.4, 6.2.5: secure messaging in SCP11
TEST(Scp11SessionTest, NoFlippedBitOfAWrappedCommandOrAnswerIsTaken) {
  for (const bool s16 : {false, true}) {
    Ends ends({.s16 = s16});
    OpenEnds open = opened(ends);
    const Bytes data = {1, 2, 3};
    const auto command = open.host.wrap({.ins = 0xE2, .data = data}).value();
    const Bytes octets = command.encode();
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
      Bytes flipped = octets;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto changed = apdu::CommandApdu::decode(flipped);
      if (!changed || changed->cla != command.cla || changed->encode() == octets) {
        continue;
      }
      Ends fresh({.s16 = s16});
      OpenEnds other = opened(fresh);  // the same session: its sources are fixed
      EXPECT_EQ(other.card->unwrap(*changed).error(), sw::kSecurityStatusNotSatisfied) << bit;
      EXPECT_FALSE(other.card->open());
    }
    ASSERT_TRUE(open.card->unwrap(command).has_value());
    const Bytes answer = open.card->wrap(Bytes(5, 9), sw::kOk);
    for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
      Bytes flipped = answer;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      Ends fresh({.s16 = s16});
      OpenEnds other = opened(fresh);
      ASSERT_TRUE(other.host.wrap({.ins = 0xE2, .data = data}).has_value());
      EXPECT_EQ(other.host.unwrap({.data = flipped, .sw = sw::kOk}).error().code,
                Errc::kAuthentication)
          << bit;
      EXPECT_FALSE(other.host.open());
    }
  }
}

TEST(Scp11SessionTest, ACommandIsTakenOnceAndInOrder) {
  Ends ends({});
  OpenEnds open = opened(ends);
  const auto first = open.host.wrap({.ins = 0xE2, .data = Bytes{1}}).value();
  const auto second = open.host.wrap({.ins = 0xE2, .data = Bytes{2}}).value();
  ASSERT_TRUE(open.card->unwrap(first).has_value());
  EXPECT_EQ(open.card->unwrap(first).error(), sw::kSecurityStatusNotSatisfied);
  Ends again({});
  OpenEnds other = opened(again);
  EXPECT_EQ(other.card->unwrap(second).error(), sw::kSecurityStatusNotSatisfied);
}

// In SCP11c alone a recorded handshake opens the same session once more.
// Amendment F, 4.3: SCP11c scripts
TEST(Scp11SessionTest, OnlyAnScp11cSessionCanBeSentAgain) {
  for (const Scp11Variant variant : kVariants) {
    Ends ends({.variant = variant});
    ASSERT_EQ(ends.send_certificates(), sw::kOk);
    Scp11Host host = ends.make_host();
    const auto command = host.authenticate(ends.host_rng).value();
    const Bytes first = ends.card.authenticate(command, ends.domain, ends.card_rng)->answer;
    const Bytes second = ends.card.authenticate(command, ends.domain, ends.card_rng)->answer;
    EXPECT_EQ(first == second, variant == Scp11Variant::kC);
  }
}

TEST(Scp11SessionTest, TheStaticDataEncryptionKeyStandsInForTheSessions) {
  Ends ends({});
  ends.domain.dek = Bytes(16, 0x77);
  ends.domain.dek_identifier = 0x12;
  OpenEnds open = opened(ends);
  const Bytes value(16, 0x01);
  const Bytes encrypted =
      crypto::aes_cbc_encrypt(ends.domain.dek, crypto::AesBlock{}, value).value();
  EXPECT_EQ(to_hex(open.card->decrypt_sensitive(encrypted).value().expose()), to_hex(value));
  EXPECT_NE(to_hex(open.host.encrypt_sensitive(value).value()), to_hex(encrypted));
}

struct Refusal {
  const char* what;
  StatusWord sw;
  void (*change)(apdu::CommandApdu&, Ends&);
};

Bytes with_point(const apdu::CommandApdu& command, const Bytes& point) {
  auto request = KeyAgreementRequest::decode(command.data).value();
  request.ephemeral_point = point;
  return request.encode();
}

TEST(Scp11SessionTest, TheCardNamesEachReasonToRefuse) {
  const Refusal refusals[] = {
      {"KVN that is not there", sw::kReferencedDataNotFound,
       [](auto& command, auto&) { command.p1 = kKvn + 1; }},
      {"b8 of P1", sw::kIncorrectP1P2, [](auto& command, auto&) { command.p1 |= 0x80; }},
      {"b8 of P2", sw::kIncorrectP1P2, [](auto& command, auto&) { command.p2 |= 0x80; }},
      {"KID of SCP11b", sw::kReferencedDataNotFound,
       [](auto& command, auto&) { command.p2 = kKidScp11b; }},
      {"KID of a CA key", sw::kReferencedDataNotFound,
       [](auto& command, auto&) { command.p2 = kKidCaKloc; }},
      {"KID of SCP11c with parameters of SCP11a", sw::kWrongData,
       [](auto& command, auto&) { command.p2 = kKidScp11c; }},
      {"no certificate came", sw::kReferencedDataNotFound,
       [](auto&, auto& ends) { ends.card.forget(); }},
      {"a variant that the domain does not speak", sw::kFunctionNotSupported,
       [](auto&, auto& ends) { ends.domain.i.first = 0x02; }},
      {"nothing", sw::kWrongData, [](auto& command, auto&) { command.data.clear(); }},
      {"trailing octets", sw::kWrongData, [](auto& command, auto&) { command.data.push_back(0); }},
      {"a point off the curve", sw::kWrongData,
       [](auto& command, auto&) {
         auto request = KeyAgreementRequest::decode(command.data).value();
         request.ephemeral_point.back() ^= 1;
         command.data = request.encode();
       }},
      {"the point at infinity", sw::kWrongData,
       [](auto& command, auto&) { command.data = with_point(command, Bytes{0x00}); }},
      {"a point with an octet less", sw::kWrongData,
       [](auto& command, auto&) {
         auto point = KeyAgreementRequest::decode(command.data).value().ephemeral_point;
         point.pop_back();
         command.data = with_point(command, point);
       }},
      {"a compressed point", sw::kWrongData,
       [](auto& command, auto&) {
         auto point = KeyAgreementRequest::decode(command.data).value().ephemeral_point;
         point.resize(33);
         point[0] = 0x02;
         command.data = with_point(command, point);
       }},
      {"a point of the other curve", sw::kWrongData,
       [](auto& command, auto&) {
         command.data = with_point(command, make_key(Curve::kP384, "other").public_key().point());
       }},
      {"a host's key on the other curve", sw::kWrongData,
       [](auto&, auto& ends) {
         const auto other = make_key(Curve::kP384, "other");
         EXPECT_EQ(ends.send(ends.authority.chain(Format::kGp, other.public_key(), false)),
                   sw::kOk);
       }},
      {"no identities in the domain", sw::kReferencedDataNotFound,
       [](auto& command, auto&) {
         auto request = KeyAgreementRequest::decode(command.data).value();
         request.with_identities = true;
         request.host_id = {1};
         command.data = request.encode();
       }},
  };
  for (const Refusal& refusal : refusals) {
    Ends ends({});
    ASSERT_EQ(ends.send_certificates(), sw::kOk);
    Scp11Host host = ends.make_host();
    auto command = host.authenticate(ends.host_rng).value();
    refusal.change(command, ends);
    const auto answer = ends.card.authenticate(command, ends.domain, ends.card_rng);
    ASSERT_FALSE(answer.has_value()) << refusal.what;
    EXPECT_EQ(answer.error(), refusal.sw) << refusal.what;
  }
}

TEST(Scp11SessionTest, WhateverFailsInTheSourceOpensNothing) {
  for (const Scp11Variant variant : {Scp11Variant::kA, Scp11Variant::kB}) {
    Ends ends({.variant = variant});
    ASSERT_EQ(ends.send_certificates(), sw::kOk);
    Scp11Host host = ends.make_host();
    test::FailingRng failing("host", 1);
    EXPECT_EQ(host.authenticate(failing).error().code, Errc::kCrypto);
    EXPECT_EQ(host.finish({.data = {}, .sw = sw::kOk}).error().code, Errc::kState);
    const auto command = host.authenticate(ends.host_rng).value();
    test::FailingRng card_failing("card", 1);
    EXPECT_EQ(ends.card.authenticate(command, ends.domain, card_failing).error(), sw::kNoDiagnosis);
  }
}

TEST(Scp11SessionTest, TheHostRefusesOptionsThatDoNotFit) {
  Ends ends({});
  const auto sd = ends.domain.key->public_key();
  const auto code = [&](Scp11Host host) {
    const auto command = host.authenticate(ends.host_rng);
    return command ? Errc::kState : command.error().code;
  };
  EXPECT_EQ(code(Scp11Host(sd, {.variant = Scp11Variant::kA})), Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, ends.own.duplicate(), {.variant = Scp11Variant::kB})),
            Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, make_key(Curve::kP384, "x"), {.variant = Scp11Variant::kA})),
            Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, {.key_size = 17})), Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, {.key_version_number = 0x80})), Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, {.host_id = Bytes(17)})), Errc::kInvalidArgument);
  EXPECT_EQ(code(Scp11Host(sd, {.host_id = Bytes(16)})), Errc::kNotFound);
}

// Amendment F, 4.3: SCP11c
TEST(Scp11SessionTest, InScp11cTheCardAnswersWithItsStaticKeyOrIsRefused) {
  Ends ends({.variant = Scp11Variant::kC});
  ASSERT_EQ(ends.send_certificates(), sw::kOk);
  Scp11Host host = ends.make_host();
  const auto command = host.authenticate(ends.host_rng).value();
  auto answer = KeyAgreementAnswer::decode(
                    ends.card.authenticate(command, ends.domain, ends.card_rng)->answer)
                    .value();
  answer.point = make_key(Curve::kP256, "another").public_key().point();
  EXPECT_EQ(host.finish({.data = answer.encode(), .sw = sw::kOk}).error().code, Errc::kUntrusted);
}

// Amendment F, 7.6.2.3: A6 and 5F49
TEST(KeyAgreementTest, ObjectsStandInTheirOrderOnceAndInTheirLength) {
  const KeyAgreementRequest request{.variant = Scp11Variant::kC,
                                    .with_identities = true,
                                    .key_usage = kUsageMac,
                                    .key_size = 24,
                                    .host_id = {1, 2},
                                    .ephemeral_point = Bytes(65, 4)};
  const Bytes octets = request.encode();
  EXPECT_EQ(KeyAgreementRequest::decode(octets).value(), request);
  const auto decodes = [](const Bytes& one) {
    const auto read = KeyAgreementRequest::decode(one);
    EXPECT_TRUE(!read || read->encode() == one);
    return read.has_value();
  };
  EXPECT_EQ(accepted(test::truncations(octets), decodes), test::Names());
}

// Amendment F, 7.6.2.3: reserved values
TEST(KeyAgreementTest, ReservedValuesAreRefused) {
  const KeyAgreementRequest request{.ephemeral_point = Bytes(65, 4)};
  const std::string hex = to_hex(request.encode());
  const auto code = [&](std::string_view old_hex, std::string_view new_hex) {
    std::string changed = hex;
    const auto read = KeyAgreementRequest::decode(
        *from_hex(changed.replace(changed.find(old_hex), old_hex.size(), new_hex)));
    return read ? Errc::kState : read.error().code;
  };
  EXPECT_EQ(code("90021100", "90021000"), Errc::kValue);  // SCP10
  EXPECT_EQ(code("90021100", "90021102"), Errc::kValue);  // b2 without b1
  EXPECT_EQ(code("90021100", "90021108"), Errc::kValue);  // reserved
  EXPECT_EQ(code("95013C", "950114"), Errc::kValue);      // C-MAC alone
  EXPECT_EQ(code("95013C", "9501BC"), Errc::kValue);
  EXPECT_EQ(code("800188", "800180"), Errc::kValue);  // DES
  EXPECT_EQ(code("810110", "810111"), Errc::kValue);
  EXPECT_EQ(code("90021100", "90021104"), Errc::kTruncated);  // identities without 84
  EXPECT_EQ(code("A60D", "A50D"), Errc::kUnexpectedTag);
}

}  // namespace
}  // namespace kagibin::scp
