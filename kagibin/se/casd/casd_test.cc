// SPDX-License-Identifier: Apache-2.0
// The CASD itself: who it is, what it tells, whom it believes, what it signs.
#include <algorithm>

#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/se/casd/casd_test_bench.h"
#include "kagibin/se/domain/delegated/dap_verification.h"
#include "kagibin/se/nvm/nvm_memory.h"

namespace kagibin::se {
namespace {

using pki::CertificateKind;

TEST(CasdTest, IsMadeWithKeysOfItsOwnAndTheAuthoritys) {
  for (const bool mandated : {false, true}) {
    CasdBench bench(casd_profile(mandated));
    EXPECT_EQ(bench.select(kCasdAid).sw.value, 0x9000);
    const auto answer = bench.send("80CA00E000");
    const auto keys = gp::KeyInformation::decode(answer.data);
    ASSERT_TRUE(keys.has_value());
    for (const std::uint8_t identifier :
         {kCasdAgreementKey, kCasdSignatureKey, kCasdAuthorityKey}) {
      EXPECT_TRUE(keys->holds(kCasdKeyVersion, identifier));
    }
    EXPECT_EQ(keys->holds(kDapKeyVersion, 0x01), mandated);
  }
  Bench without;
  EXPECT_EQ(without.select(kCasdAid).sw.value, 0x6A82);
}

TEST(CasdTest, TwoElementsHaveTwoPairsAndTheKeyThatSignsDoesNotAgree) {
  CasdBench one;
  ElementProfile other_profile = casd_profile();
  other_profile.iin.clear();
  const auto agreement = one.request(CertificateKind::kCasdAgreement).key();
  const auto signature = one.request(CertificateKind::kCasdSignature).key();
  EXPECT_FALSE(agreement == signature);
  one.restart();
  EXPECT_TRUE(one.request(CertificateKind::kCasdAgreement).key() == agreement);
}

TEST(CasdTest, AProfileWithoutAPointOfTheAuthorityMakesNoElement) {
  ElementProfile profile = casd_profile();
  profile.casd->authority_key.back() ^= 1;
  profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(kIsdKeys)});
  test::FixedRng rng("element");
  const test::FakeClock clock;
  const ModuleRegistry modules;
  auto made = Element::create(profile, std::make_unique<NvmMemory>(), rng, clock, modules);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
}

TEST(CasdTest, IsNobodysToOpenAndNobodysToDelete) {
  CasdBench bench;
  bench.select(kCasdAid);
  // The issuer's keys would serve a domain below him that has none; the CASD stands by itself.
  EXPECT_NE(bench.status("80500000081122334455667788"), 0x9000);
  EXPECT_EQ(bench.status("80D8000100"), 0x6982);
  EXPECT_EQ(bench.status("80F100040474F00100"), 0x6982);
  auto issuer = bench.open_isd();
  EXPECT_EQ(bench.status(*issuer, gp::DeleteObject{.aid = aid(kCasdAid)}.encode()), 0x6985);
  EXPECT_EQ(bench.select(kCasdAid).sw.value, 0x9000);
}

class CasdCertificateTest : public ::testing::Test {
 protected:
  CasdCertificateTest()
      : agreement_(bench_.request(CertificateKind::kCasdAgreement).key()),
        signature_(bench_.request(CertificateKind::kCasdSignature).key()) {}

  CasdBench bench_;
  crypto::EcPublicKey agreement_;
  crypto::EcPublicKey signature_;
};

TEST_F(CasdCertificateTest, TakesCertificatesOfItsKeysAndTellsThem) {
  EXPECT_EQ(bench_.status("80CA7F2100"), 0x6A88);
  const Bytes first = bench_.certify(bench_.fields(CertificateKind::kCasdAgreement), agreement_);
  const Bytes second = bench_.certify(bench_.fields(CertificateKind::kCasdSignature), signature_);
  EXPECT_EQ(bench_.store(second).value, 0x9000);
  EXPECT_EQ(bench_.store(first).value, 0x9000);
  bench_.restart();
  bench_.select(kCasdAid);
  Bytes both = first;
  append(both, second);
  for (const std::uint8_t cla : {std::uint8_t{0x00}, std::uint8_t{0x80}}) {
    const auto told = bench_.send({.cla = cla, .ins = 0xCA, .p1 = 0x7F, .p2 = 0x21, .le = 0x10000});
    EXPECT_EQ(told.data, both);
  }
}

TEST_F(CasdCertificateTest, RefusesEveryOtherCertificateAlike) {
  const auto good = bench_.fields(CertificateKind::kCasdAgreement);
  auto expired = good;
  expired.expiration = {20270102};
  auto future = good;
  future.effective = {20270201};
  auto of_another = good;
  of_another.aids = {hex("A00000015153504341534401")};
  const auto other = seeded_key("somebody");
  const Bytes not_the_authoritys =
      pki::Certificate::issue(good, agreement_, other, bench_.rng)->encoded();
  Bytes damaged = bench_.certify(good, agreement_);
  damaged.back() ^= 1;
  const std::vector<Bytes> wrong = {
      not_the_authoritys,
      damaged,
      bench_.certify(good, other.public_key()),
      bench_.certify(good, signature_),
      bench_.certify(bench_.fields(CertificateKind::kCasdSignature), agreement_),
      bench_.certify(expired, agreement_),
      bench_.certify(future, agreement_),
      bench_.certify(of_another, agreement_),
      bench_.provider_certificate(),
      hex("7F2100"),
      {}};
  std::string_view reason;
  for (const Bytes& certificate : wrong) {
    EXPECT_EQ(bench_.store(certificate).value, 0x6A80);
    const std::string_view told = bench_.element->reason().text();
    EXPECT_FALSE(told.empty());
    EXPECT_TRUE(reason.empty() || reason == told);
    reason = told;
  }
  EXPECT_EQ(bench_.status("80CA7F2100"), 0x6A88);
}

TEST_F(CasdCertificateTest, DoesNotGoBackToAnOlderCertificate) {
  auto fields = bench_.fields(CertificateKind::kCasdAgreement);
  fields.effective = {20270110};
  const Bytes later = bench_.certify(fields, agreement_);
  EXPECT_EQ(bench_.store(later).value, 0x9000);
  fields.effective = {20270109};
  EXPECT_EQ(bench_.store(bench_.certify(fields, agreement_)).value, 0x6985);
  fields.effective = {20270111};
  EXPECT_EQ(bench_.store(bench_.certify(fields, agreement_)).value, 0x9000);
}

TEST_F(CasdCertificateTest, APowerCutLeavesTheCertificateWholeOrNotThere) {
  const Bytes octets = bench_.certify(bench_.fields(CertificateKind::kCasdAgreement), agreement_);
  const apdu::CommandApdu command{.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = octets};
  for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    CasdBench bench;
    bench.select(kCasdAid);
    bench.power->cut_at(1, cut);
    EXPECT_FALSE(bench.element->transmit(command.encode()).has_value());
    bench.restart();
    bench.select(kCasdAid);
    EXPECT_EQ(bench.status("80CA7F2100"), cut == test::Cut::kAfter ? 0x9000 : 0x6A88);
  }
}

// Statements about applications.
class CasdStatementTest : public ::testing::Test {
 protected:
  CasdStatementTest() : key_(bench_.casd_point(CertificateKind::kCasdSignature)) {
    auto issuer = bench_.open_isd();
    EXPECT_EQ(bench_.status(*issuer, install_test_application()), 0x9000);
    bench_.select(kCasdAid);
  }

  CasdBench bench_;
  crypto::CurvePublicKey key_;
};

TEST_F(CasdStatementTest, NameTheHashOfTheLoadFileThatRuns) {
  const Bytes challenge(16, 0xC4);
  const auto answer = bench_.send(gp::ask_statement(aid(kTestAid), challenge).value());
  ASSERT_EQ(answer.sw.value, 0x9000);
  const auto statement = gp::verify_statement(answer.data, key_, challenge);
  ASSERT_TRUE(statement.has_value());
  EXPECT_EQ(statement->application, aid(kTestAid));
  EXPECT_EQ(statement->load_file, aid(kTestFile));
  EXPECT_EQ(statement->security_domain, aid(kIsdAid));
  EXPECT_EQ(statement->code_hash, bench_.modules.load_file(aid(kTestFile))->code_hash());

  // Other sources, another hash.
  CasdBench other(test_modules(0x01), casd_profile());
  auto issuer = other.open_isd();
  EXPECT_EQ(other.status(*issuer, install_test_application()), 0x9000);
  other.select(kCasdAid);
  const auto of_other = other.send(gp::ask_statement(aid(kTestAid), challenge).value());
  const auto second = gp::verify_statement(
      of_other.data, other.casd_point(CertificateKind::kCasdSignature), challenge);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(second->code_hash, statement->code_hash);
}

TEST_F(CasdStatementTest, AreRefusedWithAReasonForWhatIsNotThere) {
  const Bytes challenge(16, 0xC4);
  EXPECT_EQ(bench_.send(gp::ask_statement(aid("F0000000020199"), challenge).value()).sw.value,
            0x6A88);
  EXPECT_FALSE(bench_.element->reason().text().empty());
  EXPECT_EQ(bench_.status("002A9E9A0B4F07F00000000201019A00"), 0x6A80);
  EXPECT_EQ(bench_.status("002A9E9B00"), 0x6A86);
  bench_.select("");
  EXPECT_NE(bench_.send(gp::ask_statement(aid(kTestAid), challenge).value()).sw.value, 0x9000);
}

// Has its data signed by the CASD: command 01.
class SigningApplication final : public Application {
 public:
  explicit SigningApplication(const ApplicationContext& context) : context_(context) {}
  StatusWord install(ByteView) override { return StatusWord{0x9000}; }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    if (context_.authority_signature == nullptr) {
      return {{}, StatusWord{0x6A81}};
    }
    const auto statement = context_.authority_signature->sign(command.data);
    return statement ? apdu::ResponseApdu{*statement, StatusWord{0x9000}}
                     : apdu::ResponseApdu{{}, StatusWord{0x6985}};
  }

 private:
  ApplicationContext context_;
};

ModuleRegistry signing_modules() {
  ModuleRegistry out;
  EXPECT_TRUE(out.add({.file = {.aid = aid(kTestFile),
                                .version = {1, 0},
                                .sources = {0x51},
                                .modules = {aid(kTestModule)}},
                       .factories = {[](const ApplicationContext& context) {
                         return std::make_unique<SigningApplication>(context);
                       }}})
                  .has_value());
  return out;
}

TEST(CasdSignatureServiceTest, SignsAnApplicationsDataWithItsCodeHash) {
  CasdBench bench(signing_modules(), casd_profile());
  auto issuer = bench.open_isd();
  ASSERT_EQ(bench.status(*issuer, install_test_application()), 0x9000);
  const auto key = bench.casd_point(CertificateKind::kCasdSignature);
  bench.select(kTestAid);
  const auto answer = bench.send("8001000003AABBCC00");
  ASSERT_EQ(answer.sw.value, 0x9000);
  const auto statement = gp::verify_data(answer.data, key, hex("AABBCC"));
  ASSERT_TRUE(statement.has_value());
  EXPECT_EQ(statement->application, aid(kTestAid));
  EXPECT_EQ(statement->code_hash, bench.modules.load_file(aid(kTestFile))->code_hash());
  EXPECT_FALSE(gp::verify_data(answer.data, key, hex("AABBCD")).has_value());
}

TEST(CasdSignatureServiceTest, IsNotThereOnAnElementWithoutACasd) {
  Bench bench(signing_modules(), {});
  auto issuer = bench.open_isd();
  ASSERT_EQ(bench.status(*issuer, install_test_application()), 0x9000);
  bench.select(kTestAid);
  EXPECT_EQ(bench.status("8001000003AABBCC00"), 0x6A81);
}

// Mandated DAP with the authority's key.
class CasdDapTest : public ::testing::Test {
 protected:
  CasdDapTest() {
    EXPECT_TRUE(registry_
                    .put({.aid = aid(kIsdAid),
                          .kind = EntryKind::kIssuerSecurityDomain,
                          .life_cycle = std::to_underlying(gp::CardState::kOpReady),
                          .security_domain = aid(kIsdAid),
                          .load_file = aid(kDomainFile),
                          .module = aid(kDomainModule)})
                    .has_value());
  }

  std::unique_ptr<Nvm> nvm_ = Nvm::open(std::make_unique<NvmMemory>()).value();
  test::FixedRng rng_{"element"};
  test::FakeClock clock_;
  ModuleRegistry modules_;
  ElementFacts facts_{.atr = {}, .isd_aid = aid(kIsdAid)};
  Registry registry_{*nvm_};
  KeyStore keys_{*nvm_};
  Platform platform_{*nvm_, rng_, clock_, modules_, facts_, registry_, keys_};
};

// GPCS 9.2.1: mandated DAP with the controlling authority's key
TEST_F(CasdDapTest, MandatedDapIsVerifiedWithTheAuthoritysKey) {
  ASSERT_TRUE(make_casd(platform_, *casd_profile(true).casd).has_value());
  const auto casd = registry_.find(aid(kCasdAid)).value();
  EXPECT_TRUE(casd.privileges.has(gp::Privileges::kMandatedDapVerification |
                                  gp::Privileges::kDapVerification));
  EXPECT_EQ(casd.life_cycle, gp::kPersonalized);
  const Bytes hash(32, 0x4A);
  const auto sign = [&](std::string_view who) {
    const auto key = crypto::CurvePrivateKey::from(seeded_key(who));
    return gp::DapBlock{aid(kCasdAid),
                        gp::sign_load_file(gp::Key::ec_private(key).value(), hash, rng_).value()};
  };
  EXPECT_TRUE(verify_dap_blocks(platform_, {casd}, {sign("authority")}, hash).has_value());
  EXPECT_EQ(verify_dap_blocks(platform_, {casd}, {sign("issuer")}, hash).error().code,
            Errc::kAuthentication);
  EXPECT_EQ(verify_dap_blocks(platform_, {casd}, {}, hash).error().code, Errc::kAuthentication);
}

TEST_F(CasdDapTest, WithoutTheOptionTheCasdVerifiesNoLoadFiles) {
  ASSERT_TRUE(make_casd(platform_, *casd_profile(false).casd).has_value());
  const auto casd = registry_.find(aid(kCasdAid)).value();
  EXPECT_FALSE(casd.privileges.has(gp::Privileges::kDapVerification));
  EXPECT_EQ(make_casd(platform_, *casd_profile().casd).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace kagibin::se
