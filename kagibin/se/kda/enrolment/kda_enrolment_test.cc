// SPDX-License-Identifier: Apache-2.0
// What ENROL refuses, and what it leaves untouched when it does.
#include <functional>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/kda_test_bench.h"
#include "kagibin/se/kda/records/kda_store.h"

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
  const Delivery delivery = bench.request();
  Bytes other = delivery.request;
  const Bytes suite = hex("810101");
  const auto at = std::ranges::search(other, suite);
  ASSERT_FALSE(at.empty());
  for (const std::uint8_t defined : {std::uint8_t{0x03}, std::uint8_t{0x08}}) {
    *(at.begin() + 2) = defined;
    EXPECT_EQ(bench.kda_sw(kda::enrol(other)), sw::kFunctionNotSupported);
  }
  *(at.begin() + 2) = 0x04;
  EXPECT_EQ(bench.kda_sw(kda::enrol(other)), sw::kWrongData);
}

// Nothing is enrolled in their place.
TEST(KdaEnrol, RefusesTheHybridSuitesWhereLibcryptoHasNoMlKem) {
  KdaBench bench;
  const std::uint64_t before = bench.element->nvm().writes();
  for (const std::uint8_t suite : {std::uint8_t{0x20}, std::uint8_t{0x21}}) {
    Delivery delivery = bench.request({.suite = suite});
    EXPECT_EQ(bench.send(delivery), crypto::has_ml_kem() ? sw::kOk : sw::kFunctionNotSupported);
  }
  if (!crypto::has_ml_kem()) {
    EXPECT_EQ(bench.element->nvm().writes(), before);
  }
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

// Protocol, section 12: no provider learns of another
TEST(KdaEnrol, CountsEnrolmentsAndReceiptsForEachProviderAlone) {
  KdaBench bench;
  const auto counts = [&](bool other, std::string_view target) {
    Delivery delivery = bench.enrol({.target = aid(target), .other_provider = other});
    // The first signed refusal has an interim receipt: one more each time.
    envelope::EnvelopeHeader header = bench.header(delivery);
    header.seq = 0x01;
    header.not_after = header.issued_at - 1;
    bench.seal(delivery, header, bench.add_keys(0x31));
    EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
    return std::pair(delivery.statement.enrolment_counter,
                     bench.receipt(delivery).opened.kda_counter);
  };
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  EXPECT_EQ(counts(false, "A00000015100000A01"), Pair(1, 1));
  EXPECT_EQ(counts(true, "A00000015100000A01"), Pair(1, 1));
  EXPECT_EQ(counts(true, "A00000015100000A02"), Pair(2, 2)) << "in a slot of its own";
  EXPECT_EQ(counts(false, "A00000015100000A01"), Pair(2, 2));
  bench.restart();
  EXPECT_EQ(counts(false, "A00000015100000A01"), Pair(3, 3));
  EXPECT_EQ(counts(true, "A00000015100000A02"), Pair(3, 3)) << "they never run backwards";
}

TEST(KdaEnrol, ServesAsManyProvidersAsCanHaveAllTheirTargets) {
  KdaBench bench;
  const auto enrols = [&](std::uint8_t provider, std::uint8_t target) {
    pki::CertificateFields fields = bench.provider_fields();
    fields.subject.fill(provider);
    Bytes name(bench.target_aid.view().begin(), bench.target_aid.view().end());
    name.back() = target;
    Delivery delivery = bench.request(
        {.target = Aid::from(name).value(), .certificate = fields, .spid = Spid{fields.subject}});
    return bench.send(delivery);
  };
  for (std::uint8_t provider = 1; provider <= KdaStore::kMaxProviders; ++provider) {
    EXPECT_EQ(enrols(provider, 1), sw::kOk) << int{provider};
  }
  EXPECT_EQ(enrols(KdaStore::kMaxProviders + 1, 1), sw::kNotEnoughMemory) << "one more";
  for (std::uint8_t provider = 1; provider <= KdaStore::kMaxProviders; ++provider) {
    for (std::uint8_t target = 2; target <= KdaStore::kMaxTargetsOfProvider; ++target) {
      EXPECT_EQ(enrols(provider, target), sw::kOk) << int{provider} << ", " << int{target};
    }
  }
  EXPECT_EQ(enrols(1, KdaStore::kMaxTargetsOfProvider + 1), sw::kNotEnoughMemory);
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

// Attempts of a provider for a target that have ended, by cancellation: their handles and receipts,
// oldest first.
struct Kept {
  std::vector<Handle> handles;
  std::vector<Bytes> receipts;

  void add(KdaBench& bench, const KdaBench::RequestOptions& options = {}) {
    const Delivery delivery = bench.enrol(options);
    const Delivery end = bench.request({.cancel = true,
                                        .kem_key = delivery.kem_key->public_key().point(),
                                        .target = options.target,
                                        .other_provider = options.other_provider});
    ASSERT_EQ(bench.kda_sw(kda::cancel(end.request)), sw::kOk);
    handles.push_back(delivery.handle());
    receipts.push_back(bench.raw_receipt(delivery.handle())->data);
  }
  // Which of them the element still has, as bits.
  unsigned there(KdaBench& bench) const {
    unsigned out = 0;
    for (std::size_t at = 0; at < handles.size(); ++at) {
      const auto answer = bench.raw_receipt(handles[at]);
      EXPECT_EQ(answer->sw, answer->data.empty() ? sw::kReferencedDataNotFound : sw::kOk);
      out |= answer->data == receipts[at] ? 1U << at : 0U;
    }
    return out;
  }
};

TEST(KdaEnrol, AcknowledgesTheNamedReceiptAndAllOlderOnesOfItsTarget) {
  KdaBench bench;
  Kept mine;
  Kept elsewhere;
  Kept theirs;
  elsewhere.add(bench, {.target = digital_key_module()});
  for (int i = 0; i < 3; ++i) {
    mine.add(bench);
  }
  theirs.add(bench, {.other_provider = true});
  for (int i = 0; i < 3; ++i) {
    mine.add(bench);
  }
  ASSERT_EQ(mine.there(bench), 0b111111U);
  bench.enrol({.acknowledge = crypto::sha256(mine.receipts[3])});
  EXPECT_EQ(mine.there(bench), 0b110000U);
  EXPECT_EQ(elsewhere.there(bench), 0b1U);
  EXPECT_EQ(theirs.there(bench), 0b1U);
  // The same acknowledgement again, and one of a receipt that is gone, take nothing.
  bench.enrol({.acknowledge = crypto::sha256(mine.receipts[3])});
  bench.enrol({.acknowledge = crypto::sha256(mine.receipts[0])});
  EXPECT_EQ(mine.there(bench), 0b110000U);
  bench.restart();
  bench.enrol({.acknowledge = crypto::sha256(mine.receipts[5])});
  EXPECT_EQ(mine.there(bench), 0U);
}

TEST(KdaEnrol, WhoeverHoldsTheNewestReceiptUnlocksATargetThatIsFull) {
  KdaBench bench;
  Kept kept;
  for (int i = 0; i < 8; ++i) {
    kept.add(bench);
  }
  ASSERT_EQ(refused(bench, {}), sw::kNotEnoughMemory);
  kept.add(bench, {.acknowledge = crypto::sha256(kept.receipts[7])});
  EXPECT_EQ(kept.there(bench), 0b1'0000'0000U);
  for (int i = 0; i < 7; ++i) {
    kept.add(bench);  // all eight places were free again
  }
  EXPECT_EQ(refused(bench, {}), sw::kNotEnoughMemory);
}

// A delivery of two actions whose first one is proved and whose second has not left.
TEST(KdaEnrol, ABegunDeliveryIsNotDroppedThoughNothingIsOpen) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  Bytes group = hex("802010");
  append(group, key_octets(0x70).expose());
  std::vector<envelope::Action> actions;
  actions.emplace_back(KdaBench::put_key(0, 0x31, 0x60));
  actions.emplace_back(envelope::StoreDataAction{.application = payment_credential_module(),
                                                 .under_key_dek = true,
                                                 .data = SecretBytes::copy_of(group),
                                                 .probe = {}});
  bench.seal(delivery, bench.payload_of(std::move(actions)));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  bench.intercept =
      [](const apdu::CommandApdu& command) -> std::optional<Result<apdu::ResponseApdu>> {
    if (command.ins == apdu::ins::kInstall) {
      return fail(Errc::kCardLink, "the reader is gone");
    }
    return {};
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kNoPower);
  bench.intercept = {};
  bench.restart();
  ASSERT_EQ(bench.status(delivery.handle()).state, kda::State::kLoaded);
  ASSERT_EQ(bench.receipt(delivery).results(), (Results{0x00, 0x03}));
  EXPECT_EQ(refused(bench, {}), sw::kConditionsNotSatisfied);
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0x00, 0x00}));
  bench.enrol();
}

// The limit of the memory for nA (doc/threat_model.md): what an E0 that was forgotten can do.
TEST(KdaEnrol, AForgottenRequestTakesAnIdleSlotAndNothingElse) {
  KdaBench bench;
  Delivery old = bench.enrol();
  bench.seal(old, bench.add_keys(0x3F));
  Delivery current = bench.enrol();
  for (std::size_t i = 0; i < KdaSlot::kMaxNonces - 2; ++i) {
    EXPECT_EQ(bench.kda_sw(kda::enrol(old.request)), sw::kCommandNotAllowed);
    current = bench.enrol();
  }
  EXPECT_EQ(bench.kda_sw(kda::enrol(old.request)), sw::kCommandNotAllowed);
  current = bench.enrol();
  bench.seal(current, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(current), sw::kOk);
  bool has_put = false;
  bench.tamper = [&](const apdu::CommandApdu& command, const apdu::ResponseApdu& answer) {
    has_put = has_put || command.ins == apdu::ins::kPutKey;
    return has_put ? apdu::ResponseApdu{{}, StatusWord{0x6F00}} : answer;
  };
  ASSERT_EQ(bench.pump(current.handle()), Outcome::kWait);
  EXPECT_EQ(bench.kda_sw(kda::enrol(old.request)), sw::kConditionsNotSatisfied);
  bench.tamper = {};
  ASSERT_EQ(bench.pump(current.handle()), Outcome::kDone);
  // Idle: it is taken, under a fresh handle and key, and what was sealed for it then stays refused.
  const Handle before = old.handle();
  ASSERT_EQ(bench.send(old), sw::kOk);
  EXPECT_NE(old.handle(), before);
  EXPECT_EQ(old.statement.last_committed_seq, 1U);
  EXPECT_EQ(bench.load(old), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(current).results(), Results{0x01});
  bench.enrol();
}

TEST(KdaEnrol, LooksAtACertificateOfTheSecurityDomain) {
  KdaBench bench;
  pki::CertificateFields fields = bench.provider_fields();
  fields.kind = pki::CertificateKind::kSecurityDomain;
  fields.subject = bench.seid.octets;
  fields.aids = {Bytes(bench.target_aid.view().begin(), bench.target_aid.view().end())};
  fields.owner = bench.spid();
  fields.maker_key = crypto::sha256(bench.maker.public_key().point());
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
  other = fields;
  other.maker_key = crypto::sha256(bench.fresh_key().public_key().point());
  EXPECT_EQ(with(other, bench.authority), sw::kSecurityStatusNotSatisfied)
      << "on the word of another maker";
}

}  // namespace
}  // namespace kagibin::se
