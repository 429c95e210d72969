// SPDX-License-Identifier: Apache-2.0
// What LOAD refuses, and what it leaves untouched when it does; what is asked again before the
// first key leaves.
#include <functional>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
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

// A signed and would open, but the enrolment was for another suite.
TEST_F(LoadTest, RefusesAnEnvelopeOfAnotherSuiteThanItsEnrolments) {
  Delivery delivery = bench.enrol();
  envelope::EnvelopeHeader stronger = bench.header(delivery);
  stronger.suite = 0x02;
  bench.forge(delivery, stronger, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  Delivery strong = bench.enrol({.suite = 0x02});
  envelope::EnvelopeHeader weaker = bench.header(strong);
  weaker.suite = 0x01;
  bench.forge(strong, weaker, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(strong), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(strong).receipt.suite, 0x02);
  EXPECT_EQ(bench.receipt(strong).results(), Results{0x04});
  bench.seal(strong, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(strong), sw::kOk);
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
  const crypto::EcPublicKey wrong = bench.fresh_key().public_key();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(bench.raw_receipt(delivery.handle())->sw,
              attempt == 1 ? sw::kConditionsNotSatisfied : sw::kOk);
    bench.forge(delivery, bench.header(delivery), bench.add_keys(0x31), &wrong);
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

TEST_F(LoadTest, RefusesRelayLevelsThatAreNotBuilt) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  const auto level = std::ranges::search(delivery.envelope, hex("840101"));
  ASSERT_FALSE(level.empty());
  *(level.begin() + 2) = 0;
  EXPECT_EQ(bench.load(delivery), sw::kFunctionNotSupported);
  *(level.begin() + 2) = 4;  // in suite 01
  EXPECT_EQ(bench.load(delivery), sw::kWrongData);
}

TEST_F(LoadTest, RefusesCommandsAndProbesThatCannotBeSent) {
  const auto load_action = [&](envelope::Action action, std::uint8_t mask = 0x60) {
    Delivery delivery = bench.enrol();
    std::vector<envelope::Action> actions;
    actions.push_back(std::move(action));
    envelope::EnvelopeHeader header = bench.header(delivery);
    header.required_i_mask = mask;
    bench.forge(delivery, header, bench.payload_of(std::move(actions)));
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
  // Without R-MAC and R-ENC what it answers would cross the relay in the clear.
  for (const std::uint8_t mask : std::array<std::uint8_t, 4>{0x00, 0x20, 0x40, 0x9F}) {
    EXPECT_EQ(load_action(command(0x80), mask), sw::kConditionsNotSatisfied) << int{mask};
    EXPECT_EQ(load_action(envelope::StoreDataAction{.application = {},
                                                    .under_key_dek = true,
                                                    .data = SecretBytes(3),
                                                    .probe = hex("80CA00CF")},
                          mask),
              sw::kConditionsNotSatisfied)
        << int{mask};
    EXPECT_EQ(load_action(KdaBench::put_key(0, 0x31, 0x60), mask), sw::kOk) << int{mask};
  }
  EXPECT_EQ(load_action(command(0x80), 0xE1), sw::kOk);
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

// --- what came between LOAD and the first key --------------------------------------------------

Bytes octets_of(std::uint32_t value) { return ByteWriter().u32(value).take(); }

struct LateTest : testing::Test {
  LateTest() : delivery(bench.enrol()) {
    bench.seal(delivery, bench.add_keys(0x31));
    EXPECT_EQ(bench.load(delivery), sw::kOk);
  }
  StatusWord tick_past_the_end() {
    const std::uint32_t end = bench.header(delivery).not_after;
    return bench.kda(kda::statement(bench.statement(0x01, octets_of(end + 1))))->sw;
  }
  // The authority's tick comes when this command is on its way to the target.
  void tick_at(std::uint8_t instruction) {
    bench.intercept = [this, instruction,
                       ticked = false](const apdu::CommandApdu& command) mutable {
      sent.push_back(command.ins);
      if (command.ins == instruction && !ticked) {
        ticked = true;
        EXPECT_EQ(tick_past_the_end(), sw::kOk);
      }
      return std::optional<Result<apdu::ResponseApdu>>();
    };
  }
  void expect_refused() {
    ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
    const ReadReceipt receipt = bench.receipt(delivery);
    EXPECT_EQ(receipt.results(), Results{0x04});
    EXPECT_EQ(receipt.receipt.seq, 1U);
    EXPECT_FALSE(receipt.receipt.mac.has_value());
    EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kRefused);
    EXPECT_EQ(std::ranges::count(sent, apdu::ins::kPutKey), 0);
    for (const std::string& name : bench.element->nvm().names("app/")) {
      EXPECT_EQ(name.find("/envelope/"), std::string::npos) << name;
      EXPECT_EQ(name.find("/key/"), std::string::npos) << name;
    }
    bench.intercept = {};
    EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  }

  KdaBench bench;
  Delivery delivery;
  std::vector<std::uint8_t> sent;  // instructions, to the target
};

TEST_F(LateTest, AnEnvelopeWhoseEndPassedIsNotBegun) {
  ASSERT_EQ(tick_past_the_end(), sw::kOk);
  bench.target_exchanges = 0;
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.target_exchanges, 0U);
  expect_refused();
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  // SEQ was not committed: A may seal it again.
  EXPECT_EQ(bench.enrol().statement.last_committed_seq, 0U);
}

TEST_F(LateTest, AnEnvelopeAtItsLastMinuteIsDelivered) {
  const std::uint32_t end = bench.header(delivery).not_after;
  ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x01, octets_of(end))))->sw, sw::kOk);
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
}

TEST_F(LateTest, AnEnvelopeOfAnEpochThatNoLongerCountsIsNotBegun) {
  ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0002"))))->sw, sw::kOk);
  expect_refused();
}

TEST_F(LateTest, ALaterEnvelopeOfTheSameProviderMovesItsTime) {
  Delivery other = bench.enrol({.target = aid("A0000001510002")});
  envelope::EnvelopeHeader header = bench.header(other);
  header.issued_at = bench.header(delivery).not_after + 1;
  header.not_after = header.issued_at;
  bench.forge(other, header, bench.add_keys(0x32));
  ASSERT_EQ(bench.load(other), sw::kOk);
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x04});
}

TEST_F(LateTest, ATickAfterTheFirstKeyHasLeftRefusesNothing) {
  tick_at(apdu::ins::kPutKey);
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x01});
  bench.intercept = {};
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
}

TEST_F(LateTest, ATickBetweenTwoActionsRefusesNothing) {
  std::vector<envelope::Action> actions;
  actions.emplace_back(KdaBench::put_key(0, 0x31, 0x60));
  actions.emplace_back(KdaBench::put_key(0, 0x32, 0x68));
  delivery = bench.enrol();
  bench.seal(delivery, bench.payload_of(std::move(actions)));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  // Power goes when the second key would leave: the first one is proved, the session is gone.
  int puts = 0;
  bench.intercept =
      [&](const apdu::CommandApdu& command) -> std::optional<Result<apdu::ResponseApdu>> {
    if (command.ins == apdu::ins::kPutKey && ++puts == 2) {
      return fail(Errc::kCardLink, "the reader is gone");
    }
    return {};
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kNoPower);
  bench.intercept = {};
  bench.restart();
  ASSERT_EQ(tick_past_the_end(), sw::kOk);
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0x00, 0x00}));
  EXPECT_TRUE(bench.target_holds(0x32, 0x68));
}

class MiddleTest : public LateTest, public testing::WithParamInterface<std::uint8_t> {};

TEST_P(MiddleTest, AStatementWhileTheChannelOpensIsSeenBeforeTheFirstKey) {
  tick_at(GetParam());
  expect_refused();
  EXPECT_NE(std::ranges::count(sent, GetParam()), 0);
}

INSTANTIATE_TEST_SUITE_P(KdaLoad,
                         MiddleTest,
                         testing::Values(apdu::ins::kInitializeUpdate,
                                         apdu::ins::kExternalAuthenticate));

}  // namespace
}  // namespace kagibin::se
