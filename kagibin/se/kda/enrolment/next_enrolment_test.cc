// SPDX-License-Identifier: Apache-2.0
// A0/89 and E3/89: what the receipt of one delivery announces serves the next one, once, and nobody
// else (protocol, section 10). Over SCP03; RL2 stands in tests/system/one_visit_test.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_test_bench.h"
#include "kagibin/se/kda/records/kda_store.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;
using test::Cut;

constexpr std::uint8_t kIssuers = 0x20;  // seeds of key sets
constexpr std::uint8_t kFirst = 0x60;
constexpr std::uint8_t kSecond = 0x70;

// Replaces the channel's key set, which is `old`, by `fresh`: what may ask for the next enrolment.
envelope::Payload rotation(const KdaBench& bench, std::uint8_t old, std::uint8_t fresh) {
  envelope::Payload out =
      bench.replace_keys(KdaBench::kChannelVersion, KdaBench::kChannelVersion, fresh);
  scp::Scp03KeySet channel = key_set(old);
  out.channel_keys = envelope::ChannelKeys{.key_version = KdaBench::kChannelVersion,
                                           .enc = std::move(channel.enc),
                                           .mac = std::move(channel.mac),
                                           .dek = std::move(channel.dek)};
  return out;
}

envelope::EnvelopeHeader asking(KdaBench& bench, const Delivery& delivery) {
  envelope::EnvelopeHeader out = bench.header(delivery);
  out.next_nonce_a = Nonce16{crypto::random_array<16>(bench.rng).value()};
  return out;
}

// What the receipt of this delivery announces, as the provider opens it.
std::optional<Delivery> announced_by(KdaBench& bench, const Delivery& delivery) {
  const auto e4 = bench.receipt(delivery).receipt.next_enrolment;
  if (!e4) {
    return std::nullopt;
  }
  Delivery out;
  out.answer = *e4;
  out.kem_key = delivery.kem_key->duplicate();
  bench.open_answer(out);
  return out;
}

class NextEnrolmentTest : public ::testing::Test {
 protected:
  // A first delivery that asked, done.
  void SetUp() override {
    first = bench.enrol();
    header = asking(bench, first);
    bench.seal(first, header, rotation(bench, kIssuers, kFirst));
    ASSERT_EQ(bench.run(first), Outcome::kDone);
    std::optional<Delivery> announced = announced_by(bench, first);
    ASSERT_TRUE(announced);
    second = std::move(*announced);
    bench.next_seq = 2;
  }
  StatusWord load_second() {
    bench.seal(second, rotation(bench, kFirst, kSecond));
    return bench.load(second);
  }

  KdaBench bench;
  Delivery first;
  envelope::EnvelopeHeader header;
  Delivery second;
};

// Protocol, section 10: one visit in the steady state
TEST_F(NextEnrolmentTest, IsFreshAndTellsWhatWasCommitted) {
  const envelope::EnrolmentStatement& before = first.statement;
  const envelope::EnrolmentStatement& next = second.statement;
  EXPECT_EQ(next.nonce_a, *header.next_nonce_a);
  EXPECT_NE(next.nonce_k, before.nonce_k);
  EXPECT_NE(next.enrolment_key, before.enrolment_key);
  EXPECT_NE(next.handle, before.handle);
  EXPECT_EQ(next.last_committed_seq, 1U);
  EXPECT_EQ(next.enrolment_counter, 2U);
  EXPECT_EQ(next.highest_key_version, KdaBench::kChannelVersion);
  EXPECT_EQ(next.target, before.target);
  EXPECT_EQ(next.spid, before.spid);
  EXPECT_EQ(next.suite, before.suite);
  EXPECT_TRUE(before.announces_next);
  EXPECT_TRUE(next.announces_next);
  EXPECT_TRUE(envelope::verify_statement(next, bench.kda_certificate->key()));
  EXPECT_EQ(bench.status(first.handle()).state, kda::State::kSuperseded);
  EXPECT_EQ(bench.status(second.handle()).state, kda::State::kEnrolled);
}

TEST_F(NextEnrolmentTest, TakesTheNextDeliveryWithoutAnE0AndThatOneTheNext) {
  for (const std::uint8_t fresh : {std::uint8_t{0x70}, std::uint8_t{0x80}, std::uint8_t{0x90}}) {
    const auto old = static_cast<std::uint8_t>(fresh - 0x10);
    bench.seal(second, asking(bench, second), rotation(bench, old, fresh));
    ASSERT_EQ(bench.run(second), Outcome::kDone);
    EXPECT_EQ(bench.receipt(second).results(), Results{0x00});
    EXPECT_TRUE(bench.target_holds(KdaBench::kChannelVersion, fresh));
    second = *announced_by(bench, second);
    EXPECT_EQ(second.statement.last_committed_seq, bench.next_seq++);
  }
}

TEST_F(NextEnrolmentTest, CostsNoTransaction) {
  const std::uint64_t before = bench.element->nvm().writes();
  ASSERT_EQ(load_second(), sw::kOk);
  ASSERT_EQ(bench.pump(second.handle()), Outcome::kDone);
  const std::uint64_t of_target = 1;
  EXPECT_EQ(bench.element->nvm().writes() - before, 3 + of_target) << "LOAD, SENT, DONE";
}

TEST_F(NextEnrolmentTest, KeepsTheReceiptUntilAGoodEnvelopeShowsThatItWasRead) {
  const Bytes receipt = bench.raw_receipt(first.handle())->data;
  bench.restart();
  EXPECT_EQ(bench.raw_receipt(first.handle())->data, receipt);
  envelope::EnvelopeHeader late = bench.header(second);
  late.not_after = late.issued_at - 1;
  bench.seal(second, late, rotation(bench, kFirst, kSecond));
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.raw_receipt(first.handle())->data, receipt) << "a bad one shows nothing";
  ASSERT_EQ(load_second(), sw::kOk);
  EXPECT_EQ(bench.raw_receipt(first.handle())->sw, sw::kReferencedDataNotFound);
}

TEST_F(NextEnrolmentTest, KeepsTheReceiptWhereARequestTakesTheSlotWithoutNamingIt) {
  const Bytes receipt = bench.raw_receipt(first.handle())->data;
  const Delivery third = bench.enrol();
  EXPECT_EQ(bench.raw_receipt(first.handle())->data, receipt);
  EXPECT_EQ(load_second(), sw::kConditionsNotSatisfied) << "a later request replaced it";
  const Delivery fourth = bench.enrol({.acknowledge = crypto::sha256(receipt)});
  EXPECT_EQ(bench.raw_receipt(first.handle())->sw, sw::kReferencedDataNotFound);
  EXPECT_EQ(fourth.statement.enrolment_counter, 4U);
}

TEST_F(NextEnrolmentTest, ServesOneEnvelope) {
  ASSERT_EQ(load_second(), sw::kOk);
  const Bytes loaded = second.envelope;
  bench.seal(second, rotation(bench, kFirst, 0x90));
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied) << "another one";
  second.envelope = loaded;
  EXPECT_EQ(bench.load(second), sw::kOk) << "the same again changes nothing";
  ASSERT_EQ(bench.pump(second.handle()), Outcome::kDone);
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied) << "played again";
  EXPECT_EQ(bench.load(first), sw::kConditionsNotSatisfied) << "and the one before it";
}

TEST_F(NextEnrolmentTest, IsNoOtherProvidersAndNoOtherKeys) {
  envelope::EnvelopeHeader other = bench.header(second);
  other.spid = bench.spid(true);
  bench.forge(second, other, rotation(bench, kFirst, kSecond));
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied);
  const auto last_key = crypto::EcPublicKey::from_point(first.statement.enrolment_key).value();
  bench.forge(second, bench.header(second), rotation(bench, kFirst, kSecond), &last_key);
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied) << "skE of the attempt before is gone";
  const Delivery others = bench.enrol({.other_provider = true});
  EXPECT_EQ(load_second(), sw::kOk) << "another provider's enrolment leaves it";
}

TEST_F(NextEnrolmentTest, IsNotTakenByTheRequestsBeforeIt) {
  EXPECT_EQ(bench.kda_sw(kda::enrol(first.request)), sw::kCommandNotAllowed);
  EXPECT_EQ(load_second(), sw::kOk);
}

TEST_F(NextEnrolmentTest, IsAskedWhatLoadAsksOfAnyEnvelope) {
  const auto rising = [&](std::uint16_t epoch) {
    return bench.kda_sw({kda::statement(bench.statement(0x02, ByteWriter().u16(epoch).view()))});
  };
  ASSERT_EQ(rising(2), sw::kOk);  // CERT.SP has epoch 1
  EXPECT_EQ(load_second(), sw::kConditionsNotSatisfied);
}

TEST_F(NextEnrolmentTest, EndsWithTheAuthoritysTime) {
  const std::uint32_t later = bench.now_minutes() + 60 * 24 * 2;
  ASSERT_EQ(bench.kda_sw({kda::statement(bench.statement(0x01, ByteWriter().u32(later).view()))}),
            sw::kOk);
  EXPECT_EQ(load_second(), sw::kConditionsNotSatisfied) << "notAfter is before the tick";
}

TEST_F(NextEnrolmentTest, IsCancelledByItsProvider) {
  const Delivery cancellation = bench.cancellation(first);  // it has the same PK.SP.KEM
  EXPECT_EQ(bench.kda_sw(kda::cancel(cancellation.request)), sw::kOk);
  EXPECT_EQ(load_second(), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(second).results(), Results{0x06});
  EXPECT_EQ(bench.receipt(first).results(), Results{0x00}) << "what was done stays told";
}

TEST_F(NextEnrolmentTest, AsksWithAFreshNonceAlone) {
  const auto ask_with = [&](const Nonce16& nonce) {
    envelope::EnvelopeHeader again = bench.header(second);
    again.next_nonce_a = nonce;
    bench.seal(second, again, rotation(bench, kFirst, kSecond));
    return bench.load(second);
  };
  EXPECT_EQ(ask_with(*header.next_nonce_a), sw::kConditionsNotSatisfied);
  EXPECT_EQ(ask_with(first.statement.nonce_a), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(second).results(), Results{0x04}) << "counted";
  EXPECT_EQ(ask_with(Nonce16{{0x01}}), sw::kOk);
}

TEST(NextEnrolment, IsInNoReceiptThatDidNotAskForIt) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_FALSE(announced_by(bench, delivery));
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kDone);
}

TEST(NextEnrolment, IsInNoReceiptButThatOfDone) {
  KdaBench bench({.channel_seed = 0x55});  // the target refuses the channel keys
  Delivery delivery = bench.enrol();
  bench.seal(delivery, asking(bench, delivery), rotation(bench, kIssuers, kFirst));
  ASSERT_EQ(bench.run(delivery), Outcome::kWait);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x05});
  EXPECT_FALSE(announced_by(bench, delivery));
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
  EXPECT_FALSE(announced_by(bench, delivery));
}

// Models f2w and f2wr: over SCP03 a waiting skE that leaks opens what was recorded, unless no
// session has run under the set in the next envelope.
TEST(NextEnrolment, OverScp03NeedsTheNextChannelKeysAsTheLastAction) {
  std::vector<envelope::Action> behind;
  behind.emplace_back(KdaBench::put_key(0x00, 0x31, kFirst));
  behind.emplace_back(envelope::DeleteKeyAction{.key_version = 0x20});
  envelope::PutKeyAction single = KdaBench::put_key(0x00, 0x31, kFirst);
  single.keys.resize(1);
  envelope::PutKeyAction shifted = KdaBench::put_key(0x00, 0x31, kFirst);
  shifted.first_key_identifier = 0x04;
  KdaBench bench;
  Delivery delivery = bench.enrol();
  const auto load = [&](std::vector<envelope::Action> actions, bool asks) {
    const envelope::EnvelopeHeader header = asks ? asking(bench, delivery) : bench.header(delivery);
    bench.seal(delivery, header, bench.payload_of(std::move(actions)));
    return bench.load(delivery);
  };
  const auto alone = [](envelope::PutKeyAction action) {
    std::vector<envelope::Action> out;
    out.emplace_back(std::move(action));
    return out;
  };
  EXPECT_EQ(load(alone(std::move(single)), true), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load(alone(std::move(shifted)), true), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x04});
  EXPECT_EQ(load(std::move(behind), true), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kRefused) << "counted";
}

// The session of this very envelope runs under Key-ENC of C1.
TEST(NextEnrolment, OverScp03NeedsAnotherKeyEncThanTheChannels) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  const auto load = [&](envelope::Payload payload, bool asks) {
    const envelope::EnvelopeHeader header = asks ? asking(bench, delivery) : bench.header(delivery);
    bench.seal(delivery, header, payload);
    return bench.load(delivery);
  };
  EXPECT_EQ(load(rotation(bench, kIssuers, kIssuers), true), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x04}) << "counted";
  envelope::Payload same_enc = rotation(bench, kIssuers, kFirst);
  auto& put = std::get<envelope::PutKeyAction>(same_enc.actions.back());
  envelope::Payload same = rotation(bench, kIssuers, kIssuers);
  put.keys[0] = std::move(std::get<envelope::PutKeyAction>(same.actions.back()).keys[0]);
  EXPECT_EQ(load(std::move(same_enc), true), sw::kConditionsNotSatisfied);
  EXPECT_EQ(load(rotation(bench, kIssuers, kIssuers), false), sw::kOk) << "who does not ask may";
}

TEST(NextEnrolment, OverScp03ComesBehindOtherActionsToo) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  std::vector<envelope::Action> actions;
  actions.emplace_back(KdaBench::put_key(0x00, 0x31, kSecond));
  actions.emplace_back(KdaBench::put_key(0x20, 0x20, kFirst));
  bench.seal(delivery, asking(bench, delivery), bench.payload_of(std::move(actions)));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0x00, 0x00}));
  EXPECT_TRUE(announced_by(bench, delivery));
}

TEST(NextEnrolment, IsLeftOutWhereEightReceiptsWait) {
  KdaBench bench;
  std::uint8_t held = kIssuers;
  for (std::size_t done = 0; done < KdaStore::kMaxReceiptsOfSlot; ++done) {
    Delivery delivery = bench.enrol();
    const auto fresh = static_cast<std::uint8_t>(held + 0x08);
    bench.seal(delivery, asking(bench, delivery), rotation(bench, held, fresh));
    ASSERT_EQ(bench.run(delivery), Outcome::kDone) << done;
    held = fresh;
    ++bench.next_seq;
    EXPECT_EQ(announced_by(bench, delivery).has_value(), done + 1 < KdaStore::kMaxReceiptsOfSlot)
        << done;
  }
}

TEST(NextEnrolment, NeverKeepsADeliveryFromItsEnd) {
  KdaBench roomy;
  static_cast<void>(roomy.enrol());
  // E4 had room in the place of the envelope; beside a receipt it has none.
  const auto live = static_cast<std::uint32_t>(roomy.element->nvm().live_octets());
  KdaBench bench({.memory_octets = live + 60});
  Delivery delivery = bench.enrol();
  bench.seal(delivery, asking(bench, delivery), rotation(bench, kIssuers, kFirst));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
  EXPECT_FALSE(announced_by(bench, delivery));
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kDone);
}

// The whole of two deliveries, the second in the slot that the first announced, as an agent and a
// provider that ask again for everything they have no answer to.
struct Chain {
  KdaBench bench;
  Delivery first = bench.request();
  std::optional<Delivery> second;

  // False when the power went.
  bool go_on() {
    if (first.answer.empty()) {
      const auto answer = bench.kda(kda::enrol(first.request));
      if (!answer || !sw::is_ok(answer->sw)) {
        return false;
      }
      first.answer = answer->data;
      bench.open_answer(first);
      bench.seal(first, asking(bench, first), rotation(bench, kIssuers, kFirst));
    }
    if (!second) {
      if (!deliver(first)) {
        return false;
      }
      second = announced_by(bench, first);
      if (!second) {
        return true;
      }
      bench.next_seq = 2;
      bench.seal(*second, asking(bench, *second), rotation(bench, kFirst, kSecond));
    }
    return deliver(*second);
  }

  bool deliver(const Delivery& delivery) {
    const auto state = bench.kda(kda::status(delivery.handle()));
    if (!state) {
      return false;
    }
    const auto status = kda::Status::decode(state->data);
    if (status && status->state == kda::State::kEnrolled) {
      const auto loaded = bench.kda(kda::load(delivery.handle(), delivery.envelope));
      if (!loaded || !sw::is_ok(loaded->sw)) {
        return false;
      }
    }
    const Outcome outcome = bench.pump(delivery.handle());
    return outcome != Outcome::kNoPower && bench.raw_receipt(delivery.handle()).has_value();
  }
};

TEST(NextEnrolment, ACutAnywhereLeavesDoneWithItOrNeither) {
  bool came = true;
  std::uint64_t write = 1;
  for (; came; ++write) {
    for (const Cut cut : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
      Chain chain;
      chain.bench.power->cut_at(write, cut);
      bool done = chain.go_on();
      came = !chain.bench.power->on;
      if (came) {
        chain.bench.restart();
        if (!chain.first.answer.empty() && !chain.second) {
          // Whoever has not seen the receipt finds DONE with the next enrolment, or none of both.
          const auto before = chain.bench.status(chain.first.handle());
          const auto receipt = chain.bench.raw_receipt(chain.first.handle());
          const auto e3 = envelope::Receipt::decode(receipt->data);
          EXPECT_EQ(before.state == kda::State::kSuperseded, e3 && e3->next_enrolment) << write;
        }
        done = chain.go_on();
      }
      ASSERT_TRUE(done) << write;
      ASSERT_TRUE(chain.second) << write;
      EXPECT_TRUE(chain.bench.target_holds(KdaBench::kChannelVersion, kSecond)) << write;
      const auto result = chain.bench.receipt(*chain.second).results().front();
      EXPECT_TRUE(result == 0x00 || result == 0x01) << write;
      EXPECT_EQ(chain.second->statement.last_committed_seq, 1U);
    }
  }
  EXPECT_GT(write, 8U) << "two deliveries have seven transactions of the KDA and two of the target";
}

TEST(NextEnrolment, AFailingRandomSourceCostsItOrIsMadeGood) {
  bool failed = true;
  for (std::uint64_t call = 1; failed; ++call) {
    KdaBench bench;
    Delivery delivery = bench.enrol();
    bench.seal(delivery, asking(bench, delivery), rotation(bench, kIssuers, kFirst));
    ASSERT_EQ(bench.load(delivery), sw::kOk);
    bench.rng.fail_at(call);
    Outcome outcome = bench.pump(delivery.handle());
    failed = bench.rng.has_failed();
    if (outcome != Outcome::kDone) {
      outcome = bench.pump(delivery.handle());
    }
    ASSERT_EQ(outcome, Outcome::kDone) << call;
    const bool has_next = announced_by(bench, delivery).has_value();
    EXPECT_EQ(bench.status(delivery.handle()).state,
              has_next ? kda::State::kSuperseded : kda::State::kDone);
  }
}

}  // namespace
}  // namespace kagibin::se
