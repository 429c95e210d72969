// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/scp_certificate.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/mutations.h"
#include "tests/support/x509_maker.h"

namespace kagibin::pki {
namespace {

using crypto::Curve;
using crypto::CurvePrivateKey;
using test::Names;

CurvePrivateKey make_key(Curve curve, std::string_view seed) {
  test::FixedRng rng(seed);
  return CurvePrivateKey::generate(curve, rng).value();
}

GpCertificateFields usual_fields() {
  return {.serial = {1, 2, 3},
          .authority = {0xA1, 0xA2, 0xA3},
          .subject = {0xB1, 0xB2},
          .use = CertifiedUse::kKeyAgreement,
          .effective = CertificateDate{20240101},
          .expiration = CertificateDate{20301231}};
}

class GpCertificateTest : public ::testing::Test {
 protected:
  Result<GpCertificate> issue(const GpCertificateFields& fields, Curve curve = Curve::kP256) {
    return GpCertificate::issue(fields, make_key(curve, "subject").public_key(),
                                make_key(curve, "issuer"), rng_);
  }
  // A certificate of these objects, 93..7F49, well signed.
  Bytes sign(std::string_view body_hex) {
    const Bytes body = from_hex(body_hex).value();
    const Bytes signature = crypto::ecdsa_sign_raw(issuer_, {body}, rng_).value();
    return tlv::encode(0x7F21, tlv::TlvWriter().raw(body).put(0x5F37, signature).view());
  }
  std::string key_hex() const {
    return "7F4946B041" + to_hex(make_key(Curve::kP256, "subject").public_key().point()) + "F00100";
  }

  test::FixedRng rng_{"certificates"};
  CurvePrivateKey issuer_ = make_key(Curve::kP256, "issuer");
};

// Amendment F, 6.1: certificates of GlobalPlatform's format
TEST_F(GpCertificateTest, RoundTripsOnBothCurvesWithAndWithoutItsOptionalFields) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    for (const bool full : {false, true}) {
      GpCertificateFields fields = usual_fields();
      if (full) {
        fields.discretionary = Bytes(127, 0x0D);
        fields.authorizations = Bytes{0x80, 0x01, 0x00};
        fields.serial = Bytes(20, 1);
      } else {
        fields.effective.reset();
        fields.use = CertifiedUse::kVerification;
      }
      const GpCertificate issued = issue(fields, curve).value();
      const GpCertificate read = GpCertificate::decode(issued.encoded()).value();
      EXPECT_EQ(read.encoded(), issued.encoded());
      EXPECT_EQ(read.fields().serial, fields.serial);
      EXPECT_EQ(read.fields().authority, fields.authority);
      EXPECT_EQ(read.fields().subject, fields.subject);
      EXPECT_EQ(read.fields().use, fields.use);
      EXPECT_EQ(read.fields().effective, fields.effective);
      EXPECT_EQ(read.fields().expiration, fields.expiration);
      EXPECT_EQ(read.fields().discretionary, fields.discretionary);
      EXPECT_EQ(read.fields().authorizations, fields.authorizations);
      EXPECT_EQ(read.key(), make_key(curve, "subject").public_key());
      EXPECT_TRUE(read.signed_by(make_key(curve, "issuer").public_key()));
      EXPECT_FALSE(read.signed_by(make_key(curve, "subject").public_key()));
    }
  }
}

// The key usage and curve objects of GPShell 3's unit tests: 95 01 82, 95 02 00 80, F0 01 00.
// Amendment F, 6.1: against a published tool
TEST_F(GpCertificateTest, IsWrittenAsPublishedToolsReadIt) {
  const std::string hex = to_hex(issue(usual_fields())->encoded());
  EXPECT_TRUE(
      hex.starts_with("7F2181AD930301020342"
                      "03A1A2A35F2002B1B2950200805F2504202401015F2404203012317F4946B041"))
      << hex;
}

TEST_F(GpCertificateTest, NoTruncationAndNoFlippedBitVerifies) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    GpCertificateFields fields = usual_fields();
    fields.authorizations = Bytes{0x80, 0x01, 0x00};
    const Bytes octets = issue(fields, curve)->encoded();
    EXPECT_EQ(accepted(test::truncations(octets),
                       [](const Bytes& cut) { return GpCertificate::decode(cut).has_value(); }),
              Names());
    const auto issuer = make_key(curve, "issuer").public_key();
    EXPECT_EQ(accepted(test::bit_flips(octets),
                       [&](const Bytes& flipped) {
                         const auto read = GpCertificate::decode(flipped);
                         return read && read->signed_by(issuer);
                       }),
              Names());
  }
}

// Amendment F, 6.1: limits of fields
TEST_F(GpCertificateTest, FieldsOutsideTheirLimitsAreNeitherIssuedNorRead) {
  const auto code = [&](auto change) {
    GpCertificateFields fields = usual_fields();
    change(fields);
    return issue(fields).error().code;
  };
  EXPECT_EQ(code([](auto& f) { f.serial.clear(); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.serial = Bytes(21, 1); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.authority.clear(); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.subject = Bytes(21, 1); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.discretionary = Bytes(128); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.authorizations = Bytes(2'048); }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.expiration = CertificateDate{20301301}; }),
            Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) { f.effective = CertificateDate{20310101}; }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& f) {
              f.use = CertifiedUse::kVerification;
              f.authorizations = Bytes();
            }),
            Errc::kInvalidArgument);
}

TEST_F(GpCertificateTest, WhatIsNotOfTheFormatIsRefusedByItsName) {
  const std::string head = "93010142010A5F20010B";
  const std::string date = "5F240420301231";
  const auto code = [&](const std::string& body) {
    const auto read = GpCertificate::decode(sign(body));
    return read ? Errc::kState : read.error().code;
  };
  EXPECT_EQ(code(head + "95020080" + date + key_hex()), Errc::kState);
  EXPECT_EQ(code(head + "950180" + date + key_hex()), Errc::kValue);
  EXPECT_EQ(code(head + "95028200" + date + key_hex()), Errc::kValue);
  EXPECT_EQ(code(head + "95020080" + key_hex()), Errc::kUnexpectedTag);
  EXPECT_EQ(code(head + "95020080" + "5F240414" + "1C0C1F" + key_hex()), Errc::kEncoding);
  EXPECT_EQ(code(head + "95020080" + date + "BF200053" + "0101" + key_hex()), Errc::kUnexpectedTag);
  EXPECT_EQ(code(head + "95020080" + date + "530101730101" + key_hex()), Errc::kUnexpectedTag);
  EXPECT_EQ(code(head + "95020080" + date + "730101" + key_hex()), Errc::kState);
  std::string other_curve = key_hex();
  other_curve.back() = '1';
  EXPECT_EQ(code(head + "95020080" + date + other_curve), Errc::kValue);  // no point of P-384
  other_curve.back() = '3';
  EXPECT_EQ(code(head + "95020080" + date + other_curve), Errc::kNotSupported);
  std::string off_curve = key_hex();
  off_curve[off_curve.size() - 7] = off_curve[off_curve.size() - 7] == '0' ? '1' : '0';
  EXPECT_EQ(code(head + "95020080" + date + off_curve), Errc::kValue);
  EXPECT_EQ(GpCertificate::decode(Bytes(2'049)).error().code, Errc::kLength);
}

TEST_F(GpCertificateTest, ASignatureInDerIsNotOne) {
  Bytes body = from_hex("93010142010A5F20010B950200805F240420301231" + key_hex()).value();
  const Bytes der = from_hex("3006020101020101").value();
  const Bytes octets = tlv::encode(0x7F21, tlv::TlvWriter().raw(body).put(0x5F37, der).view());
  const auto read = GpCertificate::decode(octets);
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->signed_by(issuer_.public_key()));
}

class X509Test : public ::testing::Test {
 protected:
  Bytes make(auto change) {
    test::X509Wish wish{.key = &subject_key_,
                        .issuer_key = &issuer_,
                        .subject_key_identifier = {5, 6},
                        .authority_key_identifier = {7, 8}};
    change(wish);
    return test::make_x509(wish);
  }

  CurvePrivateKey issuer_ = make_key(Curve::kP384, "issuer");
  crypto::CurvePublicKey subject_key_ = make_key(Curve::kP256, "subject").public_key();
};

TEST_F(X509Test, GivesTheSameFactsAsTheOtherFormat) {
  const Bytes der = make([](auto& wish) { wish.serial = Bytes{0x80, 0x01}; });
  const ScpCertificate read = ScpCertificate::decode(der).value();
  EXPECT_TRUE(read.is_x509());
  EXPECT_EQ(read.encoded(), der);
  EXPECT_EQ(read.key(), subject_key_);
  EXPECT_EQ(to_hex(read.serial()), "008001");
  EXPECT_EQ(to_hex(read.subject_identifier()), "0506");
  EXPECT_EQ(to_hex(read.authority_identifier()), "0708");
  EXPECT_EQ(read.effective(), CertificateDate{20260101});
  EXPECT_EQ(read.expiration(), CertificateDate{20301231});
  EXPECT_TRUE(read.may(CertifiedUse::kKeyAgreement));
  EXPECT_FALSE(read.may(CertifiedUse::kVerification));
  EXPECT_FALSE(read.authorizations().has_value());
  EXPECT_TRUE(read.signed_by(issuer_.public_key()));
  EXPECT_FALSE(read.signed_by(subject_key_));
}

// RFC 5280, 4.2.1.3, 4.2.1.9: key usage and basic constraints
TEST_F(X509Test, UsesFollowFromItsExtensions) {
  const auto authority = ScpCertificate::decode(make([](auto& w) { w.authority = true; })).value();
  EXPECT_TRUE(authority.may(CertifiedUse::kVerification));
  EXPECT_FALSE(authority.may(CertifiedUse::kKeyAgreement));
  const auto plain = ScpCertificate::decode(make([](auto& w) { w.key_usage = false; })).value();
  EXPECT_FALSE(plain.may(CertifiedUse::kVerification));
  EXPECT_TRUE(plain.may(CertifiedUse::kKeyAgreement));
}

// RFC 5280, 4.2: critical extensions
TEST_F(X509Test, UnknownCriticalExtensionsTrailingOctetsAndTruncationsAreRefused) {
  EXPECT_EQ(ScpCertificate::decode(make([](auto& w) { w.extension_oid = "1.2.3.4"; })).error().code,
            Errc::kNotSupported);
  // Name constraints: libcrypto knows them, but nothing here holds anybody to them.
  EXPECT_EQ(ScpCertificate::decode(make([](auto& w) {
              w.extension_oid = "2.5.29.30";
              w.extension_value = *from_hex("3009A0073005820361 2E62");
            }))
                .error()
                .code,
            Errc::kNotSupported);
  // Policies, as published tools put them into SCP11 certificates.
  EXPECT_TRUE(ScpCertificate::decode(make([](auto& w) {
    w.extension_oid = "2.5.29.32";
    w.extension_value = *from_hex("300F300D060B2A864886FC6B64000A0201");
  })));
  Bytes der = make([](auto&) {});
  EXPECT_EQ(accepted(test::truncations(der),
                     [](const Bytes& cut) { return ScpCertificate::decode(cut).has_value(); }),
            Names());
  der.push_back(0);
  EXPECT_EQ(ScpCertificate::decode(der).error().code, Errc::kEncoding);
  EXPECT_EQ(ScpCertificate::decode(Bytes(4'097, 0x30)).error().code, Errc::kLength);
}

// RFC 5280, 4.1.1: the signature covers the certificate
TEST_F(X509Test, NoFlippedBitVerifies) {
  const Bytes der = make([](auto&) {});
  EXPECT_EQ(accepted(test::bit_flips(der),
                     [&](const Bytes& flipped) {
                       const auto read = ScpCertificate::decode(flipped);
                       return read && read->signed_by(issuer_.public_key());
                     }),
            Names());
}

TEST_F(X509Test, ListsHoldOneFormatAndAtMostEight) {
  const Bytes der = make([](auto&) {});
  Bytes list;
  for (int i = 0; i < 8; ++i) {
    append(list, der);
    EXPECT_EQ(decode_certificates(list)->size(), static_cast<std::size_t>(i) + 1);
  }
  append(list, der);
  EXPECT_EQ(decode_certificates(list).error().code, Errc::kLimit);
  EXPECT_EQ(decode_certificates({}).error().code, Errc::kTruncated);
  EXPECT_EQ(decode_certificates(Bytes{0x7F}).error().code, Errc::kTruncated);
  EXPECT_FALSE(decode_certificates(Bytes{0x7F, 0x21, 0x00}).has_value());
  test::FixedRng rng("other format");
  Bytes mixed = der;
  append(mixed, GpCertificate::issue(usual_fields(), subject_key_, issuer_, rng)->encoded());
  EXPECT_EQ(decode_certificates(mixed).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(decode_certificates(Bytes{0x04, 0x00}).error().code, Errc::kUnexpectedTag);
}

}  // namespace
}  // namespace kagibin::pki
