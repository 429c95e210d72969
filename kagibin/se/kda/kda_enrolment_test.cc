// SPDX-License-Identifier: Apache-2.0
// What ENROL refuses, and what it leaves untouched when it does.
#include <functional>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/ecdsa.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;

Bytes flip(Bytes octets, std::size_t bit) {
  octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] ^ (1U << (bit % 8)));
  return octets;
}

// ENROL of a request that must be refused; nothing is written.
StatusWord refused(KdaBench& bench, const KdaBench::RequestOptions& options) {
  const std::uint64_t before = bench.element->nvm().writes();
  Delivery delivery = bench.request(options);
  const StatusWord answer = bench.send(delivery);
  EXPECT_EQ(bench.element->nvm().writes(), before);
  return answer;
}

TEST(KdaEnrol, RefusesACertificateThatIsNotTheAuthoritys) {
  KdaBench bench;
  EXPECT_EQ(refused(bench, {.self_signed = true}), sw::kSecurityStatusNotSatisfied);
}

TEST(KdaEnrol, RefusesARequestThatTheCertifiedKeyDidNotSign) {
  KdaBench bench;
  EXPECT_EQ(refused(bench, {.wrong_signature = true}), sw::kSecurityStatusNotSatisfied);
}

TEST(KdaEnrol, RefusesATargetOutsideTheCertifiedPrefixes) {
  KdaBench bench;
  EXPECT_EQ(refused(bench, {.target = aid("A000000003000000")}), sw::kSecurityStatusNotSatisfied);
}

TEST(KdaEnrol, RefusesACertificateOfAnotherProviderOrKind) {
  KdaBench bench;
  EXPECT_EQ(refused(bench, {.certificate = bench.provider_fields(true)}),
            sw::kSecurityStatusNotSatisfied);
  pki::CertificateFields oce = bench.provider_fields();
  oce.kind = pki::CertificateKind::kOce;
  oce.aids.clear();
  EXPECT_EQ(refused(bench, {.certificate = oce}), sw::kSecurityStatusNotSatisfied);
}

TEST(KdaEnrol, RefusesAStaleEpoch) {
  KdaBench bench;
  ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0002"))))->sw, sw::kOk);
  EXPECT_EQ(refused(bench, {}), sw::kSecurityStatusNotSatisfied);
  pki::CertificateFields fresh = bench.provider_fields();
  fresh.epoch = 2;
  EXPECT_EQ(bench.enrol({.certificate = fresh}).statement.min_epoch, 2);
}

TEST(KdaEnrol, RefusesACertificateThatExpiredBeforeTheLastTick) {
  KdaBench bench;
  pki::CertificateFields fields = bench.provider_fields();
  fields.expiration = {20271231};
  bench.enrol({.certificate = fields});
  const std::uint32_t tick = to_protocol_minutes(1'830'297'600);  // 2028-01-01
  Bytes value;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    value.push_back(static_cast<std::uint8_t>((tick >> shift) & 0xFFU));
  }
  ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x01, value)))->sw, sw::kOk);
  EXPECT_EQ(refused(bench, {.certificate = fields}), sw::kSecurityStatusNotSatisfied);
}

TEST(KdaEnrol, RefusesEveryFlippedBitOfARequest) {
  KdaBench bench;
  Delivery delivery = bench.request();
  const std::uint64_t before = bench.element->nvm().writes();
  for (std::size_t bit = 0; bit < delivery.request.size() * 8; bit += 3) {
    const StatusWord answer = bench.kda_sw(kda::enrol(flip(delivery.request, bit)));
    EXPECT_NE(answer, sw::kOk) << bit;
  }
  EXPECT_EQ(bench.element->nvm().writes(), before);
  EXPECT_EQ(bench.send(delivery), sw::kOk);
}

TEST(KdaEnrol, RefusesSuitesThatAreNotBuiltByName) {
  KdaBench bench;
  Delivery delivery = bench.request();
  Bytes other = delivery.request;
  const Bytes suite = hex("810101");
  const auto at = std::ranges::search(other, suite);
  ASSERT_FALSE(at.empty());
  *(at.begin() + 2) = 0x20;
  EXPECT_EQ(bench.kda_sw(kda::enrol(other)), sw::kFunctionNotSupported);
}

TEST(KdaEnrol, RefusesACancellationAndCancelRefusesAnEnrolment) {
  KdaBench bench;
  EXPECT_EQ(refused(bench, {.cancel = true}), sw::kWrongData);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.request().request)), sw::kWrongData);
}

TEST(KdaEnrol, AnUncertifiedKdaEnrolsNobody) {
  KdaBench bench({.certify = false});
  EXPECT_EQ(refused(bench, {}), sw::kReferencedDataNotFound);
}

TEST(KdaEnrol, TheSameRequestWhileItWaitsGetsTheSameAnswer) {
  KdaBench bench;
  const Delivery delivery = bench.enrol();
  const auto again = bench.kda(kda::enrol(delivery.request));
  EXPECT_EQ(again->sw, sw::kOk);
  EXPECT_EQ(again->data, delivery.answer);
  bench.restart();
  EXPECT_EQ(bench.kda(kda::enrol(delivery.request))->data, delivery.answer);
}

TEST(KdaEnrol, AReplayedRequestDoesNotTakeTheSlot) {
  KdaBench bench;
  const Delivery old = bench.enrol();
  Delivery current = bench.enrol();
  EXPECT_EQ(bench.kda_sw(kda::enrol(old.request)), sw::kCommandNotAllowed);
  bench.seal(current, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(current), sw::kOk);
  EXPECT_EQ(bench.kda_sw(kda::enrol(current.request)), sw::kCommandNotAllowed);
  EXPECT_EQ(bench.kda_sw(kda::enrol(old.request)), sw::kCommandNotAllowed);
  ASSERT_EQ(bench.pump(current.handle()), Outcome::kDone);
  EXPECT_EQ(bench.kda_sw(kda::enrol(current.request)), sw::kCommandNotAllowed);
}

TEST(KdaEnrol, ANewEnrolmentWipesTheOldEnvelope) {
  KdaBench bench;
  Delivery old = bench.enrol();
  bench.seal(old, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(old), sw::kOk);
  bench.enrol();
  EXPECT_EQ(bench.load(old), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.pump(old.handle()), Outcome::kFailed);
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
}

TEST(KdaEnrol, AProviderHasFourTargets) {
  KdaBench bench;
  for (const std::string_view target :
       {"A0000001510001", "A0000001510002", "A0000001510003", "A0000001510004"}) {
    bench.enrol({.target = aid(target)});
  }
  EXPECT_EQ(refused(bench, {.target = aid("A0000001510005")}), sw::kNotEnoughMemory);
  bench.enrol({.target = aid("A0000001510002")});
  bench.enrol({.other_provider = true});
}

TEST(KdaEnrol, ReceiptsThatNobodyAcknowledgesFillTheSlotAtEight) {
  KdaBench bench;
  Bytes e3;
  for (bench.next_seq = 1; bench.next_seq <= 8; ++bench.next_seq) {
    Delivery delivery = bench.enrol();
    bench.seal(delivery, bench.add_keys(static_cast<std::uint8_t>(0x30 + bench.next_seq)));
    ASSERT_EQ(bench.run(delivery), Outcome::kDone);
    e3 = bench.raw_receipt(delivery.handle())->data;
  }
  EXPECT_EQ(refused(bench, {}), sw::kNotEnoughMemory);
  EXPECT_EQ(refused(bench, {.acknowledge = crypto::sha256(hex("00"))}), sw::kNotEnoughMemory);
  bench.enrol({.acknowledge = crypto::sha256(e3)});
}

TEST(KdaEnrol, LooksAtACertificateOfTheSecurityDomain) {
  KdaBench bench;
  pki::CertificateFields fields = bench.provider_fields();
  fields.kind = pki::CertificateKind::kSecurityDomain;
  fields.subject = bench.seid.octets;
  fields.aids = {Bytes(bench.target_aid.view().begin(), bench.target_aid.view().end())};
  fields.owner = bench.spid();
  const crypto::EcPrivateKey key = bench.fresh_key();
  const auto with = [&](const pki::CertificateFields& chosen, const crypto::EcPrivateKey& issuer) {
    const Delivery delivery = bench.request();
    return bench.kda_sw(
        kda::enrol(delivery.request, bench.certificate(chosen, key, issuer).encoded()));
  };
  EXPECT_EQ(with(fields, bench.authority), sw::kOk);
  EXPECT_EQ(with(fields, bench.maker), sw::kSecurityStatusNotSatisfied);
  pki::CertificateFields other = fields;
  other.owner = bench.spid(true);
  EXPECT_EQ(with(other, bench.authority), sw::kSecurityStatusNotSatisfied);
  other = fields;
  other.subject[0] = 0;
  EXPECT_EQ(with(other, bench.authority), sw::kSecurityStatusNotSatisfied);
  other = fields;
  other.aids = {hex("A0000001510000FF")};
  EXPECT_EQ(with(other, bench.authority), sw::kSecurityStatusNotSatisfied);
}

}  // namespace
}  // namespace kagibin::se
