// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/scp/scp11/scp11_test_ends.h"

#include "tests/support/vector_file.h"

namespace kagibin::scp {
namespace {

using crypto::Curve;
using test::for_each_vector;
using test::VectorCase;

// Gives the scalar of the published session's ephemeral key.
class OneScalarRng final : public crypto::Rng {
 public:
  explicit OneScalarRng(Bytes scalar) : scalar_(std::move(scalar)) {}
  Result<void> fill(MutableByteView out) override {
    if (out.size() != scalar_.size()) {
      return fail(Errc::kCrypto, "this source has one scalar");
    }
    std::ranges::copy(scalar_, out.begin());
    return {};
  }

 private:
  Bytes scalar_;
};

struct PublishedSession {
  PublishedSession(VectorCase& vector, const KeyAgreementRequest& request, bool s16)
      : ephemeral(vector.octets("EphemeralKey")),
        host(make(vector.octets("HostKey"), vector.octets("Store"), request, s16)) {}

  static Scp11Host make(const Bytes& own,
                        const Bytes& store,
                        const KeyAgreementRequest& request,
                        bool s16) {
    const Curve curve = own.size() == 32 ? Curve::kP256 : Curve::kP384;
    const auto certificates = read_certificate_store(store).value();
    return {certificates.back().key(),
            crypto::CurvePrivateKey::from_scalar(curve, own).value(),
            {.variant = request.variant,
             .key_version_number = 0x03,
             .key_size = request.key_size,
             .s16 = s16}};
  }

  OneScalarRng ephemeral;
  Scp11Host host;
};

KeyAgreementRequest request_of(const apdu::CommandApdu& command) {
  return KeyAgreementRequest::decode(command.data).value();
}

// Amendment F, 7.6, 7.7: published sessions
TEST(Scp11VectorsTest, TheHostOpensPublishedSessionsAndReadsTheirAnswers) {
  for_each_vector("kagibin/scp/scp11/testdata/scp11.vec", [](VectorCase& vector) {
    const auto sent = apdu::CommandApdu::decode(vector.octets("Command")).value();
    const bool s16 = vector.section().ends_with("S16");
    PublishedSession session(vector, request_of(sent), s16);

    const Bytes certificate = vector.octets("Certificate");
    const auto blocks = verify_certificate_commands(std::vector<Bytes>{certificate}, {0x10, 0x03},
                                                    CertificateBlocks::kParameterAndClass)
                            .value();
    ASSERT_EQ(blocks.size(), 3U);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      auto published =
          apdu::CommandApdu::decode(vector.octets("Block" + std::to_string(i + 1))).value();
      published.le = blocks[i].le;
      EXPECT_EQ(to_hex(blocks[i].encode()), to_hex(published.encode()));
    }

    const auto command = session.host.authenticate(session.ephemeral);
    ASSERT_TRUE(command.has_value());
    EXPECT_EQ(to_hex(command->encode()), to_hex(sent.encode()));
    const auto answer = apdu::ResponseApdu::decode(vector.octets("Answer")).value();
    ASSERT_TRUE(session.host.finish(answer).has_value());

    const Bytes query = {0x4F, 0x00};
    const auto wrapped = session.host.wrap({.ins = 0xF2, .p1 = 0x20, .data = query});
    ASSERT_TRUE(wrapped.has_value());
    EXPECT_EQ(to_hex(wrapped->encode()), to_hex(vector.octets("Wrapped")));
    const auto wrapped_answer = apdu::ResponseApdu::decode(vector.octets("WrappedAnswer")).value();
    const auto plain = session.host.unwrap(wrapped_answer);
    ASSERT_TRUE(plain.has_value());
    EXPECT_TRUE(plain->authenticated);
    EXPECT_EQ(to_hex(plain->response.data), to_hex(vector.octets("Plain")));
  });
}

TEST(Scp11VectorsTest, TheAnswerOfAnotherSessionIsRefused) {
  for_each_vector("kagibin/scp/scp11/testdata/scp11_invalid.vec", [](VectorCase& vector) {
    const auto sent = apdu::CommandApdu::decode(vector.octets("Command")).value();
    PublishedSession session(vector, request_of(sent), false);
    const auto command = session.host.authenticate(session.ephemeral);
    ASSERT_TRUE(command.has_value());
    const auto answer = apdu::ResponseApdu::decode(vector.octets("Answer")).value();
    EXPECT_FALSE(session.host.finish(answer).has_value());
    EXPECT_FALSE(session.host.open());
  });
}

// The published session's card is not known; a card with the host's keys computes the same secrets,
// for both ends of a key agreement do.
// BSI TR-03111, 4.3.3: key derivation of published sessions
TEST(Scp11VectorsTest, TheCardsHalfOfTheKeyScheduleGivesThePublishedReceipt) {
  for_each_vector("kagibin/scp/scp11/testdata/scp11.vec", [](VectorCase& vector) {
    const auto sent = apdu::CommandApdu::decode(vector.octets("Command")).value();
    const KeyAgreementRequest request = request_of(sent);
    const Bytes own = vector.octets("HostKey");
    const Curve curve = own.size() == 32 ? Curve::kP256 : Curve::kP384;
    const auto static_key = crypto::CurvePrivateKey::from_scalar(curve, own).value();
    const auto ephemeral =
        crypto::CurvePrivateKey::from_scalar(curve, vector.octets("EphemeralKey")).value();
    EXPECT_EQ(to_hex(ephemeral.public_key().point()), to_hex(request.ephemeral_point));
    for (const auto* unused : {"Store", "Certificate", "Block1", "Block2", "Block3", "Wrapped",
                               "WrappedAnswer", "Plain"}) {
      static_cast<void>(vector.octets(unused));
    }
    const auto answer =
        KeyAgreementAnswer::decode(apdu::ResponseApdu::decode(vector.octets("Answer")).value().data)
            .value();
    const auto sd = read_certificate_store(vector.octets("Store")).value().back().key();
    const auto answered = crypto::CurvePublicKey::from_point(curve, answer.point).value();
    SharedSecrets secrets{.first = crypto::ecdh(ephemeral, answered).value(),
                          .second = crypto::ecdh(static_key, sd).value()};
    const auto keys = derive_keys(secrets, request, sent.data, answer.point, {}, kScp11Hash);
    EXPECT_EQ(to_hex(keys.value().receipt), to_hex(answer.receipt));
    for (const auto other : {crypto::HashAlgorithm::kSha384, crypto::HashAlgorithm::kSha512}) {
      EXPECT_NE(
          to_hex(derive_keys(secrets, request, sent.data, answer.point, {}, other).value().receipt),
          to_hex(answer.receipt));
    }
  });
}

// Amendment F, 7.1: i of published cards
TEST(Scp11VectorsTest, PublishedParametersSayWhatTheCardSpeaks) {
  // Card recognition data of a YubiKey 5.7.4 as published by PeculiarVentures/scp: 64 { 06 ... 04
  // 11 9B 06 }.
  const auto yubikey = Scp11Parameter::from((0x1BU << 7U) | 0x06U).value();
  EXPECT_TRUE(yubikey.a() && yubikey.b() && yubikey.c() && yubikey.chains() && yubikey.x509());
  EXPECT_FALSE(yubikey.s16() || yubikey.own_format() || yubikey.authorizations_of_c());
  EXPECT_EQ(yubikey.arc(), 0x0D86);
  EXPECT_EQ(kScp11S8.arc(), (0x1BU << 7U) | 0x02U);
  EXPECT_TRUE(kScp11S16.s16() && kScp11S16.own_format());
  for (const auto parameter : {kScp11S8, kScp11S16, Scp11Parameter{0x02, 0}}) {
    EXPECT_EQ(Scp11Parameter::from(parameter.arc()).value(), parameter);
  }
  EXPECT_EQ(Scp11Parameter::from(0x4000).error().code, Errc::kNotSupported);
}

// Amendment F, 7.1: i in one octet or two
TEST(Scp11VectorsTest, ParametersAsOctetsSayHowManyTheyAre) {
  const auto from = [](const char* hex) { return Scp11Parameter::from_octets(*from_hex(hex)); };
  EXPECT_EQ(from("9B06").value().arc(), 0x0D86);
  EXPECT_EQ(from("9B02").value(), kScp11S8);
  EXPECT_EQ(from("DB02").value(), kScp11S16);
  EXPECT_EQ(from("02").value(), (Scp11Parameter{0x02, 0}));
  for (const char* hex : {"9B06", "9B02", "DB02", "02", "1B"}) {
    EXPECT_EQ(to_hex(from(hex).value().octets()), hex);
  }
  for (const char* wrong : {"1B02", "9B", "9B82"}) {
    EXPECT_EQ(from(wrong).error().code, Errc::kValue) << wrong;
  }
  for (const char* wrong : {"", "9B8202"}) {
    EXPECT_EQ(from(wrong).error().code, Errc::kNotSupported) << wrong;
  }
}

}  // namespace
}  // namespace kagibin::scp
