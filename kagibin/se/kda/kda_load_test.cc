// SPDX-License-Identifier: Apache-2.0
// What LOAD and CANCEL refuse, and what they leave untouched when they do.
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

struct LoadTest : testing::Test {
  using Change = std::function<void(envelope::EnvelopeHeader&)>;
  StatusWord load_changed(const Change& change) {
    Delivery delivery = bench.enrol();
    envelope::EnvelopeHeader header = bench.header(delivery);
    change(header);
    bench.forge(delivery, header, bench.add_keys(0x31));
    const StatusWord answer = bench.kda_sw(kda::load(delivery.handle(), delivery.envelope));
    last = std::move(delivery);
    return answer;
  }
  KdaBench bench;
  std::optional<Delivery> last;
};

TEST_F(LoadTest, RefusesAnotherHandleOrProviderInTheHeader) {
  EXPECT_EQ(load_changed([](auto& header) { header.handle.octets[0] ^= 1U; }),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([](auto& header) { header.spid.octets[0] ^= 1U; }),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([](auto&) {}), sw::kOk);
}

TEST_F(LoadTest, RefusesASequenceNumberThatWasCommitted) {
  ASSERT_EQ(load_changed([](auto& header) { header.seq = 5; }), sw::kOk);
  ASSERT_EQ(bench.pump(last->handle()), Outcome::kDone);
  EXPECT_EQ(load_changed([](auto& header) { header.seq = 5; }), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([](auto& header) { header.seq = 4; }), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([](auto& header) { header.seq = 6; }), sw::kOk);
}

TEST_F(LoadTest, RefusesAnEnvelopeThatIsOlderThanOneOfTheSameProvider) {
  const std::uint32_t now = bench.now_minutes();
  ASSERT_EQ(load_changed([&](auto& header) {
              header.issued_at = now + 100;
              header.not_after = now + 200;
            }),
            sw::kOk);
  EXPECT_EQ(load_changed([&](auto& header) { header.not_after = now + 99; }),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([&](auto& header) { header.not_after = now + 100; }), sw::kOk);
  EXPECT_EQ(load_changed([&](auto& header) {
              header.issued_at = now + 300;
              header.not_after = now + 299;
            }),
            sw::kConditionsNotSatisfied);
}

TEST_F(LoadTest, OneProvidersTimeDoesNotMoveAnothers) {
  const std::uint32_t now = bench.now_minutes();
  ASSERT_EQ(
      load_changed([&](auto& header) { header.issued_at = header.not_after = now + 100'000; }),
      sw::kOk);
  Delivery theirs = bench.enrol({.other_provider = true});
  bench.seal(theirs, bench.add_keys(0x32));
  EXPECT_EQ(bench.load(theirs), sw::kOk);
}

TEST_F(LoadTest, RefusesAnEnvelopeThatExpiredBeforeTheLastTick) {
  ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x01, hex("00010000"))))->sw, sw::kOk);
  EXPECT_EQ(load_changed([](auto& header) {
              header.issued_at = 0;
              header.not_after = 0x0000FFFF;
            }),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_changed([](auto& header) {
              header.issued_at = 0;
              header.not_after = 0x00010000;
            }),
            sw::kOk);
}

TEST_F(LoadTest, RefusesAnEnvelopeForAnotherSlotElementOrKey) {
  Delivery mine = bench.enrol();
  Delivery theirs = bench.enrol({.other_provider = true});
  bench.seal(mine, bench.add_keys(0x31));
  bench.seal(theirs, bench.add_keys(0x32));
  EXPECT_EQ(bench.kda_sw(kda::load(mine.handle(), theirs.envelope)), sw::kConditionsNotSatisfied);
  KdaBench other({.seed = "another element"});
  Delivery elsewhere = other.enrol();
  other.seal(elsewhere, other.add_keys(0x31));
  EXPECT_EQ(bench.kda_sw(kda::load(mine.handle(), elsewhere.envelope)),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.kda_sw(kda::load(elsewhere.handle(), mine.envelope)),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.load(mine), sw::kOk);
}

TEST_F(LoadTest, RefusesAnEphemeralKeyOffTheCurve) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  auto sealed = envelope::Envelope::decode(delivery.envelope).value();
  sealed.ephemeral_key[64] ^= 1U;
  const auto statement_hash = crypto::sha256(delivery.content.statement);
  sealed.signature = crypto::ecdsa_sign_der(bench.provider,
                                            {ascii(envelope::kLabelEnvelope), sealed.header,
                                             sealed.sealed_tlv(), statement_hash},
                                            bench.rng)
                         .value();
  delivery.envelope = sealed.encode();
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x04});
}

TEST_F(LoadTest, AnUnsignedEnvelopeCountsNoTry) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  const std::uint64_t before = bench.element->nvm().writes();
  for (std::size_t bit = 0; bit < delivery.envelope.size() * 8; bit += 5) {
    EXPECT_NE(bench.kda_sw(kda::load(delivery.handle(), flip(delivery.envelope, bit))), sw::kOk)
        << bit;
  }
  EXPECT_EQ(bench.element->nvm().writes(), before);
  EXPECT_EQ(bench.raw_receipt(delivery.handle())->sw, sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.load(delivery), sw::kOk);
}

TEST_F(LoadTest, ThreeSignedEnvelopesThatDoNotOpenCloseTheSlot) {
  Delivery delivery = bench.enrol();
  const crypto::EcPrivateKey wrong = bench.fresh_key();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(bench.raw_receipt(delivery.handle())->sw,
              attempt == 1 ? sw::kConditionsNotSatisfied : sw::kOk);
    bench.forge(delivery, bench.header(delivery), bench.add_keys(0x31), &wrong.public_key());
    EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
    EXPECT_EQ(bench.receipt(delivery).results(), Results{0x04});
  }
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kRefused);
  bench.seal(delivery, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  EXPECT_FALSE(bench.receipt(delivery).receipt.mac.has_value());
  bench.enrol();
}

TEST_F(LoadTest, AGoodEnvelopeStillComesAfterTwoBadOnes) {
  Delivery delivery = bench.enrol();
  envelope::EnvelopeHeader header = bench.header(delivery);
  header.handle.octets[3] ^= 1U;
  for (int attempt = 0; attempt < 2; ++attempt) {
    bench.forge(delivery, header, bench.add_keys(0x31));
    EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  }
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
}

TEST_F(LoadTest, RefusesTheSteadyStateByNameBecauseItIsNotBuilt) {
  EXPECT_EQ(load_changed([](auto& header) { header.next_nonce_a = Nonce16{}; }),
            sw::kFunctionNotSupported);
  EXPECT_EQ(bench.raw_receipt(last->handle())->sw, sw::kConditionsNotSatisfied);
}

TEST_F(LoadTest, RefusesRelayLevelsThatAreNotBuilt) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  const auto level = std::ranges::search(delivery.envelope, hex("840101"));
  ASSERT_FALSE(level.empty());
  for (const std::uint8_t other : std::array<std::uint8_t, 4>{0, 2, 3, 4}) {
    *(level.begin() + 2) = other;
    EXPECT_EQ(bench.load(delivery), sw::kFunctionNotSupported) << int{other};
  }
}

TEST_F(LoadTest, RefusesCommandsAndProbesThatCannotBeSent) {
  const auto load_action = [&](envelope::Action action) {
    Delivery delivery = bench.enrol();
    std::vector<envelope::Action> actions;
    actions.push_back(std::move(action));
    bench.seal(delivery, bench.payload_of(std::move(actions)));
    return bench.load(delivery);
  };
  const auto command = [](std::uint8_t cla, std::optional<Bytes> probe = {}) {
    return envelope::CommandAction{
        .header = {cla, 0x52, 1, 0}, .data = key_octets(1), .probe = std::move(probe)};
  };
  EXPECT_EQ(load_action(command(0x80)), sw::kOk);
  EXPECT_EQ(load_action(command(0x81)), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_action(command(0x84)), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_action(command(0x90)), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_action(command(0xFF)), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_action(command(0x80, hex("84540100"))), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load_action(command(0x80, hex("8054010003"))), sw::kOk);
  EXPECT_EQ(load_action(command(0x80, hex("80540100030102"))), sw::kConditionsNotSatisfied);
}

TEST_F(LoadTest, TheSameEnvelopeAgainChangesNothing) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  const std::uint64_t before = bench.element->nvm().writes();
  EXPECT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.element->nvm().writes(), before);
  bench.seal(delivery, bench.add_keys(0x32));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
}

// --- CANCEL ------------------------------------------------------------------------------------

TEST(KdaCancel, BeforeTheEnvelopeItSaysSoWithoutAMac) {
  KdaBench bench;
  const Delivery delivery = bench.enrol();
  ASSERT_EQ(bench.kda_sw(kda::cancel(bench.request({.cancel = true}).request)), sw::kOk);
  const ReadReceipt receipt = bench.receipt(delivery);
  EXPECT_EQ(receipt.results(), Results{0x06});
  EXPECT_EQ(receipt.receipt.seq, 0U);
  EXPECT_FALSE(receipt.receipt.mac.has_value());
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kCancelled);
}

TEST(KdaCancel, AfterLoadItWipesTheEnvelopeAndSaysSoUnderTheReceiptKey) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  const Delivery cancellation = bench.request({.cancel = true});
  ASSERT_EQ(bench.kda_sw(kda::cancel(cancellation.request)), sw::kOk);
  EXPECT_EQ(bench.kda_sw(kda::cancel(cancellation.request)), sw::kOk);  // its answer was lost
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x06});
  EXPECT_TRUE(bench.receipt(delivery).opened.mac_valid);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  for (const std::string& name : bench.element->nvm().names("app/")) {
    EXPECT_EQ(name.find("/envelope/"), std::string::npos) << name;
    EXPECT_EQ(name.find("/key/"), std::string::npos) << name;
  }
}

TEST(KdaCancel, IsRefusedForADoneDeliveryAReplayAndAForeigner) {
  KdaBench bench;
  const Delivery none = bench.request({.cancel = true});
  EXPECT_EQ(bench.kda_sw(kda::cancel(none.request)), sw::kReferencedDataNotFound);
  Delivery delivery = bench.enrol();
  const Delivery early = bench.request({.cancel = true});
  ASSERT_EQ(bench.kda_sw(kda::cancel(early.request)), sw::kOk);
  delivery = bench.enrol();
  EXPECT_EQ(bench.kda_sw(kda::cancel(early.request)), sw::kCommandNotAllowed);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.request({.cancel = true, .self_signed = true}).request)),
            sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(
      bench.kda_sw(kda::cancel(bench.request({.cancel = true, .other_provider = true}).request)),
      sw::kReferencedDataNotFound);
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.request({.cancel = true}).request)),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
}

}  // namespace
}  // namespace kagibin::se
