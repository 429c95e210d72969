// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/pki/chain.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/mutations.h"

namespace kagibin::pki {
namespace {

using crypto::EcPrivateKey;
using test::Names;

constexpr CertificateDate kToday{20261121};
Bytes authority_name() { return *from_hex("41555448"); }
Bytes maker_name() { return Bytes(16, 0x4D); }

CertificateFields fields_of(CertificateKind kind) {
  CertificateFields out;
  out.serial = {0x01, 0x02, static_cast<std::uint8_t>(kind)};
  out.issuer = authority_name();
  out.subject.fill(0x53);
  out.kind = kind;
  out.epoch = 2;
  out.effective = {20260101};
  out.expiration = {20261231};
  switch (kind) {
    case CertificateKind::kMaker:
      out.subject.fill(0x4D);
      out.platform = std::array<std::uint8_t, 16>{0x50};
      break;
    case CertificateKind::kKda:
      out.issuer = maker_name();
      out.aids = {*from_hex("F04B4147494B4441")};
      out.code_hash = crypto::Digest256{0xC0};
      out.attestation = AttestationProfile::kAtt1;
      break;
    case CertificateKind::kOce:
      break;
    case CertificateKind::kSecurityDomain:
      out.aids = {*from_hex("A000000151000000")};
      out.owner = Spid{{0x53}};
      out.maker_key = crypto::Digest256{0x4D};
      break;
    case CertificateKind::kServiceProvider:
      out.aids = {*from_hex("A000000151"), *from_hex("A00000000401")};
      break;
    case CertificateKind::kCasdAgreement:
    case CertificateKind::kCasdSignature:
      out.aids = {*from_hex("A00000015153504341534400")};
      out.platform = std::array<std::uint8_t, 16>{0x50};
      break;
  }
  return out;
}

constexpr std::array kKinds = {CertificateKind::kMaker,
                               CertificateKind::kKda,
                               CertificateKind::kOce,
                               CertificateKind::kSecurityDomain,
                               CertificateKind::kServiceProvider,
                               CertificateKind::kCasdAgreement,
                               CertificateKind::kCasdSignature};

class PkiTest : public ::testing::Test {
 protected:
  Certificate issue(const CertificateFields& fields, const EcPrivateKey& issuer) {
    return Certificate::issue(fields, subject_.public_key(), issuer, rng_).value();
  }
  Certificate issue_maker(const EcPrivateKey& issuer) {
    return Certificate::issue(fields_of(CertificateKind::kMaker), maker_.public_key(), issuer, rng_)
        .value();
  }
  Errc issue_error(const CertificateFields& fields) {
    return Certificate::issue(fields, subject_.public_key(), root_, rng_).error().code;
  }
  // A certificate with other octets in its signed part, which the root then signed again: nothing
  // but its content can be the reason to refuse it.
  Bytes with(const Certificate& certificate, std::string_view old_hex, std::string_view new_hex) {
    const tlv::Tlv outer = tlv::read_single(certificate.encoded(), 0x7F21).value();
    std::string hex = to_hex(outer.value.first(outer.value.size() - 67));
    const std::size_t at = hex.find(old_hex);
    KB_CHECK(at != std::string::npos);
    const Bytes body = *from_hex(hex.replace(at, old_hex.size(), new_hex));
    const Bytes signature = crypto::ecdsa_sign_raw(root_, {body}, rng_).value();
    return tlv::encode(0x7F21, tlv::TlvWriter().raw(body).put(0x5F37, signature).view());
  }

  test::FixedRng rng_{"pki"};
  EcPrivateKey root_ = EcPrivateKey::generate(rng_).value();
  EcPrivateKey second_root_ = EcPrivateKey::generate(rng_).value();
  EcPrivateKey maker_ = EcPrivateKey::generate(rng_).value();
  EcPrivateKey operator_ = EcPrivateKey::generate(rng_).value();
  EcPrivateKey subject_ = EcPrivateKey::generate(rng_).value();
  TrustAnchors anchors_{{root_.public_key(), second_root_.public_key()}};
};

TEST_F(PkiTest, EveryKindRoundTripsWithItsFields) {
  for (const CertificateKind kind : kKinds) {
    const CertificateFields fields = fields_of(kind);
    const Certificate issued = issue(fields, root_);
    const Certificate read = Certificate::decode(issued.encoded()).value();
    EXPECT_EQ(read.encoded(), issued.encoded());
    EXPECT_LE(read.encoded().size(), kCertificateMaxSize);
    EXPECT_TRUE(read.signed_by(root_.public_key()));
    EXPECT_FALSE(read.signed_by(second_root_.public_key()));
    EXPECT_EQ(read.key(), subject_.public_key());
    EXPECT_EQ(read.fields().kind, kind);
    EXPECT_EQ(read.fields().serial, fields.serial);
    EXPECT_EQ(read.fields().issuer, fields.issuer);
    EXPECT_EQ(read.fields().subject, fields.subject);
    EXPECT_EQ(read.fields().epoch, 2);
    EXPECT_EQ(read.fields().effective, fields.effective);
    EXPECT_EQ(read.fields().expiration, fields.expiration);
    EXPECT_EQ(read.fields().aids, fields.aids);
    EXPECT_EQ(read.fields().code_hash, fields.code_hash);
    EXPECT_EQ(read.fields().platform, fields.platform);
    EXPECT_EQ(read.fields().attestation, fields.attestation);
    EXPECT_EQ(read.fields().owner, fields.owner);
    EXPECT_EQ(read.fields().maker_key, fields.maker_key);
  }
}

TEST_F(PkiTest, UsageFollowsFromTheKind) {
  for (const CertificateKind kind : kKinds) {
    const Certificate certificate = issue(fields_of(kind), root_);
    const bool agrees = kind == CertificateKind::kOce || kind == CertificateKind::kSecurityDomain ||
                        kind == CertificateKind::kCasdAgreement;
    const Bytes other =
        agrees ? with(certificate, "95020080", "950182") : with(certificate, "950182", "95020080");
    EXPECT_EQ(Certificate::decode(other).error().code, Errc::kValue);
  }
}

TEST_F(PkiTest, NoTruncationAndNoFlippedBitVerifies) {
  for (const CertificateKind kind : kKinds) {
    const Bytes octets = issue(fields_of(kind), root_).encoded();
    EXPECT_EQ(accepted(test::truncations(octets),
                       [](const Bytes& cut) { return Certificate::decode(cut).has_value(); }),
              Names());
    EXPECT_EQ(accepted(test::bit_flips(octets),
                       [&](const Bytes& flipped) {
                         const Result<Certificate> read = Certificate::decode(flipped);
                         return read && read->signed_by(root_.public_key());
                       }),
              Names());
  }
}

// The fields of variable length may grow or shrink; nothing else may change, signed or not.
TEST_F(PkiTest, DataObjectsStandInTheirOrderOnceAndInTheirLength) {
  const auto decodes = [&](const Bytes& octets) {
    const Result<Certificate> read = Certificate::decode(octets);
    EXPECT_TRUE(!read || read->encoded() == octets);
    return read.has_value();
  };
  for (const CertificateKind kind : kKinds) {
    const Bytes octets = issue(fields_of(kind), root_).encoded();
    const Names outer = kind == CertificateKind::kKda
                            ? Names{"shorter 93", "longer 93", "shorter 42"}
                            : Names{"shorter 93", "longer 93", "shorter 42", "longer 42"};
    EXPECT_EQ(accepted(test::tlv_mutations(octets), decodes), outer);
    EXPECT_EQ(accepted(test::tlv_mutations(octets, {7}), decodes), Names());  // 7F49
  }
  const auto discretionary = [&](CertificateKind kind) {
    return accepted(test::tlv_mutations(issue(fields_of(kind), root_).encoded(), {6}), decodes);
  };
  EXPECT_EQ(discretionary(CertificateKind::kMaker), Names());
  EXPECT_EQ(discretionary(CertificateKind::kOce), Names());
  EXPECT_EQ(discretionary(CertificateKind::kKda), (Names{"shorter 82", "longer 82"}));
  EXPECT_EQ(discretionary(CertificateKind::kSecurityDomain), (Names{"shorter 82", "longer 82"}));
  EXPECT_EQ(discretionary(CertificateKind::kServiceProvider),
            (Names{"drop 82", "double 82", "swap 82", "longer 82",  // A000000151
                   "drop 82", "double 82", "shorter 82", "longer 82"}));
}

TEST_F(PkiTest, FieldsThatDoNotFitTheKindAreNeitherIssuedNorRead) {
  const auto each_wrong = [](CertificateKind kind) {
    std::vector<CertificateFields> out;
    const auto toggle = [](auto& field) {
      if (field) {
        field.reset();
      } else {
        field.emplace();
      }
    };
    const auto add = [&](auto change) {
      CertificateFields fields = fields_of(kind);
      change(fields);
      out.push_back(std::move(fields));
    };
    add([&](auto& f) { toggle(f.code_hash); });
    add([&](auto& f) { toggle(f.platform); });
    add([&](auto& f) { toggle(f.owner); });
    add([&](auto& f) { toggle(f.maker_key); });
    add([&](auto& f) { toggle(f.attestation); });
    add([](auto& f) { f.aids.assign(f.aids.empty() ? 1 : 0, Bytes(7, 0xA0)); });
    add([](auto& f) { f.serial.clear(); });
    add([](auto& f) { f.serial = Bytes(17, 1); });
    add([](auto& f) { f.issuer.clear(); });
    add([](auto& f) { f.issuer = Bytes(17, 1); });
    add([](auto& f) { f.aids.assign(1, Bytes(4, 0xA0)); });
    add([](auto& f) { f.aids.assign(1, Bytes(17, 0xA0)); });
    add([](auto& f) { std::swap(f.effective, f.expiration); });
    add([](auto& f) { f.effective.yyyymmdd = 20260230; });
    add([](auto& f) { f.expiration.yyyymmdd = 20261301; });
    add([](auto& f) { f.expiration.yyyymmdd = 100000101; });
    return out;
  };
  for (const CertificateKind kind : kKinds) {
    for (const CertificateFields& fields : each_wrong(kind)) {
      EXPECT_EQ(issue_error(fields), Errc::kInvalidArgument);
    }
  }
  CertificateFields two_aids = fields_of(CertificateKind::kKda);
  two_aids.aids.push_back(two_aids.aids[0]);
  EXPECT_EQ(issue_error(two_aids), Errc::kInvalidArgument);
  CertificateFields no_kind = fields_of(CertificateKind::kOce);
  no_kind.kind = static_cast<CertificateKind>(8);
  EXPECT_EQ(issue_error(no_kind), Errc::kInvalidArgument);
}

TEST_F(PkiTest, ReadingRefusesAnotherKindWithTheSameFields) {
  for (const CertificateKind kind : kKinds) {
    const Certificate certificate = issue(fields_of(kind), root_);
    for (unsigned other = 0; other <= 8; ++other) {
      const auto octet = static_cast<std::uint8_t>(other);
      const Bytes octets = with(certificate, "8001" + to_hex({{std::to_underlying(kind)}}) + "8102",
                                "8001" + to_hex({{octet}}) + "8102");
      EXPECT_EQ(Certificate::decode(octets).has_value(), octet == std::to_underlying(kind))
          << unsigned{std::to_underlying(kind)} << " as " << other;
    }
  }
}

TEST_F(PkiTest, DatesAreDecimalDaysOfTheCalendarInOrder) {
  const Certificate certificate = issue(fields_of(CertificateKind::kOce), root_);
  const auto code = [&](std::string_view date) {
    return Certificate::decode(with(certificate, "5F240420261231", "5F2404" + std::string(date)))
        .error()
        .code;
  };
  EXPECT_EQ(code("2026123A"), Errc::kEncoding);
  EXPECT_EQ(code("202612A1"), Errc::kEncoding);
  EXPECT_EQ(code("20261301"), Errc::kValue);
  EXPECT_EQ(code("20260001"), Errc::kValue);
  EXPECT_EQ(code("20260431"), Errc::kValue);
  EXPECT_EQ(code("20260100"), Errc::kValue);
  EXPECT_EQ(code("20251231"), Errc::kValue);  // before it takes effect
  EXPECT_TRUE(Certificate::decode(with(certificate, "5F240420261231", "5F240420280229")));
  EXPECT_EQ(code("20270229"), Errc::kValue);
}

TEST_F(PkiTest, PointsOffTheCurveAndOtherCurvesAreRefused) {
  const Certificate certificate = issue(fields_of(CertificateKind::kOce), root_);
  const std::string point = to_hex(certificate.key().point());
  std::string off = point;
  off.back() = off.back() == '0' ? '1' : '0';
  EXPECT_EQ(Certificate::decode(with(certificate, point, off)).error().code, Errc::kValue);
  const std::string compressed = "02" + point.substr(2);
  EXPECT_EQ(Certificate::decode(with(certificate, point, compressed)).error().code, Errc::kValue);
  EXPECT_EQ(Certificate::decode(with(certificate, point + "F00100", point + "F00103")).error().code,
            Errc::kNotSupported);
}

TEST_F(PkiTest, AttestationProfilesAboveTwoAreRefused) {
  const Certificate certificate = issue(fields_of(CertificateKind::kKda), root_);
  EXPECT_EQ(Certificate::decode(with(certificate, "850101", "850103")).error().code, Errc::kValue);
}

TEST_F(PkiTest, MoreThan320OctetsOr127In53AreRefused) {
  CertificateFields fields = fields_of(CertificateKind::kServiceProvider);
  fields.aids.assign(6, Bytes(16, 0xA0));  // 7 + 6 * 18 = 115
  const Bytes fits = issue(fields, root_).encoded();
  EXPECT_LE(fits.size(), kCertificateMaxSize);
  fields.aids.push_back(Bytes(11, 0xA0));  // 128
  EXPECT_EQ(issue_error(fields), Errc::kInvalidArgument);
  fields.aids.back() = Bytes(9, 0xA0);  // 126, but with long names more than 320 in all
  fields.serial = Bytes(16, 0x01);
  fields.issuer = Bytes(16, 0x02);
  EXPECT_EQ(issue_error(fields), Errc::kInvalidArgument);
  const Bytes large = tlv::encode(0x7F21, Bytes(317, 0x00));
  EXPECT_EQ(Certificate::decode(large).error().code, Errc::kLength);
}

TEST_F(PkiTest, ACertSdWithTheLongestNamesNamesItsMakerAndFits) {
  CertificateFields fields = fields_of(CertificateKind::kSecurityDomain);
  fields.serial = Bytes(16, 0x01);
  fields.issuer = Bytes(16, 0x02);
  fields.aids = {Bytes(16, 0xA0)};
  EXPECT_LE(issue(fields, root_).encoded().size(), kCertificateMaxSize);
}

TEST_F(PkiTest, TheHashOfAKeyOutlivesItsCertificate) {
  CertificateFields renewed = fields_of(CertificateKind::kMaker);
  renewed.serial.push_back(0x01);
  const Certificate first = issue_maker(root_);
  const Certificate second = Certificate::issue(renewed, maker_.public_key(), root_, rng_).value();
  EXPECT_NE(first.fingerprint(), second.fingerprint());
  EXPECT_EQ(first.key_hash(), second.key_hash());
  EXPECT_EQ(first.key_hash(), crypto::sha256(maker_.public_key().point()));
  EXPECT_NE(first.key_hash(), issue(fields_of(CertificateKind::kMaker), root_).key_hash());
}

TEST_F(PkiTest, DatesFollowTheClock) {
  EXPECT_EQ(CertificateDate::from_unix(0).yyyymmdd, 19700101U);
  EXPECT_EQ(CertificateDate::from_unix(-1).yyyymmdd, 19700101U);
  EXPECT_EQ(CertificateDate::from_unix(1'795'219'199).yyyymmdd, 20261120U);
  EXPECT_EQ(CertificateDate::from_unix(1'795'219'200).yyyymmdd, 20261121U);
  EXPECT_EQ(CertificateDate::from_unix(INT64_MAX).yyyymmdd, 99991231U);
}

TEST_F(PkiTest, AnyOfTheTwoRootsCertifiesAndNobodyElseDoes) {
  for (const CertificateKind kind :
       {CertificateKind::kMaker, CertificateKind::kOce, CertificateKind::kSecurityDomain,
        CertificateKind::kServiceProvider, CertificateKind::kCasdAgreement,
        CertificateKind::kCasdSignature}) {
    const auto verify = [&](const EcPrivateKey& issuer) {
      return verify_under_root(anchors_, issue(fields_of(kind), issuer), kind, kToday);
    };
    EXPECT_TRUE(verify(root_).has_value());
    EXPECT_TRUE(verify(second_root_).has_value());
    // The key distribution operator, the manager or another maker, with the right names.
    EXPECT_EQ(verify(operator_).error().code, Errc::kUntrusted);
    EXPECT_EQ(verify(maker_).error().code, Errc::kUntrusted);
  }
  const Certificate maker = issue_maker(second_root_);
  EXPECT_EQ(verify_under_root({{root_.public_key()}}, maker, CertificateKind::kMaker, kToday)
                .error()
                .code,
            Errc::kUntrusted);
  EXPECT_EQ(verify_under_root({}, maker, CertificateKind::kMaker, kToday).error().code,
            Errc::kUntrusted);
}

TEST_F(PkiTest, AKindIsNotTakenForAnother) {
  const Certificate maker = issue_maker(root_);
  EXPECT_EQ(
      verify_under_root(anchors_, maker, CertificateKind::kServiceProvider, kToday).error().code,
      Errc::kUntrusted);
  const Certificate kda = issue(fields_of(CertificateKind::kKda), root_);
  EXPECT_EQ(verify_under_root(anchors_, kda, CertificateKind::kKda, kToday).error().code,
            Errc::kUntrusted);
}

TEST_F(PkiTest, KdaChainHoldsUnderItsMakerOnly) {
  const Certificate maker = issue_maker(root_);
  const Certificate kda = issue(fields_of(CertificateKind::kKda), maker_);
  const auto code = [&](const Certificate& k, const Certificate& m) {
    return verify_kda_chain(anchors_, k, m, kToday, {}).error().code;
  };
  EXPECT_TRUE(verify_kda_chain(anchors_, kda, maker, kToday, {}).has_value());
  EXPECT_TRUE(verify_kda_chain(anchors_, kda, issue_maker(second_root_), kToday, {}).has_value());
  // Certified by B or C, by the root itself, or by the maker under another name.
  EXPECT_EQ(code(issue(fields_of(CertificateKind::kKda), operator_), maker), Errc::kUntrusted);
  EXPECT_EQ(code(issue(fields_of(CertificateKind::kKda), root_), maker), Errc::kUntrusted);
  CertificateFields other_issuer = fields_of(CertificateKind::kKda);
  other_issuer.issuer = Bytes(16, 0x4E);
  EXPECT_EQ(code(issue(other_issuer, maker_), maker), Errc::kUntrusted);
  // A maker that B or C certified, and a service provider that plays the maker.
  EXPECT_EQ(code(kda, issue_maker(operator_)), Errc::kUntrusted);
  CertificateFields provider = fields_of(CertificateKind::kServiceProvider);
  provider.subject.fill(0x4D);
  const Certificate false_maker =
      Certificate::issue(provider, maker_.public_key(), root_, rng_).value();
  EXPECT_EQ(code(kda, false_maker), Errc::kUntrusted);
  // Something that the maker signed and that is no CERT.KDA.
  CertificateFields oce = fields_of(CertificateKind::kOce);
  oce.issuer = maker_name();
  EXPECT_EQ(code(issue(oce, maker_), maker), Errc::kUntrusted);
}

TEST_F(PkiTest, DatesBoundBothCertificatesOfAChain) {
  const auto verify = [&](const CertificateFields& kda, const CertificateFields& maker,
                          CertificateDate today) {
    const Certificate m = Certificate::issue(maker, maker_.public_key(), root_, rng_).value();
    return verify_kda_chain(anchors_, issue(kda, maker_), m, today, {});
  };
  const CertificateFields kda = fields_of(CertificateKind::kKda);
  const CertificateFields maker = fields_of(CertificateKind::kMaker);
  EXPECT_TRUE(verify(kda, maker, {20260101}).has_value());
  EXPECT_TRUE(verify(kda, maker, {20261231}).has_value());
  EXPECT_EQ(verify(kda, maker, {20251231}).error().code, Errc::kNotYetValid);
  EXPECT_EQ(verify(kda, maker, {20270101}).error().code, Errc::kExpired);
  CertificateFields longer = maker;
  longer.effective = {20200101};
  longer.expiration = {20401231};
  EXPECT_EQ(verify(kda, longer, {20251231}).error().code, Errc::kNotYetValid);
  EXPECT_EQ(verify(kda, longer, {20270101}).error().code, Errc::kExpired);
}

TEST_F(PkiTest, RevocationIsByIssuerAndSerialNumber) {
  const Certificate maker = issue_maker(root_);
  const Certificate kda = issue(fields_of(CertificateKind::kKda), maker_);
  const auto code = [&](ByteView issuer, ByteView serial) {
    RevocationList revoked;
    revoked.add(issuer, serial);
    const Result<void> verified = verify_kda_chain(anchors_, kda, maker, kToday, revoked);
    return verified ? Errc::kNotFound : verified.error().code;
  };
  EXPECT_EQ(code(kda.fields().issuer, kda.fields().serial), Errc::kRevoked);
  EXPECT_EQ(code(maker.fields().issuer, maker.fields().serial), Errc::kRevoked);
  EXPECT_EQ(code(maker.fields().issuer, kda.fields().serial), Errc::kNotFound);
  EXPECT_EQ(code(kda.fields().issuer, maker.fields().serial), Errc::kNotFound);
  RevocationList revoked;
  revoked.add(maker.fields().issuer, maker.fields().serial);
  EXPECT_EQ(
      verify_under_root(anchors_, maker, CertificateKind::kMaker, kToday, revoked).error().code,
      Errc::kRevoked);
}

TEST_F(PkiTest, PrefixesOfTheServiceProviderBoundItsTargets) {
  const Certificate provider = issue(fields_of(CertificateKind::kServiceProvider), root_);
  EXPECT_TRUE(allows_aid(provider, *Aid::from_hex("A000000151000000")));
  EXPECT_TRUE(allows_aid(provider, *Aid::from_hex("A000000151")));
  EXPECT_TRUE(allows_aid(provider, *Aid::from_hex("A0000000040107")));
  EXPECT_FALSE(allows_aid(provider, *Aid::from_hex("A0000000040207")));
  EXPECT_FALSE(allows_aid(provider, *Aid::from_hex("A000000004")));
  const Certificate domain = issue(fields_of(CertificateKind::kSecurityDomain), root_);
  EXPECT_FALSE(allows_aid(domain, *Aid::from_hex("A000000151000000")));
}

}  // namespace
}  // namespace kagibin::pki
