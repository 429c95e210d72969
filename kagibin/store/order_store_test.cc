// SPDX-License-Identifier: Apache-2.0
// What every store behind delivery/order_store.h does, over each of them.
#include <gtest/gtest.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/test_bed.h"

namespace kagibin::store {
namespace {

struct OrderStoreTest : BedTest {};
INSTANTIATE_TEST_SUITE_P(, OrderStoreTest, every_kind(), kind_name);
struct DatabaseTest : BedTest {};
INSTANTIATE_TEST_SUITE_P(, DatabaseTest, databases(), kind_name);

TEST_P(OrderStoreTest, EveryFieldOfAnAttemptReadsBackAfterReopening) {
  AttemptRow attempt = an_attempt(an_order("a"), 1, State::kOrdered);
  {
    auto t = store->begin().value();
    put(*t, "a", State::kOrdered);
    attempt.state = State::kRefused;
    attempt.answer = Bytes{0xE4};
    attempt.envelope = Bytes{0xE2, 0x00};
    attempt.receipts = 2;
    attempt.verdict = VerdictMessage{Verdict::kRefused, "鍵", 2};
    attempt.withdrawal = "";
    ASSERT_TRUE(t->update_attempt(attempt).has_value());
    ASSERT_TRUE(t->insert_receipt(attempt.order_key(), 1, 1, Bytes{0xE3, 1}).has_value());
    ASSERT_TRUE(t->insert_receipt(attempt.order_key(), 1, 2, Bytes{0xE3, 2}).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  reopen();
  auto t = store->begin().value();
  const OrderRow order = t->find_order(attempt.order_key()).value().value();
  EXPECT_EQ(order.provider, (Spid{{1}}));
  EXPECT_EQ(order.device.text(), "phone");
  EXPECT_EQ(order.not_after, 1'000);
  EXPECT_EQ(order.created_at, 5);
  EXPECT_EQ(order.current_attempt, 1U);
  const AttemptRow back = t->find_attempt(attempt.order_key(), 1).value().value();
  EXPECT_EQ(back.state, State::kRefused);
  EXPECT_EQ(back.opening, attempt.opening);
  EXPECT_EQ(back.answer, attempt.answer);
  EXPECT_EQ(back.envelope, attempt.envelope);
  EXPECT_EQ(back.receipts, 2U);
  EXPECT_EQ(back.verdict, attempt.verdict);
  EXPECT_EQ(back.withdrawal, "");
  EXPECT_EQ(back.sequence, 1U);
  EXPECT_EQ(back.change, 2U);
  EXPECT_EQ(t->receipts_of(attempt.order_key(), 1).value(),
            (std::vector<Bytes>{{0xE3, 1}, {0xE3, 2}}));
  EXPECT_EQ(t->find_order(key("b")).value(), std::nullopt);
  EXPECT_EQ(t->find_attempt(attempt.order_key(), 2).value(), std::nullopt);
}

TEST_P(OrderStoreTest, ATransactionThatGoesLeavesNothingAndFreesTheStore) {
  {
    auto t = store->begin().value();
    put(*t, "a", State::kOrdered);
    EXPECT_EQ(store->begin().error().code, Errc::kState);
  }
  auto t = store->begin().value();
  EXPECT_EQ(t->find_order(key("a")).value(), std::nullopt);
}

TEST_P(OrderStoreTest, AMarkUndoesOneOfSeveral) {
  auto t = store->begin().value();
  EXPECT_EQ(t->roll_back_to_mark().error().code, Errc::kState);
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "a", State::kOrdered);
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "b", State::kOrdered);
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "c", State::kOrdered);
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  t = store->begin().value();
  EXPECT_TRUE(t->find_order(key("a")).value().has_value());
  EXPECT_FALSE(t->find_order(key("b")).value().has_value());
  EXPECT_TRUE(t->find_order(key("c")).value().has_value());
}

TEST_P(OrderStoreTest, AMarkUndoesWhatWorkAndListingsHaveSeen) {
  auto t = store->begin().value();
  const DeviceId phone = DeviceId::from("phone").value();
  put(*t, "a", State::kReported);
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "b", State::kSealed);
  EXPECT_EQ(t->next_work(phone, 0).value()->order.text(), "b");
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_EQ(t->next_work(phone, 0).value(), std::nullopt);
  EXPECT_EQ(t->find_order(key("b")).value(), std::nullopt);
  ASSERT_TRUE(t->mark().has_value());
  AttemptRow a = t->find_attempt(key("a"), 1).value().value();
  a.state = State::kUnknown;
  ASSERT_TRUE(t->update_attempt(a).has_value());
  EXPECT_EQ(t->list(kProvider, State::kUnknown, 0, 10).value().size(), 1U);
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_EQ(t->find_attempt(key("a"), 1).value()->state, State::kReported);
  EXPECT_EQ(t->list(kProvider, State::kUnknown, 0, 10).value().size(), 0U);
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "c", State::kSealed);
  EXPECT_EQ(t->next_work(phone, 0).value()->order.text(), "c");
  ASSERT_TRUE(t->mark().has_value());
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  t = store->begin().value();
  EXPECT_TRUE(t->find_order(key("a")).value().has_value());
  EXPECT_FALSE(t->find_order(key("b")).value().has_value());
  EXPECT_TRUE(t->find_order(key("c")).value().has_value());
}

TEST_P(OrderStoreTest, WhatIsExpectedReadsAsWhatIsNot) {
  {
    auto t = store->begin().value();
    put(*t, "a", State::kReported);
    put(*t, "b", State::kSealed);
    ASSERT_TRUE(t->insert_receipt(key("a"), 1, 1, Bytes{0xE3}).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  const DeviceId phone = DeviceId::from("phone").value();
  const DeviceId other = DeviceId::from("other").value();
  auto t = store->begin().value();
  ASSERT_TRUE(t->expect({.changed = {key("a"), key("z"), key("a")},
                         .read = {key("b"), key("y")},
                         .work = {{phone, 0}, {other, 0}},
                         .listings = {{kProvider, State::kSealed, 0, 10}}})
                  .has_value());
  EXPECT_EQ(t->find_order(key("z")).value(), std::nullopt);
  EXPECT_EQ(t->find_order(key("y")).value(), std::nullopt);
  EXPECT_EQ(t->receipts_of(key("a"), 1).value(), std::vector<Bytes>{{0xE3}});
  EXPECT_EQ(t->next_work(other, 0).value(), std::nullopt);
  const AttemptRow b = t->next_work(phone, 0).value().value();
  EXPECT_EQ(b.order.text(), "b");
  EXPECT_EQ(t->next_work(phone, b.sequence).value(), std::nullopt);
  EXPECT_EQ(t->list(kProvider, State::kSealed, 0, 10).value().size(), 1U);
  AttemptRow handed = b;
  handed.state = State::kHandedOver;
  ASSERT_TRUE(t->update_attempt(handed).has_value());
  EXPECT_EQ(t->list(kProvider, State::kSealed, 0, 10).value().size(), 0U);
  EXPECT_EQ(t->list(kProvider, State::kHandedOver, 0, 10).value().size(), 1U);
  put(*t, "z", State::kOrdered);
  EXPECT_EQ(t->next_work(phone, b.sequence).value()->order.text(), "z");
  EXPECT_TRUE(t->commit().has_value());
}

TEST_P(OrderStoreTest, NamesAreTakenOnce) {
  auto t = store->begin().value();
  put(*t, "a", State::kOrdered);
  EXPECT_EQ(t->insert_order(an_order("a")).error().code, Errc::kConflict);
  EXPECT_EQ(t->insert_attempt(an_attempt(an_order("a"), 1, State::kOrdered)).error().code,
            Errc::kConflict);
  EXPECT_EQ(t->insert_attempt(an_attempt(an_order("z"), 1, State::kOrdered)).error().code,
            Errc::kNotFound);
  EXPECT_EQ(t->update_order(an_order("z")).error().code, Errc::kNotFound);
  const OrderKey order = key("a");
  ASSERT_TRUE(t->insert_receipt(order, 1, 1, Bytes{1}).has_value());
  EXPECT_EQ(t->insert_receipt(order, 1, 1, Bytes{2}).error().code, Errc::kConflict);
}

TEST_P(OrderStoreTest, TwoProvidersMayUseOneName) {
  const Spid other{{2}};
  auto t = store->begin().value();
  put(*t, "a", State::kOrdered);
  OrderRow theirs = an_order("a");
  theirs.provider = other;
  theirs.not_after = 2'000;
  ASSERT_TRUE(t->insert_order(theirs).has_value());
  ASSERT_TRUE(t->insert_attempt(an_attempt(theirs, 1, State::kSealed)).has_value());
  theirs.current_attempt = 1;
  theirs.state = State::kSealed;
  ASSERT_TRUE(t->update_order(theirs).has_value());
  ASSERT_TRUE(t->insert_receipt(key("a"), 1, 1, Bytes{1}).has_value());
  ASSERT_TRUE(t->insert_receipt(key("a", other), 1, 1, Bytes{2}).has_value());
  EXPECT_EQ(t->find_order(key("a")).value()->state, State::kOrdered);
  EXPECT_EQ(t->find_order(key("a", other)).value()->not_after, 2'000);
  EXPECT_EQ(t->attempts_of(key("a")).value().size(), 1U);
  EXPECT_EQ(t->find_attempt(key("a", other), 1).value()->state, State::kSealed);
  EXPECT_EQ(t->receipts_of(key("a", other), 1).value(), std::vector<Bytes>{{2}});
  const DeviceId phone = DeviceId::from("phone").value();
  const auto first = t->next_work(phone, 0).value().value();
  const auto second = t->next_work(phone, first.sequence).value().value();
  EXPECT_EQ(first.order_key(), key("a"));
  EXPECT_EQ(second.order_key(), key("a", other));
  EXPECT_EQ(t->next_work(phone, second.sequence).value(), std::nullopt);
}

TEST_P(OrderStoreTest, WorkIsOfThisDeviceOfTheCurrentAttemptAndOldestFirst) {
  auto t = store->begin().value();
  put(*t, "enrolled", State::kEnrolled);
  put(*t, "superseded", State::kHandedOver);
  put(*t, "first", State::kOrdered);
  put(*t, "second", State::kSealed);
  put(*t, "third", State::kHandedOver);
  OrderRow superseded = an_order("superseded");
  superseded.current_attempt = 2;
  ASSERT_TRUE(t->update_order(superseded).has_value());
  const DeviceId phone = DeviceId::from("phone").value();
  std::vector<std::string> seen;
  std::uint64_t after = 0;
  for (auto work = t->next_work(phone, after).value(); work;
       work = t->next_work(phone, after).value()) {
    seen.push_back(work->order.text());
    after = work->sequence;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_EQ(t->next_work(DeviceId::from("other").value(), 0).value(), std::nullopt);
}

TEST_P(OrderStoreTest, ListsFollowTheOrderOfChangeAndStopAtOtherProviders) {
  auto t = store->begin().value();
  put(*t, "a", State::kOrdered);
  put(*t, "b", State::kEnrolled);
  AttemptRow a = t->find_attempt(key("a"), 1).value().value();
  a.state = State::kEnrolled;
  ASSERT_TRUE(t->update_attempt(a).has_value());
  const Spid provider{{1}};
  const auto all = t->list(provider, {}, 0, 10).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].order.text(), "b");
  EXPECT_EQ(all[1].order.text(), "a");
  EXPECT_EQ(t->list(provider, State::kEnrolled, all[0].change, 10).value().size(), 1U);
  EXPECT_EQ(t->list(provider, State::kEnrolled, 0, 1).value().size(), 1U);
  EXPECT_EQ(t->list(provider, State::kSealed, 0, 10).value().size(), 0U);
  EXPECT_EQ(t->list(Spid{{2}}, {}, 0, 10).value().size(), 0U);
}

TEST_P(OrderStoreTest, FindsWhatIsOverdueAndNothingElse) {
  auto t = store->begin().value();
  put(*t, "late", State::kSealed, 100);
  put(*t, "reported", State::kReported, 100);
  put(*t, "early", State::kSealed, 200);
  ASSERT_TRUE(t->insert_order(an_order("bare", 100)).has_value());
  ASSERT_TRUE(t->insert_order(an_order("bare-early", 200)).has_value());
  const auto attempts = t->overdue_attempts(150, 10).value();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].order.text(), "late");
  const auto orders = t->overdue_orders(150, 10).value();
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].id.text(), "bare");
  EXPECT_EQ(t->overdue_attempts(100, 10).value().size(), 0U) << "not before its notAfter passed";
}

using Counts = std::vector<std::pair<State, std::uint64_t>>;

Counts counts_of(OrderTransaction& t, const Spid& provider = kProvider) {
  Counts out;
  for (const delivery::OrderCount& row : t.order_counts(provider).value()) {
    EXPECT_EQ(row.provider, provider);
    out.emplace_back(row.state, row.count);
  }
  return out;
}

void set_state(OrderTransaction& t, const std::string& id, State state) {
  OrderRow row = t.find_order(key(id)).value().value();
  row.state = state;
  ASSERT_TRUE(t.update_order(row).has_value());
}

TEST_P(OrderStoreTest, OrdersAreCountedByStateAndWhatIsRolledBackIsNot) {
  const Spid other{{2}};
  auto t = store->begin().value();
  EXPECT_EQ(counts_of(*t), Counts{});
  put(*t, "a", State::kOrdered);
  put(*t, "b", State::kOrdered);
  OrderRow theirs = an_order("a");
  theirs.provider = other;
  theirs.state = State::kSealed;
  ASSERT_TRUE(t->insert_order(theirs).has_value());
  EXPECT_EQ(counts_of(*t), (Counts{{State::kOrdered, 2}}));
  ASSERT_TRUE(t->mark().has_value());
  set_state(*t, "a", State::kEnrolled);
  EXPECT_EQ(counts_of(*t), (Counts{{State::kEnrolled, 1}, {State::kOrdered, 1}}));
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  ASSERT_TRUE(t->mark().has_value());
  put(*t, "c", State::kOrdered);
  // Sends what was changed to a server, and then undoes it there.
  static_cast<void>(t->list(kProvider, {}, 0, 10).value());
  EXPECT_EQ(counts_of(*t), (Counts{{State::kOrdered, 3}}));
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_EQ(counts_of(*t), (Counts{{State::kOrdered, 2}}));
  ASSERT_TRUE(t->mark().has_value());
  set_state(*t, "b", State::kSealed);
  set_state(*t, "b", State::kSealed);
  EXPECT_EQ(counts_of(*t), (Counts{{State::kOrdered, 1}, {State::kSealed, 1}}));
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  reopen();
  const std::vector<delivery::OrderCount> all = {
      {kProvider, State::kOrdered, 1}, {kProvider, State::kSealed, 1}, {other, State::kSealed, 1}};
  EXPECT_EQ(store->snapshot().value()->order_counts().value(), all);
  t = store->begin().value();
  EXPECT_EQ(t->order_counts(std::nullopt).value(), all);
  EXPECT_EQ(counts_of(*t, other), (Counts{{State::kSealed, 1}}));
  set_state(*t, "a", State::kSealed);
  EXPECT_EQ(counts_of(*t), (Counts{{State::kSealed, 2}}));
  EXPECT_EQ(t->order_counts(std::nullopt).value().size(), 2U);
}

TEST_P(OrderStoreTest, InvitationsReadBackAndAreTakenOnce) {
  auto t = store->begin().value();
  InvitationRow row{.token_hash = {9}, .subject = "device:x", .not_after = 50};
  ASSERT_TRUE(t->insert_invitation(row).has_value());
  EXPECT_EQ(t->insert_invitation(row).error().code, Errc::kConflict);
  EXPECT_EQ(t->find_invitation(row.token_hash).value()->request, std::nullopt);
  row.request = "csr";
  row.certificate = "pem";
  ASSERT_TRUE(t->update_invitation(row).has_value());
  const InvitationRow back = t->find_invitation(row.token_hash).value().value();
  EXPECT_EQ(back.subject, "device:x");
  EXPECT_EQ(back.not_after, 50);
  EXPECT_EQ(back.request, "csr");
  EXPECT_EQ(back.certificate, "pem");
  EXPECT_EQ(t->find_invitation(Bytes(32, 1)).value(), std::nullopt);
}

Bytes an_entry(std::string_view text) { return {text.begin(), text.end()}; }

// Gives all entries that wait their places; the text of each.
std::vector<std::string> place_all(OrderStore& store) {
  auto t = store.begin().value();
  auto head = t->audit().take_head().value().value();
  const auto entries = t->audit().without_place(100).value();
  std::vector<std::string> texts;
  texts.reserve(entries.size());
  for (const Bytes& entry : entries) {
    texts.emplace_back(entry.begin(), entry.end());
  }
  head.size += entries.size();
  head.checkpoint = "signed at " + std::to_string(head.size);
  head.verifier = "key";
  const delivery::AuditTile tile{.name = {.level = 0, .number = 0},
                                 .hashes = Bytes(32 * head.size, 7)};
  EXPECT_TRUE(t->audit().extend(head, std::span(&tile, 1)).has_value());
  EXPECT_TRUE(t->commit().has_value());
  return texts;
}

TEST_P(OrderStoreTest, ALogBeginsWithWhatWasThereAndPlacesFollowTheOrderOfCommits) {
  const std::vector<std::string> begin = place_all(*store);
  ASSERT_EQ(begin.size(), 1U);
  EXPECT_TRUE(begin[0].starts_with("KBA1 ") && begin[0].ends_with(" begin 0 0")) << begin[0];
  for (const char* text : {"a", "b"}) {
    auto t = store->begin().value();
    put(*t, text, State::kOrdered);
    ASSERT_TRUE(t->audit().append(an_entry(std::string(text) + " 1")).has_value());
    ASSERT_TRUE(t->audit().append(an_entry(std::string(text) + " 2")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  {
    auto t = store->begin().value();
    ASSERT_TRUE(t->audit().append(an_entry("never committed")).has_value());
  }
  EXPECT_EQ(place_all(*store), (std::vector<std::string>{"a 1", "a 2", "b 1", "b 2"}));
  EXPECT_TRUE(place_all(*store).empty());
  reopen();
  auto t = store->begin().value();
  EXPECT_EQ(t->audit().take_head().value(),
            (delivery::AuditHead{.size = 5, .checkpoint = "signed at 5", .verifier = "key"}));
  const std::vector<delivery::AuditTileName> names = {{.level = 0, .number = 0},
                                                      {.level = 1, .number = 0}};
  const auto tiles = t->audit().tiles(names).value();
  ASSERT_EQ(tiles.size(), 1U) << "those that are there";
  EXPECT_EQ(tiles[0].hashes.size(), 160U) << "a tile grows";
  EXPECT_TRUE(t->audit().tiles({}).value().empty());
}

TEST_P(OrderStoreTest, AMarkUndoesAnEntryToo) {
  static_cast<void>(place_all(*store));
  auto t = store->begin().value();
  for (const char* text : {"a", "b", "c"}) {
    ASSERT_TRUE(t->mark().has_value());
    put(*t, text, State::kSealed);
    ASSERT_TRUE(t->audit().append(an_entry(text)).has_value());
    if (*text == 'b') {
      // Sends what came before on a store that collects it.
      ASSERT_TRUE(t->next_work(DeviceId::from("phone").value(), 0).value().has_value());
      ASSERT_TRUE(t->roll_back_to_mark().has_value());
    }
  }
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  EXPECT_EQ(place_all(*store), (std::vector<std::string>{"a", "c"}));
}

TEST_P(OrderStoreTest, PlacesThatAreNotCommittedAreGivenAgain) {
  {
    auto t = store->begin().value();
    auto head = t->audit().take_head().value().value();
    ASSERT_EQ(t->audit().without_place(100).value().size(), 1U);
    head.size = 1;
    ASSERT_TRUE(t->audit().extend(head, {}).has_value());
  }
  EXPECT_EQ(place_all(*store).size(), 1U);
}

TEST_P(OrderStoreTest, FiguresCountOrdersFindTheOldestAndCountWhatHasNoPlace) {
  EXPECT_EQ(store->snapshot().value()->figures()->oldest, std::vector<delivery::OldestOrder>{});
  {
    auto t = store->begin().value();
    std::int64_t made = 100;
    for (const State state : {State::kSealed, State::kSealed, State::kUnknown, State::kConfirmed,
                              State::kCancelled, State::kOrdered}) {
      OrderRow row = an_order("order-" + std::to_string(made));
      row.provider = Spid{{static_cast<std::uint8_t>(made)}};
      row.created_at = made++;
      row.state = state;
      ASSERT_TRUE(t->insert_order(row).has_value());
    }
    OrderRow held = an_order("held");  // waits for its campaign, and for nobody else
    held.created_at = 1;
    held.state = State::kSealed;
    held.membership = delivery::Membership{.campaign = delivery::CampaignId::from("c").value()};
    ASSERT_TRUE(t->insert_order(held).has_value());
    ASSERT_TRUE(t->audit().append(an_entry("a")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  {
    const auto snapshot = store->snapshot().value();
    const delivery::StoreFigures figures = snapshot->figures().value();
    EXPECT_EQ(figures.in(State::kSealed), 3U);
    EXPECT_EQ(figures.in(State::kConfirmed), 1U);
    EXPECT_EQ(figures.in(State::kReported), 0U);
    EXPECT_EQ(figures.oldest,
              (std::vector<delivery::OldestOrder>{
                  {State::kOrdered, 105}, {State::kSealed, 100}, {State::kUnknown, 102}}));
    EXPECT_EQ(figures.entries, 0U);
    EXPECT_EQ(figures.without_place, 2U) << "the beginning and the entry";
  }
  static_cast<void>(place_all(*store));
  const delivery::StoreFigures placed = store->snapshot().value()->figures().value();
  EXPECT_EQ(placed.entries, 2U);
  EXPECT_EQ(placed.without_place, 0U);
}

TEST_P(OrderStoreTest, ASnapshotStandsStillWhileOthersWrite) {
  {
    auto t = store->begin().value();
    put(*t, "a", State::kReported);
    ASSERT_TRUE(t->insert_receipt(key("a"), 1, 1, Bytes{0xE3}).has_value());
    ASSERT_TRUE(t->audit().append(an_entry("a")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  static_cast<void>(place_all(*store));
  {
    auto t = store->begin().value();
    ASSERT_TRUE(t->audit().append(an_entry("waits")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  const auto snapshot = store->snapshot().value();
  EXPECT_EQ(store->snapshot().error().code, Errc::kState);
  EXPECT_EQ(store->begin().error().code, Errc::kState);
  EXPECT_EQ(snapshot->audit_head()->size, 2U);
  const auto writer = bed.open();
  {
    auto t = writer->begin().value();
    put(*t, "b", State::kOrdered);
    ASSERT_TRUE(t->audit().append(an_entry("b")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  static_cast<void>(place_all(*writer));
  EXPECT_EQ(snapshot->audit_head()->size, 2U);
  const auto entries = snapshot->audit_entries(0, 256).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1], an_entry("a"));
  EXPECT_EQ(snapshot->audit_entries(1, 1).value().size(), 1U);
  EXPECT_EQ(snapshot->audit_tile({.level = 0, .number = 0}).value()->hashes.size(), 64U);
  EXPECT_EQ(snapshot->audit_tile({.level = 0, .number = 1}).value(), std::nullopt);
  EXPECT_EQ(snapshot->next_without_place().value(), std::vector<Bytes>{an_entry("waits")});
  EXPECT_TRUE(snapshot->next_without_place().value().empty());
  EXPECT_EQ(snapshot->next_orders().value().size(), 1U);
  EXPECT_TRUE(snapshot->next_orders().value().empty());
  EXPECT_EQ(snapshot->next_attempts().value().size(), 1U);
  EXPECT_TRUE(snapshot->next_attempts().value().empty());
  const auto receipts = snapshot->next_receipts().value();
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].order, key("a"));
  EXPECT_EQ(receipts[0].receipt, Bytes{0xE3});
  EXPECT_TRUE(snapshot->next_receipts().value().empty());
}

TEST_P(DatabaseTest, AKilledWriterLeavesWholeTransactionsOnly) {
  store.reset();
  EXPECT_TRUE(dies_by_kill([&] {
    auto child = bed.open();
    for (int i = 0; i < 5; ++i) {
      auto t = child->begin().value();
      put(*t, "order-" + std::to_string(i), State::kOrdered);
      if (i == 4) {
        static_cast<void>(std::raise(SIGKILL));
      }
      static_cast<void>(t->commit());
    }
  }));
  reopen();
  auto t = store->begin().value();
  EXPECT_EQ(t->list(Spid{{1}}, {}, 0, 100).value().size(), 4U);
  EXPECT_FALSE(t->find_order(key("order-4")).value().has_value());
}

// A request that fails behind a question has its changes undone; what follows is numbered behind
// all that was, so that no listing misses it.
TEST_P(OrderStoreTest, WhatFollowsAnUndoneRequestIsNumberedAsAnyOther) {
  {
    auto t = store->begin().value();
    put(*t, "a", State::kOrdered);
    ASSERT_TRUE(t->commit().has_value());
  }
  const std::uint64_t before = store->begin().value()->list(kProvider, {}, 0, 9)->back().change;
  {
    auto t = store->begin().value();
    ASSERT_TRUE(t->mark().has_value());
    put(*t, "b", State::kOrdered);
    ASSERT_EQ(t->list(kProvider, {}, 0, 9)->size(), 2U);  // the store is asked
    ASSERT_TRUE(t->roll_back_to_mark().has_value());
    ASSERT_TRUE(t->mark().has_value());
    put(*t, "c", State::kOrdered);
    ASSERT_TRUE(t->commit().has_value());
  }
  const auto behind = store->begin().value()->list(kProvider, {}, before, 9).value();
  ASSERT_EQ(behind.size(), 1U);
  EXPECT_EQ(behind[0].order.text(), "c");
}

}  // namespace
}  // namespace kagibin::store
