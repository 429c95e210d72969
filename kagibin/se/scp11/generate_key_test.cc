// SPDX-License-Identifier: Apache-2.0
// Key pairs made by an element.
#include "kagibin/scp/scp11/key_generation.h"
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::se {
namespace {

using crypto::Curve;
using scp::GenerateKey;

GenerateKey request(std::uint8_t kvn, Curve curve = Curve::kP256, std::uint8_t replaced = 0) {
  return {.key = {.identifier = scp::kKidScp11b, .version = kvn},
          .replaced_version = replaced,
          .curve = curve,
          .challenge = Bytes(16, 0x5C)};
}

scp::Scp11Host host_for(const crypto::CurvePublicKey& key, std::uint8_t kvn) {
  return {key, {.variant = Scp11Variant::kB, .key_version_number = kvn}};
}

TEST(GenerateKeyCommandTest, TheKeyThatWasProvedOpensSessions) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    Scp11Bench bench;
    auto session = bench.open_isd();
    const auto wish = request(0x04, curve);
    const auto answer = bench.exchange(*session, wish.encode());
    ASSERT_EQ(answer.sw.value, 0x9000);
    const auto key = wish.verify_answer(answer.data).value();
    bench.restart();
    auto host = host_for(key, 0x04);
    EXPECT_EQ(bench.authenticate(host).value, 0x9000);
    // GET DATA 00E0 tells of it.
    bench.select("");
    const auto keys = gp::KeyInformation::decode(bench.send("80CA00E000").data).value();
    EXPECT_TRUE(keys.holds(0x04, scp::kKidScp11b));
  }
}

TEST(GenerateKeyCommandTest, EachKeyIsAnother) {
  Scp11Bench bench;
  auto session = bench.open_isd();
  const auto first = bench.exchange(*session, request(0x04).encode()).data;
  const auto second = bench.exchange(*session, request(0x05).encode()).data;
  EXPECT_NE(request(0x04).verify_answer(first).value(),
            request(0x05).verify_answer(second).value());
}

TEST(GenerateKeyCommandTest, RulesAreThoseOfPutKey) {
  Scp11Bench bench;
  auto session = bench.open_isd();
  const auto status = [&](const GenerateKey& wish) {
    return bench.exchange(*session, wish.encode()).sw.value;
  };
  EXPECT_EQ(status(request(0x04)), 0x9000);
  EXPECT_EQ(status(request(0x04)), 0x6A80) << "it is there";
  EXPECT_EQ(status(request(0x05, Curve::kP256, 0x06)), 0x6A88) << "nothing to replace";
  EXPECT_EQ(status(request(0x05, Curve::kP384, 0x04)), 0x9000);
  EXPECT_EQ(status(request(0x05, Curve::kP256, 0x05)), 0x9000);
  EXPECT_EQ(status(request(0x06, Curve::kP256, 0x04)), 0x6A88) << "it went";
  EXPECT_EQ(
      bench.exchange(*session, {.cla = 0x80, .ins = 0xF1, .p2 = 0x13, .data = hex("07")}).sw.value,
      0x6A80);
}

TEST(GenerateKeyCommandTest, AReplacedKeysCertificatesGo) {
  Scp11Bench bench;
  auto session = bench.open_isd();
  ASSERT_EQ(bench.exchange(*session, request(0x04).encode()).sw.value, 0x9000);
  ASSERT_EQ(
      bench
          .exchange(*session,
                    {.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = hex("A60483021304BF21023000")})
          .sw.value,
      0x9000);
  ASSERT_EQ(bench.exchange(*session, request(0x04, Curve::kP256, 0x04).encode()).sw.value, 0x9000);
  bench.select("");
  EXPECT_EQ(bench.status("80CABF2106A6048302130400"), 0x6A88);
}

TEST(GenerateKeyCommandTest, OnlyTheProviderMakesKeys) {
  Scp11Bench bench;
  bench.put_keys();
  EXPECT_EQ(bench.send(request(0x04).encode()).sw.value, 0x6982);
  auto anybody = bench.open_scp11(Scp11Variant::kB);
  EXPECT_EQ(bench.exchange(anybody, request(0x04).encode()).sw.value, 0x6982);
  auto provider = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(provider, request(0x04).encode()).sw.value, 0x9000);
}

TEST(GenerateKeyCommandTest, PowerCutsLeaveAKeyThatWasAnsweredOrNone) {
  for (const auto cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    Scp11Bench bench;
    auto session = bench.open_isd();
    const auto wrapped = session->wrap(scp::plain_command(request(0x04).encode()));
    bench.power->cut_at(1, cut);
    EXPECT_FALSE(bench.element->transmit(wrapped->encode()));
    bench.restart();
    const auto keys = gp::KeyInformation::decode(bench.send("80CA00E000").data).value();
    EXPECT_EQ(keys.holds(0x04, scp::kKidScp11b), cut == test::Cut::kAfter);
  }
}

}  // namespace
}  // namespace kagibin::se
