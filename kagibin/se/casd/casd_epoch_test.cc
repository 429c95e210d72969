// SPDX-License-Identifier: Apache-2.0
// The authority's minEpoch in the CASD: an old CERT.SP sets up no keys.
#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/se/casd/casd_test_bench.h"

namespace kagibin::se {
namespace {

using kda::AuthorityStatement;
using pki::CertificateKind;

Bytes statement(std::uint16_t epoch,
                std::string_view signer = "authority",
                AuthorityStatement::Kind kind = AuthorityStatement::Kind::kMinEpoch) {
  test::FixedRng rng("statement");
  AuthorityStatement out{.kind = kind, .value = ByteWriter().u16(epoch).take(), .signature = {}};
  if (kind == AuthorityStatement::Kind::kTick) {
    out.value = ByteWriter().u32(epoch).take();
  }
  out.signature = crypto::ecdsa_sign_der(seeded_key(signer),
                                         {ascii(envelope::kLabelAuthority), out.signed_part()}, rng)
                      .value();
  return out.encode();
}

// Passes on what it is told, as a KDA does: command 01.
class HearingApplication final : public Application {
 public:
  explicit HearingApplication(const ApplicationContext& context) : context_(context) {}
  StatusWord install(ByteView) override { return StatusWord{0x9000}; }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    NvmTransaction transaction(context_.nvm);
    const bool heard = context_.authority_signature->hear_statement(command.data).has_value() &&
                       transaction.commit().has_value();
    return {{}, StatusWord{static_cast<std::uint16_t>(heard ? 0x9000 : 0x6581)}};
  }

 private:
  ApplicationContext context_;
};

ModuleRegistry hearing_modules() {
  ModuleRegistry out;
  EXPECT_TRUE(out.add({.file = {.aid = aid(kTestFile),
                                .version = {1, 0},
                                .sources = {0x52},
                                .modules = {aid(kTestModule)}},
                       .factories = {[](const ApplicationContext& context) {
                         return std::make_unique<HearingApplication>(context);
                       }}})
                  .has_value());
  return out;
}

class CasdEpochTest : public ::testing::Test {
 protected:
  CasdEpochTest() {
    auto issuer = bench_.open_isd();
    EXPECT_EQ(bench_.status(*issuer, Bench::install_domain(kDomainAid)), 0x9000);
    EXPECT_EQ(bench_.status(*issuer, install_test_application()), 0x9000);
  }
  std::uint16_t tell_casd(const Bytes& message) {
    bench_.select(kCasdAid);
    return bench_.send({.cla = 0x80, .ins = 0x1C, .data = message}).sw.value;
  }
  std::uint16_t tell_application(const Bytes& message) {
    bench_.select(kTestAid);
    return bench_.send({.cla = 0x80, .ins = 0x01, .data = message}).sw.value;
  }
  // What the domain answers to a certificate of this epoch.
  std::uint16_t show(std::uint16_t epoch) {
    bench_.select(kDomainAid);
    auto host = bench_.open(test_keys(kIsdKeys));
    auto of = bench_.fields(CertificateKind::kServiceProvider);
    of.epoch = epoch;
    const Bytes certificate = bench_.certify(of, bench_.provider.public_key());
    return bench_.send(*host, gp::show_certificate(certificate).front()).sw.value;
  }

  CasdBench bench_{hearing_modules(), casd_profile()};
};

// Amendment A, scenario 3: the authority's minEpoch
TEST_F(CasdEpochTest, AnOlderCertificateThanMinEpochSetsUpNothing) {
  EXPECT_EQ(show(1), 0x9000);
  ASSERT_EQ(tell_casd(statement(2)), 0x9000);
  EXPECT_EQ(show(1), 0x6A80);
  EXPECT_EQ(show(2), 0x9000);
  EXPECT_EQ(show(3), 0x9000);
  bench_.restart();
  EXPECT_EQ(show(1), 0x6A80);
}

TEST_F(CasdEpochTest, MinEpochOnlyRisesAndTheAuthorityAloneSaysIt) {
  ASSERT_EQ(tell_casd(statement(2)), 0x9000);
  EXPECT_EQ(tell_casd(statement(2)), 0x9000) << "carried twice";
  EXPECT_EQ(tell_casd(statement(1)), 0x6985);
  EXPECT_EQ(tell_casd(statement(9, "maker")), 0x6A80);
  Bytes damaged = statement(9);
  damaged[6] ^= 1U;
  EXPECT_EQ(tell_casd(damaged), 0x6A80);
  EXPECT_EQ(tell_casd(statement(9, "authority", AuthorityStatement::Kind::kTick)), 0x6A80);
  EXPECT_EQ(tell_casd(hex("8001")), 0x6A80);
  EXPECT_EQ(show(2), 0x9000);
  EXPECT_EQ(show(1), 0x6A80);
}

TEST_F(CasdEpochTest, WhatAnApplicationPassesOnCountsWhenTheAuthoritySignedIt) {
  ASSERT_EQ(tell_application(statement(4)), 0x9000);
  EXPECT_EQ(show(3), 0x6A80);
  for (const Bytes& other : {statement(9, "maker"), statement(1), Bytes{0x80}, Bytes{}}) {
    EXPECT_EQ(tell_application(other), 0x9000) << "no failure of the application's";
  }
  EXPECT_EQ(show(4), 0x9000);
  EXPECT_EQ(show(3), 0x6A80);
}

TEST_F(CasdEpochTest, MinEpochOutlivesTheApplicationThatPassedItOn) {
  ASSERT_EQ(tell_application(statement(4)), 0x9000);
  auto issuer = bench_.open_isd();
  ASSERT_EQ(bench_.send(*issuer, scp::PlainCommand{.ins = 0xE4, .data = hex("4F07F0000000020101")})
                .sw.value,
            0x9000);
  EXPECT_EQ(show(3), 0x6A80);
}

TEST_F(CasdEpochTest, ACutLeavesTheOldEpochOrTheNew) {
  for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    CasdBench bench;
    bench.select(kCasdAid);
    bench.power->cut_at(1, cut);
    const apdu::CommandApdu command{.cla = 0x80, .ins = 0x1C, .data = statement(2)};
    EXPECT_FALSE(bench.element->transmit(command.encode()).has_value());
    bench.restart();
    EXPECT_EQ(bench.element->nvm().get("open/casd-epoch") != nullptr, cut == test::Cut::kAfter);
  }
}

}  // namespace
}  // namespace kagibin::se
