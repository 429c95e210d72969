// SPDX-License-Identifier: Apache-2.0
// Which KEM keys a sweep erases from the token: those that nothing needs, also while other
// processes go on, the token is not there, and somebody writes into the journal.
#include "kagibin/roles/service_provider/keys/kem_key_sweep.h"

#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/support/must.h"
#include "tests/token/keys_in_token.h"

namespace kagibin::test {
namespace {

using delivery::JournalStep;
using roles::service_provider::KemKeyNotes;
using roles::service_provider::WaitingEnrolments;

using KemKeySweepTest = KeysInTokenTest;

TEST_F(KemKeySweepTest, AKemKeyThatNoAttemptNamesIsErasedWhenItIsOldAndALiveOneNever) {
  using roles::service_provider::sweep_kem_keys;
  Deployment world("lost KEM keys", in_token());
  DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const auto request = world.request(order);
  // Of attempt 1 as well: another process was first to open it.
  const auto lost = must(world.keys->make_kem_key(order, 1, world.clock.now()));
  const auto next = must(world.keys->make_kem_key(order, 2, world.clock.now()));
  const auto sweep = [&](std::int64_t later, bool is_dry_run) {
    return must(sweep_kem_keys(world.journal, *world.keys, world.clock.now() + later, is_dry_run));
  };
  EXPECT_TRUE(sweep(KemKeyNotes::kYoung - 1, false).orphans.empty());
  // The second one's attempt is opened late, and yet is not lost.
  must(world.journal.open_attempt(
      {.order = order,
       .number = 2,
       .nonce_a = {},
       .sealed_kem_key = must(
           world.keys->seal(roles::service_provider::kem_label(order, 2), next.record.expose())),
       .sealed_receipt_key = {}}));
  const auto listed = sweep(KemKeyNotes::kYoung, true);
  ASSERT_EQ(listed.orphans.size(), 1U);
  EXPECT_EQ(listed.orphans.front(), must(crypto::token_uri_of(lost.record.expose())));
  EXPECT_TRUE(listed.over.empty());
  EXPECT_EQ(listed.erased, 0);
  must(world.keys->kem_key_in_token(lost.record.expose()));
  EXPECT_EQ(sweep(KemKeyNotes::kYoung, false).erased, 1);
  EXPECT_FALSE(world.keys->kem_key_in_token(lost.record.expose()));
  must(world.keys->kem_key_in_token(next.record.expose()));
  EXPECT_TRUE(sweep(KemKeyNotes::kYoung, false).orphans.empty());
  const Bytes answer = must(world.enrol(card, request.message));
  EXPECT_TRUE(world.flow->seal(order, request.attempt, answer)) << "the live key is gone";
}

// Who can write the journal and nothing else.
TEST_F(KemKeySweepTest, ANoteThatIsNotOursErasesNothing) {
  Deployment world("notes of others", in_token());
  const auto order = must(delivery::OrderId::from("order-1"));
  const auto lost = must(world.keys->make_kem_key(order, 1, 0));
  const auto good = must(world.journal.records("kem_made"));
  ASSERT_EQ(good.size(), 1U);
  const Bytes plain = ByteWriter()
                          .u64(0)
                          .u32(1)
                          .u8(7)
                          .bytes(ascii("order-1"))
                          .bytes(ascii(token_.uri("fleet")))
                          .take();
  must(world.journal.put_record("kem_made", Bytes(8, 0x01), plain));
  // Under another name than it was sealed for, and sealed for a key that is no KEM key of its own.
  must(world.journal.put_record("kem_made", Bytes(8, 0x02), good.front().second));
  KemKeyNotes notes(world.journal, *world.keys);
  const std::string object = roles::service_provider::kem_object(order, 1, Bytes(8, 0x03));
  int part = 3;
  for (const std::string& uri :
       {token_.uri("fleet"), token_.uri(object + "x"), token_.uri(object) + "&object=fleet",
        token_.uri("fleet").insert(token_.uri("fleet").find('?'), ";object=" + object)}) {
    const auto name = static_cast<std::uint8_t>(part++);
    std::string own = uri;
    const std::size_t at = own.find(object);
    if (at != std::string::npos) {
      own.replace(at, object.size(), roles::service_provider::kem_object(order, 1, Bytes(8, name)));
    }
    must(notes.add(Bytes(8, name), {.made_at = 0, .order = order, .attempt = 1, .uri = own}));
  }
  const auto swept = must(roles::service_provider::sweep_kem_keys(world.journal, *world.keys,
                                                                  world.clock.now(), false));
  EXPECT_EQ(swept.refused.size(), 6U);
  EXPECT_EQ(swept.orphans.size(), 1U);
  EXPECT_EQ(swept.erased, 1) << "ours, which no attempt names";
  EXPECT_FALSE(world.keys->kem_key_in_token(lost.record.expose()));
  must(tokens_.derivation_key(token_.uri("fleet")));
  EXPECT_EQ(must(world.journal.records("kem_made")).size(), 7U);
}

TEST_F(KemKeySweepTest, AnotherProvidersKemKeysInTheSameTokenAreNotLookedAt) {
  Deployment one("one", in_token());
  MemoryJournal other;
  const auto order = must(delivery::OrderId::from("order-1"));
  const auto theirs = must(one.keys->make_kem_key(order, 1, 0));
  const auto swept =
      must(roles::service_provider::sweep_kem_keys(other, *one.keys, one.clock.now(), false));
  EXPECT_TRUE(swept.orphans.empty());
  EXPECT_TRUE(one.keys->kem_key_in_token(theirs.record.expose()));
}

// One key for two orders: the second is sealed to an enrolment that the first one's receipt
// announced.
class SharedKemKeyTest : public KemKeySweepTest {
 protected:
  void SetUp() override {
    KemKeySweepTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    world_.emplace("shared KEM key", in_token());
    card_ = &world_->add_card("phone-1");
    first_.emplace(world_->open_order("first", *card_));
    world_->request(first_->id);
    record_ = must(
        world_->keys->unseal(roles::service_provider::kem_label(first_->id, 1),
                             must(world_->journal.find_attempt(first_->id, 1))->sealed_kem_key));
    must(WaitingEnrolments(world_->journal).ask(card_->seid, first_->target, first_->seq, {}));
  }
  void announce() {
    must(WaitingEnrolments(world_->journal)
             .keep(card_->seid, first_->target, first_->seq,
                   {.since = 0,
                    .nonce_a = {},
                    .sealed_kem_key = must(world_->keys->seal(
                        roles::service_provider::waiting_label(card_->seid, first_->target),
                        record_.expose()))}));
  }
  // Of another process, when the first order is over.
  void take() {
    const delivery::JournalOrder second = world_->open_order("second", *card_);
    must(world_->journal.open_attempt(
        {.order = second.id,
         .number = 1,
         .nonce_a = {},
         .sealed_kem_key = must(world_->keys->seal(roles::service_provider::kem_label(second.id, 1),
                                                   record_.expose())),
         .sealed_receipt_key = {}}));
    must(WaitingEnrolments(world_->journal).use(card_->seid, first_->target, second.seq));
  }
  roles::service_provider::KemKeySweep sweep() {
    return must(roles::service_provider::sweep_kem_keys(world_->journal, *world_->keys,
                                                        world_->clock.now(), false));
  }
  bool is_there() { return world_->keys->kem_key_in_token(record_.expose()).has_value(); }

  std::optional<Deployment> world_;
  DeployedCard* card_ = nullptr;
  std::optional<delivery::JournalOrder> first_;
  SecretBytes record_;
};

TEST_F(SharedKemKeyTest, AnOrderThatTakesTheEnrolmentDuringASweepKeepsItsKey) {
  announce();
  world_->clock.advance_seconds(3600 + 1);
  const MemoryJournal::State before = world_->journal.state();
  for (std::uint64_t look = 1; look <= 4; ++look) {
    world_->journal.restore(before);
    world_->journal.meanwhile(look, [this] { take(); });
    EXPECT_EQ(sweep().erased, 0);
    ASSERT_TRUE(is_there()) << "look " << look;
  }
  world_->journal.restore(before);
  take();
  EXPECT_EQ(sweep().erased, 0);
  EXPECT_TRUE(is_there());
}

TEST_F(SharedKemKeyTest, AnEnrolmentThatIsAnnouncedDuringASweepKeepsItsKey) {
  world_->clock.advance_seconds(3600 + 1);
  bool was_announced = false;
  world_->journal.meanwhile(1, [&] {
    announce();
    was_announced = true;
  });
  EXPECT_EQ(sweep().erased, 0);
  EXPECT_TRUE(was_announced) << "nobody asked again before erasing";
  EXPECT_TRUE(is_there());
  EXPECT_EQ(sweep().over.size(), 0U);
}

TEST_F(SharedKemKeyTest, OfAnyNumberOfOrdersTheLastIsLookedAtToo) {
  announce();
  world_->clock.advance_seconds(3600 + 1);
  take();
  MemoryJournal::State state = world_->journal.state();
  delivery::JournalOrder old = *first_;
  old.current_attempt = 0;
  for (int i = 0; i < 100'000; ++i) {
    old.id = must(delivery::OrderId::from("old-" + std::to_string(i)));
    state.orders.push_back(old);
  }
  ASSERT_EQ(state.orders[1].id.text(), "second");
  std::swap(state.orders[1], state.orders.back());
  world_->journal.restore(state);
  EXPECT_EQ(sweep().erased, 0);
  EXPECT_TRUE(is_there());
}

// A token that is not there answers as one without the key does.
TEST_F(KemKeySweepTest, WithoutTheTokenASweepForgetsNothingAndGoesOnToOthers) {
  Deployment world("sweep without a token", in_token());
  const auto order = must(delivery::OrderId::from("order-1"));
  const auto lost = must(world.keys->make_kem_key(order, 1, 0));
  const std::string elsewhere = "pkcs11:token=nobody?module-path=" + Faults::module_path();
  must(world.keys->keep_kem_keys_in(elsewhere));
  EXPECT_FALSE(world.keys->make_kem_key(order, 1, 0)) << "noted, and its token is not there";
  const auto sweep = [&] {
    return must(roles::service_provider::sweep_kem_keys(world.journal, *world.keys,
                                                        world.clock.now(), false));
  };
  faults_->close_sessions();
  faults_->remove_token({.skipped = 0, .times = -1});
  const auto absent = sweep();
  faults_->clear();
  EXPECT_EQ(absent.orphans.size(), 2U);
  EXPECT_EQ(absent.failed.size(), 2U);
  EXPECT_EQ(absent.erased, 0);
  EXPECT_TRUE(world.keys->kem_key_in_token(lost.record.expose()));
  const auto back = sweep();
  EXPECT_EQ(back.orphans.size(), 2U) << "both notes are there still";
  EXPECT_EQ(back.erased, 1);
  EXPECT_EQ(back.failed.size(), 1U);
  EXPECT_FALSE(world.keys->kem_key_in_token(lost.record.expose()));
  EXPECT_EQ(sweep().orphans.size(), 1U) << "that of the other token";
}

// Time passes at the N-th look at the clock.
class ClockThatLeaps final : public Clock {
 public:
  ClockThatLeaps(const Clock& ours, int looks) : ours_(ours), looks_(looks) {}
  std::int64_t now() const override {
    const bool has_leapt = looks_ == 0;
    looks_ -= has_leapt ? 0 : 1;
    return ours_.now() + (has_leapt ? KemKeyNotes::kYoung / 2 : std::int64_t{0});
  }
  std::int64_t uptime_ms() const override { return ours_.uptime_ms(); }

 private:
  const Clock& ours_;
  mutable int looks_;
};

TEST_F(KemKeySweepTest, AnAttemptThatOpensLateIsNotSentBeforeAndAfterItStandsInTheJournal) {
  Deployment world("late attempts", in_token());
  const DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const MemoryJournal::State before = world.journal.state();
  int without_attempt = 0;
  int with_attempt = 0;
  for (int looks = 1; looks <= 8; ++looks) {
    world.journal.restore(before);
    const ClockThatLeaps clock(world.clock, looks);
    roles::service_provider::OrderFlow flow({.policy = world.policy,
                                             .trust = world.trust,
                                             .certificate = *world.provider_certificate,
                                             .keys = *world.keys,
                                             .shipments = world.shipments,
                                             .journal = world.journal,
                                             .clock = clock,
                                             .rng = world.rng});
    const auto sent = flow.attempt_after(order, 0);
    if (!sent) {
      EXPECT_EQ(sent.error().code, Errc::kIo);
      EXPECT_NE(sent.error().text.find("took so long"), std::string::npos) << sent.error().text;
      EXPECT_FALSE(must(world.journal.find_entry(order, 1, JournalStep::kRequest)));
      const bool stands = must(world.journal.find_attempt(order, 1)).has_value();
      (stands ? with_attempt : without_attempt) += 1;
      world.renew_flow();
      EXPECT_EQ(must(world.flow->attempt_after(order, 0)).attempt, 1U) << "its key is there";
    }
  }
  EXPECT_EQ(without_attempt, 1);
  EXPECT_EQ(with_attempt, 1);
}

TEST_F(KemKeySweepTest, AnAttemptThatOpensLateGivesItsKeyUp) {
  EXPECT_FALSE(KemKeyNotes::is_late(1000, 1000 + KemKeyNotes::kYoung / 2 - 1));
  EXPECT_TRUE(KemKeyNotes::is_late(1000, 1000 + KemKeyNotes::kYoung / 2));
  EXPECT_TRUE(KemKeyNotes::is_late(1000, 999)) << "the clock was put back";
}

}  // namespace
}  // namespace kagibin::test
