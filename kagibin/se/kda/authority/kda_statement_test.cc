// SPDX-License-Identifier: Apache-2.0
// STATEMENT: what the authority's word changes, and that no old word brings anything back.
#include <memory>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;

Bytes u32(std::uint32_t value) { return ByteWriter().u32(value).take(); }

Bytes root_statement(KdaBench& bench,
                     std::uint32_t number,
                     const crypto::EcPrivateKey& root,
                     const crypto::EcPrivateKey& signer) {
  const crypto::EcPoint point = root.public_key().point();
  return bench.statement(0x03, ByteWriter().u32(number).bytes(point).view(), &signer);
}

TEST(KdaStatement, TimeAndEpochOnlyRise) {
  KdaBench bench;
  const auto tick = [&](std::uint32_t minutes) {
    return bench.kda(kda::statement(bench.statement(0x01, u32(minutes))))->sw;
  };
  EXPECT_EQ(tick(1000), sw::kOk);
  EXPECT_EQ(tick(1000), sw::kOk);
  EXPECT_EQ(tick(999), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0001"))))->sw, sw::kOk);
  EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0000"))))->sw,
            sw::kConditionsNotSatisfied);
}

// A CERT.SP below minEpoch is no better for a confidential set-up (casd/casd_epoch_test.cc).
TEST(KdaStatement, MinEpochIsPassedOnToTheCasdOfTheElement) {
  KdaBench bench({.with_casd = true});
  const auto told = [&]() -> std::string {
    const SecretBytes* record = bench.element->nvm().get("open/casd-epoch");
    return record == nullptr ? "" : to_hex(record->expose());
  };
  const auto state = [&](ByteView message) { return bench.kda(kda::statement(message))->sw; };
  EXPECT_EQ(state(bench.statement(0x01, u32(1000))), sw::kOk);
  EXPECT_EQ(told(), "");
  EXPECT_EQ(state(bench.statement(0x02, hex("0003"))), sw::kOk);
  EXPECT_EQ(told(), "0003");
  EXPECT_EQ(state(bench.statement(0x02, hex("0002"))), sw::kConditionsNotSatisfied);
  EXPECT_EQ(state(bench.statement(0x02, hex("0009"), &bench.maker)),
            sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(told(), "0003");
  // One of another root, whom the CASD does not know, is the KDA's alone.
  const crypto::EcPrivateKey second = bench.fresh_key();
  EXPECT_EQ(state(root_statement(bench, 1, second, bench.authority)), sw::kOk);
  EXPECT_EQ(state(bench.statement(0x02, hex("0004"), &second)), sw::kOk);
  EXPECT_EQ(told(), "0003");
}

// What the CASD was told, by itself or through another application, counts for whom nobody told.
TEST(KdaStatement, ALowerEpochThanTheCasdsIsRefusedByAKdaAndByADomainThatTakesDeliveries) {
  for (const bool is_own : {false, true}) {
    KdaBench bench({.with_casd = true, .own_delivery = is_own});
    Delivery loaded = bench.enrol();
    bench.seal(loaded, bench.add_keys(0x31));
    ASSERT_EQ(bench.load(loaded), sw::kOk);
    ASSERT_EQ(bench.target(kda::select(casd_aid()))->sw, sw::kOk);
    const Bytes message = bench.statement(0x02, hex("0002"));
    ASSERT_EQ(bench.target({.cla = 0x80, .ins = 0x1C, .data = message})->sw, sw::kOk);
    EXPECT_EQ(bench.run(loaded), Outcome::kDone);
    EXPECT_EQ(bench.receipt(loaded).results(), std::vector{4});
    EXPECT_FALSE(bench.target_holds(0x31, 0x60));
    EXPECT_EQ(bench.kda_sw(kda::enrol(bench.request().request)), sw::kSecurityStatusNotSatisfied);
    auto renewed = bench.provider_fields();
    renewed.epoch = 2;
    EXPECT_EQ(bench.enrol({.certificate = renewed}).statement.min_epoch, 2);
  }
}

TEST(KdaStatement, NobodyButTheAuthoritySpeaks) {
  KdaBench bench;
  EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x01, u32(5), &bench.maker)))->sw,
            sw::kSecurityStatusNotSatisfied);
  Bytes changed = bench.statement(0x01, u32(5));
  changed[8] ^= 1U;
  EXPECT_EQ(bench.kda(kda::statement(changed))->sw, sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(bench.kda(kda::statement(hex("80010481009E00")))->sw, sw::kFunctionNotSupported);
  EXPECT_EQ(bench.kda(kda::statement(hex("8001")))->sw, sw::kWrongData);
}

TEST(KdaStatement, ASecondRootCountsFromItsStatementOnAndReplacesTheFirst) {
  KdaBench bench;
  const crypto::EcPrivateKey second = bench.fresh_key();
  const crypto::EcPrivateKey third = bench.fresh_key();
  const auto root = [&](std::uint32_t number, const auto& value, const auto& signer) {
    return bench.kda(kda::statement(root_statement(bench, number, value, signer)))->sw;
  };
  EXPECT_EQ(root(1, third, second), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(root(1, second, bench.authority), sw::kOk);
  bench.enrol();
  EXPECT_EQ(root(2, third, second), sw::kOk);  // takes the first root's place
  EXPECT_EQ(bench.send(*std::make_unique<Delivery>(bench.request())),
            sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(root(3, second, bench.authority), sw::kSecurityStatusNotSatisfied);
  bench.restart();
  EXPECT_EQ(root(3, bench.authority, third), sw::kOk);
  bench.enrol();
}

TEST(KdaStatement, AnOldRootDoesNotComeBack) {
  KdaBench bench;
  const crypto::EcPrivateKey leaked = bench.fresh_key();
  const crypto::EcPrivateKey fresh = bench.fresh_key();
  const Bytes old = root_statement(bench, 1, leaked, bench.authority);
  const Bytes current = root_statement(bench, 2, fresh, bench.authority);
  const auto state = [&](ByteView message) { return bench.kda(kda::statement(message))->sw; };
  const auto speaks = [&](const crypto::EcPrivateKey& key) {
    return sw::is_ok(state(bench.statement(0x01, u32(7), &key)));
  };
  ASSERT_EQ(state(old), sw::kOk);
  EXPECT_TRUE(speaks(leaked));
  EXPECT_EQ(state(old), sw::kConditionsNotSatisfied);  // carried twice
  ASSERT_EQ(state(current), sw::kOk);                  // under the same first root
  EXPECT_FALSE(speaks(leaked));
  for (int again = 0; again < 2; ++again) {
    const std::uint64_t before = bench.element->nvm().writes();
    EXPECT_EQ(state(old), sw::kConditionsNotSatisfied);
    EXPECT_EQ(bench.element->nvm().writes(), before);
    EXPECT_FALSE(speaks(leaked));
    EXPECT_TRUE(speaks(fresh));
    bench.restart();
  }
  // One series for both roots.
  EXPECT_EQ(state(root_statement(bench, 2, leaked, fresh)), sw::kConditionsNotSatisfied);
}

TEST(KdaStatement, ARootWithoutItsNumberOrOffTheCurveIsMalformed) {
  KdaBench bench;
  const crypto::EcPrivateKey key = bench.fresh_key();
  const auto state = [&](ByteView value) {
    return bench.kda(kda::statement(bench.statement(0x03, value)))->sw;
  };
  EXPECT_EQ(state(key.public_key().point()), sw::kWrongData);
  Bytes value = ByteWriter().u32(1).bytes(key.public_key().point()).take();
  EXPECT_EQ(state(ByteView(value).first(68)), sw::kWrongData);
  value.back() ^= 1U;
  EXPECT_EQ(state(value), sw::kWrongData);
  value.back() ^= 1U;
  value[3] = 0;
  EXPECT_EQ(state(value), sw::kConditionsNotSatisfied);  // the first number is 1
  value[3] = 1;
  EXPECT_EQ(state(value), sw::kOk);
}

}  // namespace
}  // namespace kagibin::se
