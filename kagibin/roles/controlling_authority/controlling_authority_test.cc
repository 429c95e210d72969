// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/pki/anchor_file.h"
#include "kagibin/roles/controlling_authority/authority_folder.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::controlling_authority {
namespace {

constexpr std::array<std::uint8_t, 16> kMakerName{0x4D, 0x41, 0x4B, 0x45, 0x52};
constexpr std::array<std::uint8_t, 16> kSpid{0x53, 0x50, 0x01};
constexpr std::array<std::uint8_t, 16> kPlatform{0x50, 0x4C};
constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};

class FixedTime final : public Clock {
 public:
  std::int64_t now() const override { return 1'790'000'000; }  // 2026-09-21
  std::int64_t uptime_ms() const override { return 0; }
};

class RefusingLog final : public IssuanceLog {
 public:
  Result<void> append(const IssuanceEntry&) override { return fail(Errc::kNoSpace, "full"); }
};

class AuthorityTest : public testing::Test {
 protected:
  crypto::SystemRng rng_;
  FixedTime clock_;
  MemoryIssuanceLog log_;
  Authority authority_{RootKeys::create("AUTH", rng_).value(), log_, clock_, rng_};
  crypto::EcPrivateKey key_ = crypto::EcPrivateKey::generate(rng_).value();

  pki::CertificationRequest request(pki::CertificateKind kind,
                                    const std::array<std::uint8_t, 16>& name) {
    const Bytes octets = pki::sign_certification_request(kind, name, key_, rng_).value();
    return pki::CertificationRequest::decode(octets).value();
  }
};

TEST_F(AuthorityTest, CertifiesMakerUnderItsRoot) {
  const auto certificate =
      authority_.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 365);
  ASSERT_TRUE(certificate);
  EXPECT_TRUE(pki::verify_under_root(authority_.anchors(), *certificate,
                                     pki::CertificateKind::kMaker,
                                     pki::CertificateDate::from_unix(clock_.now())));
  EXPECT_EQ(certificate->fields().subject, kMakerName);
  EXPECT_EQ(certificate->key(), key_.public_key());
  EXPECT_NE(log_.text().find(to_hex(certificate->encoded())), std::string::npos);
}

TEST_F(AuthorityTest, CertifiesServiceProviderWithPrefixesAndEpoch) {
  const std::vector<Bytes> prefixes{*from_hex("A000000151")};
  const auto certificate = authority_.certify_service_provider(
      request(pki::CertificateKind::kServiceProvider, kSpid), prefixes, 3, 90);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->fields().aids, prefixes);
  EXPECT_EQ(certificate->fields().epoch, 3);
}

TEST_F(AuthorityTest, RefusesRequestOfAnotherKind) {
  const auto maker = authority_.certify_maker(
      request(pki::CertificateKind::kServiceProvider, kSpid), kPlatform, 365);
  ASSERT_FALSE(maker);
  EXPECT_EQ(maker.error().code, Errc::kInvalidArgument);
  EXPECT_TRUE(log_.text().empty());
}

TEST_F(AuthorityTest, CertifiesTheKeysOfACasdForWhatTheyAreAskedFor) {
  const Aid casd = Aid::from_hex("A00000015153504341534400").value();
  for (const auto kind :
       {pki::CertificateKind::kCasdAgreement, pki::CertificateKind::kCasdSignature}) {
    const auto certificate =
        authority_.certify_casd(request(kind, kMakerName), casd, kPlatform, 30);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->fields().kind, kind);
    EXPECT_EQ(certificate->fields().aids,
              std::vector<Bytes>{Bytes(casd.view().begin(), casd.view().end())});
  }
  EXPECT_NE(log_.text().find("certify_casd"), std::string::npos);
  EXPECT_FALSE(authority_.certify_casd(request(pki::CertificateKind::kMaker, kMakerName), casd,
                                       kPlatform, 30));
}

TEST_F(AuthorityTest, RefusesServiceProviderWithoutPrefixAndSillyValidity) {
  EXPECT_FALSE(authority_.certify_service_provider(
      request(pki::CertificateKind::kServiceProvider, kSpid), {}, 1, 90));
  EXPECT_FALSE(
      authority_.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 0));
  EXPECT_FALSE(
      authority_.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 5000));
  EXPECT_TRUE(log_.text().empty());
}

TEST_F(AuthorityTest, HandsOutNothingThatTheLogDidNotTake) {
  RefusingLog refusing;
  Authority authority(RootKeys::create("AUTH", rng_).value(), refusing, clock_, rng_);
  const auto certificate =
      authority.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 10);
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code, Errc::kNoSpace);
  EXPECT_FALSE(authority.state_time(1));
}

TEST_F(AuthorityTest, StatementsVerifyUnderTheCurrentRootOnly) {
  const Bytes statement = authority_.state_min_epoch(7).value();
  tlv::TlvReader in(statement);
  EXPECT_EQ(tlv::to_u8(in.expect(0x80, 1).value()), 0x02);
  EXPECT_EQ(to_hex(in.expect(0x81, 2).value().value), "0007");
  const ByteView signed_part = in.consumed();
  const Bytes signature = [&] {
    const ByteView value = in.expect(0x9E, 8, 72).value().value;
    return Bytes(value.begin(), value.end());
  }();
  EXPECT_TRUE(in.finish());
  EXPECT_TRUE(crypto::ecdsa_verify_der(authority_.anchors().roots[0],
                                       {ascii("KB1-AUT"), signed_part}, signature));
  EXPECT_FALSE(
      crypto::ecdsa_verify_der(key_.public_key(), {ascii("KB1-AUT"), signed_part}, signature));
}

TEST_F(AuthorityTest, TwoRootsAreValidUntilTheSuccessorTakesOver) {
  EXPECT_EQ(authority_.state_successor(1).error().code, Errc::kState);
  EXPECT_FALSE(authority_.adopt_successor());
  const auto before =
      authority_.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 365);
  ASSERT_TRUE(authority_.prepare_successor());
  EXPECT_FALSE(authority_.prepare_successor());
  const pki::TrustAnchors both = authority_.anchors();
  ASSERT_EQ(both.roots.size(), 2U);
  EXPECT_TRUE(authority_.state_successor(1));
  ASSERT_TRUE(authority_.adopt_successor());
  const auto after =
      authority_.certify_maker(request(pki::CertificateKind::kMaker, kMakerName), kPlatform, 365);
  const auto today = pki::CertificateDate::from_unix(clock_.now());
  for (const auto& certificate : {*before, *after}) {
    EXPECT_TRUE(pki::verify_under_root(both, certificate, pki::CertificateKind::kMaker, today));
  }
  EXPECT_FALSE(
      pki::verify_under_root(authority_.anchors(), *before, pki::CertificateKind::kMaker, today));
}

TEST_F(AuthorityTest, AStatementOfARootCarriesItsNumberBeforeThePoint) {
  ASSERT_TRUE(authority_.prepare_successor());
  EXPECT_EQ(authority_.state_successor(0).error().code, Errc::kInvalidArgument);
  const Bytes statement = authority_.state_successor(0x01020304).value();
  tlv::TlvReader in(statement);
  EXPECT_EQ(tlv::to_u8(in.expect(0x80, 1).value()), 0x03);
  const ByteView value = in.expect(0x81, 69).value().value;
  EXPECT_EQ(to_hex(value.first(4)), "01020304");
  EXPECT_TRUE(equal(value.subspan(4), authority_.anchors().roots[1].point()));
  EXPECT_NE(log_.text().find(to_hex(statement)), std::string::npos);
}

TEST(CertificationRequestTest, EveryFlippedBitIsRefused) {
  crypto::SystemRng rng;
  const auto key = crypto::EcPrivateKey::generate(rng).value();
  const Bytes good =
      pki::sign_certification_request(pki::CertificateKind::kMaker, kMakerName, key, rng).value();
  ASSERT_TRUE(pki::CertificationRequest::decode(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(pki::CertificationRequest::decode(bad)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(pki::CertificationRequest::decode(ByteView(good).first(size)));
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(pki::CertificationRequest::decode(longer));
}

TEST(CertificationRequestTest, ProofOfPossessionByAnotherKeyIsRefused) {
  crypto::SystemRng rng;
  const auto mine = crypto::EcPrivateKey::generate(rng).value();
  const auto theirs = crypto::EcPrivateKey::generate(rng).value();
  Bytes request =
      pki::sign_certification_request(pki::CertificateKind::kMaker, kMakerName, mine, rng).value();
  const std::string mine_hex = to_hex(mine.public_key().point());
  std::string hex = to_hex(request);
  hex.replace(hex.find(mine_hex), mine_hex.size(), to_hex(theirs.public_key().point()));
  const auto decoded = pki::CertificationRequest::decode(*from_hex(hex));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kAuthentication);
}

TEST(IssuanceLogTest, NoticesAChangedAMissingAndAnAddedLine) {
  MemoryIssuanceLog log;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(log.append({.time = i, .event = "state_time", .content_hex = "80"}));
  }
  const std::string good = log.text();
  EXPECT_EQ(verify_issuance_lines(good).value().number, 4U);
  std::string changed = good;
  changed[changed.find("\"time\":0") + 7] = '9';
  EXPECT_FALSE(verify_issuance_lines(changed));
  const std::size_t first = good.find('\n') + 1;
  EXPECT_FALSE(verify_issuance_lines(good.substr(first)));
  EXPECT_FALSE(verify_issuance_lines(good + good.substr(0, first)));
  EXPECT_FALSE(verify_issuance_lines("not json\n"));
}

class AuthorityFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "kagibin-auth-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  crypto::SystemRng rng_;
  FixedTime clock_;
  SecretBytes passphrase_ = SecretBytes::copy_of(ascii("correct horse"));
};

TEST_F(AuthorityFolderTest, KeepsRootsAndLogAcrossRestarts) {
  pki::TrustAnchors first;
  {
    auto folder = AuthorityFolder::create(folder_, passphrase_, "AUTH", rng_, kCheap).value();
    auto authority = folder.authority(clock_, rng_).value();
    ASSERT_TRUE(authority.prepare_successor());
    ASSERT_TRUE(authority.state_successor(folder.take_root_number(rng_).value()));
    ASSERT_TRUE(folder.save(authority, rng_));
    first = authority.anchors();
  }
  auto folder = AuthorityFolder::open(folder_, passphrase_).value();
  auto authority = folder.authority(clock_, rng_).value();
  EXPECT_EQ(authority.anchors().roots, first.roots);
  std::ifstream file(AuthorityFolder::roots_file(folder_));
  const std::string pem((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(pki::read_anchors(pem).value().roots, first.roots);
  ASSERT_TRUE(authority.adopt_successor());
  ASSERT_TRUE(folder.save(authority, rng_));
  auto again = AuthorityFolder::open(folder_, passphrase_).value();
  EXPECT_EQ(again.authority(clock_, rng_).value().anchors().roots.size(), 1U);
}

TEST_F(AuthorityFolderTest, ANumberOfARootStatementIsNeverGivenTwice) {
  {
    auto folder = AuthorityFolder::create(folder_, passphrase_, "AUTH", rng_, kCheap).value();
    EXPECT_EQ(folder.take_root_number(rng_).value(), 1U);
    EXPECT_EQ(folder.take_root_number(rng_).value(), 2U);
  }
  auto folder = AuthorityFolder::open(folder_, passphrase_).value();
  auto authority = folder.authority(clock_, rng_).value();
  ASSERT_TRUE(authority.prepare_successor());
  ASSERT_TRUE(authority.adopt_successor());
  ASSERT_TRUE(folder.save(authority, rng_));
  EXPECT_EQ(folder.take_root_number(rng_).value(), 3U);  // one series over all roots
}

TEST_F(AuthorityFolderTest, RefusesAWrongPassphraseAndASecondAuthority) {
  ASSERT_TRUE(AuthorityFolder::create(folder_, passphrase_, "AUTH", rng_, kCheap));
  EXPECT_EQ(AuthorityFolder::create(folder_, passphrase_, "AUTH", rng_, kCheap).error().code,
            Errc::kConflict);
  EXPECT_EQ(AuthorityFolder::open(folder_, SecretBytes::copy_of(ascii("wrong"))).error().code,
            Errc::kAuthentication);
}

TEST_F(AuthorityFolderTest, AnUnfinishedLastLogLineIsDroppedAndTheChainGoesOn) {
  const auto path = folder_ / "issuance.log";
  {
    auto log = FileIssuanceLog::open(path).value();
    ASSERT_TRUE(log.append({.time = 1, .event = "state_time", .content_hex = "80"}));
  }
  {
    std::ofstream(path, std::ios::app) << "{\"number\":2,\"ti";
  }
  auto log = FileIssuanceLog::open(path).value();
  ASSERT_TRUE(log.append({.time = 2, .event = "state_time", .content_hex = "81"}));
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(verify_issuance_lines(text).value().number, 3U);
}

}  // namespace
}  // namespace kagibin::roles::controlling_authority
