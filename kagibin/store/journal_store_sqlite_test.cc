// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/journal_store_sqlite.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

using delivery::DeviceId;
using delivery::JournalAttempt;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::JournalStore;
using delivery::OrderId;
using delivery::State;

OrderId id(std::string_view text) { return OrderId::from(text).value(); }

JournalOrder an_order(std::string_view name) {
  return {.id = id(name),
          .device = DeviceId::from("phone").value(),
          .seid = Seid{{7}},
          .target = Aid::from_hex("A000000151").value(),
          .not_after = 99,
          .sealed_payload = {1, 2, 3},
          .annotation = "{}"};
}

JournalAttempt an_attempt(std::string_view order,
                          delivery::AttemptNumber number,
                          std::uint8_t nonce) {
  return {.order = id(order),
          .number = number,
          .nonce_a = Nonce16{{nonce}},
          .sealed_kem_key = {0xAA, nonce}};
}

struct JournalStoreTest : testing::Test {
  JournalStoreTest() { reopen(); }
  void reopen(std::optional<std::uint32_t> max_pages = {}) {
    journal.reset();
    journal = open_journal_store({.path = folder / "journal", .max_pages = max_pages}).value();
  }
  TestFolder folder;
  std::unique_ptr<JournalStore> journal;
};

TEST_F(JournalStoreTest, AnOrderHasOneSeqHoweverOftenItIsOpened) {
  EXPECT_EQ(journal->open_order(an_order("a"))->seq, 1U);
  EXPECT_EQ(journal->open_order(an_order("b"))->seq, 2U);
  JournalOrder elsewhere = an_order("c");
  elsewhere.seid = Seid{{8}};
  EXPECT_EQ(journal->open_order(elsewhere)->seq, 1U);
  reopen();
  JournalOrder again = an_order("a");
  again.sealed_payload = {9};  // sealed anew: the first one stays
  const JournalOrder stored = journal->open_order(again).value();
  EXPECT_EQ(stored.seq, 1U);
  EXPECT_EQ(stored.sealed_payload, (Bytes{1, 2, 3}));
  EXPECT_EQ(journal->open_order(an_order("d"))->seq, 3U);
}

TEST_F(JournalStoreTest, ABatchIsDurableTogetherOrNotAtAll) {
  for (const bool commits : {false, true}) {
    const auto other = open_journal_store({.path = folder / "journal"}).value();
    {
      auto batch = delivery::JournalBatch::begin(*journal).value();
      ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
      ASSERT_TRUE(journal->open_attempt(an_attempt("a", 1, 1)).has_value());
      EXPECT_EQ(journal->open_order(an_order("b"))->seq, 2U);
      EXPECT_EQ(journal->open_attempt(an_attempt("b", 2, 2)).error().code, Errc::kConflict);
      ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kRequest, Bytes{1}).has_value());
      ASSERT_TRUE(journal->acknowledge(id("a"), 1, JournalStep::kRequest).has_value());
      EXPECT_FALSE(other->find_order(id("a")).value().has_value()) << "not before its commit";
      if (commits) {
        ASSERT_TRUE(batch.commit().has_value());
        EXPECT_TRUE(other->find_order(id("a")).value().has_value());
      }
    }
    reopen();
    EXPECT_EQ(journal->orders(std::nullopt, 9)->size(), commits ? 2U : 0U);
    EXPECT_EQ(journal->find_attempt(id("a"), 1)->has_value(), commits);
    EXPECT_EQ(journal->find_entry(id("a"), 1, JournalStep::kRequest)->has_value(), commits);
  }
  ASSERT_TRUE(journal->open_order(an_order("c")).has_value()) << "others go on behind it";
}

TEST_F(JournalStoreTest, AFullDiskUndoesTheWholeBatch) {
  reopen(30);
  JournalOrder big = an_order("big");
  big.sealed_payload.assign(4'096, 1);
  bool failed = false;
  {
    auto batch = delivery::JournalBatch::begin(*journal).value();
    for (int i = 0; i < 30 && !failed; ++i) {
      big.id = id("big-" + std::to_string(i));
      failed = !journal->open_order(big).has_value();
    }
  }
  EXPECT_TRUE(failed);
  EXPECT_TRUE(journal->orders(std::nullopt, 99)->empty());
  EXPECT_TRUE(journal->open_order(an_order("small")).has_value());
}

TEST_F(JournalStoreTest, ABatchThatSqliteRolledBackTakesNothingMore) {
  journal.reset();
  // RLIMIT_FSIZE makes write() fail with EFBIG, as a full disk makes it fail with ENOSPC.
  EXPECT_FALSE(dies_by_kill([&] {
    static_cast<void>(signal(SIGXFSZ, SIG_IGN));
    auto child = open_journal_store({.path = folder / "journal"}).value();
    bool good = child->open_order(an_order("kept")).has_value();
    const rlimit limit{400'000, 400'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto batch = delivery::JournalBatch::begin(*child).value();
    bool failed = false;
    for (std::uint8_t i = 0; i < 100 && !failed; ++i) {  // more than its cache keeps
      failed = !child->put_record("filler", Bytes{i}, Bytes(200'000));
    }
    const auto is_refused = [](const auto& result) {
      return !result && result.error().code == Errc::kStore;
    };
    good = good && failed && is_refused(child->put_record("late", Bytes{1}, Bytes{1})) &&
           is_refused(child->claim_record("late", Bytes{1}, Bytes{1})) &&
           is_refused(child->open_order(an_order("late"))) &&
           is_refused(child->open_attempt(an_attempt("kept", 1, 1))) &&
           is_refused(child->set_state(id("kept"), State::kExpired)) &&
           is_refused(child->record(id("kept"), 0, JournalStep::kOrder, Bytes{1})) &&
           is_refused(child->acknowledge(id("kept"), 0, JournalStep::kOrder)) &&
           is_refused(child->set_receipt_key(id("kept"), 1, Bytes{1})) &&
           is_refused(batch.commit());
    if (!good) {
      static_cast<void>(std::raise(SIGKILL));
    }
  }));
  reopen();
  EXPECT_TRUE(journal->records("late")->empty());
  EXPECT_EQ(journal->orders(std::nullopt, 9)->size(), 1U);
  EXPECT_EQ(journal->find_order(id("kept")).value()->state, State::kOrdered);
}

TEST_F(JournalStoreTest, TheSameNameWithOtherContentIsAConflict) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  JournalOrder other = an_order("a");
  other.not_after = 100;
  EXPECT_EQ(journal->open_order(other).error().code, Errc::kConflict);
  other = an_order("a");
  other.seid = Seid{{8}};
  EXPECT_EQ(journal->open_order(other).error().code, Errc::kConflict);
  EXPECT_EQ(journal->find_order(id("a")).value()->not_after, 99);
}

TEST_F(JournalStoreTest, AttemptsAreNumberedWithoutGapsAndOpenedOnce) {
  EXPECT_EQ(journal->open_attempt(an_attempt("a", 1, 1)).error().code, Errc::kNotFound);
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  EXPECT_EQ(journal->open_attempt(an_attempt("a", 2, 1)).error().code, Errc::kConflict);
  ASSERT_TRUE(journal->open_attempt(an_attempt("a", 1, 1)).has_value());
  EXPECT_EQ(journal->open_attempt(an_attempt("a", 1, 1))->sealed_kem_key, (Bytes{0xAA, 1}));
  EXPECT_EQ(journal->open_attempt(an_attempt("a", 1, 2)).error().code, Errc::kConflict);
  EXPECT_EQ(journal->open_attempt(an_attempt("a", 2, 1)).error().code, Errc::kConflict)
      << "a nonce is used once";
  ASSERT_TRUE(journal->open_attempt(an_attempt("a", 2, 2)).has_value());
  EXPECT_EQ(journal->find_order(id("a")).value()->current_attempt, 2U);
}

TEST_F(JournalStoreTest, WhatWasRecordedIsSentAgainUntilItIsAcknowledged) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  ASSERT_TRUE(journal->record(id("a"), 0, JournalStep::kOrder, Bytes{1}).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kRequest, Bytes{2}).has_value());
  ASSERT_TRUE(journal->acknowledge(id("a"), 0, JournalStep::kOrder).has_value());
  reopen();
  const auto open = journal->unacknowledged().value();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].step, JournalStep::kRequest);
  EXPECT_EQ(open[0].attempt, 1U);
  EXPECT_EQ(open[0].message, Bytes{2});
  EXPECT_TRUE(journal->record(id("a"), 1, JournalStep::kRequest, Bytes{2}).has_value());
  EXPECT_EQ(journal->record(id("a"), 1, JournalStep::kRequest, Bytes{3}).error().code,
            Errc::kConflict);
  EXPECT_EQ(journal->acknowledge(id("a"), 1, JournalStep::kDelivery).error().code, Errc::kNotFound);
  EXPECT_EQ(journal->record(id("z"), 0, JournalStep::kOrder, Bytes{1}).error().code,
            Errc::kNotFound);
}

TEST_F(JournalStoreTest, ReceiptsAndAcknowledgedVerdictsMayBeFollowedByLaterOnes) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kReceipt, Bytes{1}).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kReceipt, Bytes{2}).has_value());
  EXPECT_EQ(journal->find_entry(id("a"), 1, JournalStep::kReceipt).value()->message, Bytes{2});
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kVerdict, Bytes{1}).has_value());
  EXPECT_EQ(journal->record(id("a"), 1, JournalStep::kVerdict, Bytes{2}).error().code,
            Errc::kConflict);
  ASSERT_TRUE(journal->acknowledge(id("a"), 1, JournalStep::kVerdict).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kVerdict, Bytes{2}).has_value());
  const auto open = journal->unacknowledged().value();
  ASSERT_EQ(open.size(), 1U) << "received messages wait for nobody";
  EXPECT_EQ(open[0].message, Bytes{2});
}

TEST_F(JournalStoreTest, TheReceiptKeyStandsOnceTheEnvelopeIsRecorded) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  ASSERT_TRUE(journal->open_attempt(an_attempt("a", 1, 1)).has_value());
  ASSERT_TRUE(journal->set_receipt_key(id("a"), 1, Bytes{1}).has_value());
  ASSERT_TRUE(journal->set_receipt_key(id("a"), 1, Bytes{2}).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kDelivery, Bytes{0xE2}).has_value());
  EXPECT_EQ(journal->set_receipt_key(id("a"), 1, Bytes{3}).error().code, Errc::kConflict);
  EXPECT_EQ(journal->find_attempt(id("a"), 1).value()->sealed_receipt_key, Bytes{2});
  EXPECT_TRUE(journal->set_receipt_key(id("a"), 1, Bytes{2}).has_value()) << "the same again";
  EXPECT_EQ(journal->set_receipt_key(id("a"), 2, Bytes{3}).error().code, Errc::kNotFound);
}

TEST_F(JournalStoreTest, TheReceiptKeyStandsOnceAnAttemptWasOpenedByItsEnvelope) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  ASSERT_TRUE(journal->open_attempt(an_attempt("a", 1, 1)).has_value());
  ASSERT_TRUE(journal->set_receipt_key(id("a"), 1, Bytes{1}).has_value());
  ASSERT_TRUE(journal->record(id("a"), 1, JournalStep::kRequest, Bytes{0xE2}).has_value());
  EXPECT_EQ(journal->set_receipt_key(id("a"), 1, Bytes{3}).error().code, Errc::kConflict);
  EXPECT_TRUE(journal->set_receipt_key(id("a"), 1, Bytes{1}).has_value()) << "the same again";
  ASSERT_TRUE(journal->open_attempt(an_attempt("a", 2, 2)).has_value());
  ASSERT_TRUE(journal->record(id("a"), 2, JournalStep::kRequest, Bytes{0xE0}).has_value());
  EXPECT_TRUE(journal->set_receipt_key(id("a"), 2, Bytes{3}).has_value());
}

TEST_F(JournalStoreTest, OrdersAreListedByState) {
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  ASSERT_TRUE(journal->open_order(an_order("b")).has_value());
  ASSERT_TRUE(journal->set_state(id("b"), State::kUnknown).has_value());
  EXPECT_EQ(journal->orders({}, 10)->size(), 2U);
  EXPECT_EQ(journal->orders({}, 1)->size(), 1U);
  const auto unknown = journal->orders(State::kUnknown, 10).value();
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].id, id("b"));
  EXPECT_EQ(journal->set_state(id("z"), State::kUnknown).error().code, Errc::kNotFound);
}

TEST_F(JournalStoreTest, OverdueIsWhatWaitsBehindItsTime) {
  for (const char* name : {"old", "older", "sealed", "ended", "young"}) {
    JournalOrder order = an_order(name);
    order.not_after = std::string_view(name) == "older"   ? 100
                      : std::string_view(name) == "young" ? 300
                                                          : 200;
    ASSERT_TRUE(journal->open_order(order).has_value());
  }
  ASSERT_TRUE(journal->set_state(id("sealed"), State::kSealed).has_value());
  ASSERT_TRUE(journal->set_state(id("ended"), State::kUnknown).has_value());
  const auto overdue = journal->overdue_orders(201, 10).value();
  ASSERT_EQ(overdue.size(), 3U);
  EXPECT_EQ(overdue[0], id("older"));
  EXPECT_EQ(journal->overdue_orders(201, 2)->size(), 2U);
  EXPECT_EQ(journal->overdue_orders(200, 10)->size(), 1U) << "its notAfter itself is in time";
}

TEST_F(JournalStoreTest, AClaimedRecordBelongsToWhoCameFirst) {
  ASSERT_TRUE(journal->claim_record("literal_key", Bytes{1}, Bytes{7}).has_value());
  ASSERT_TRUE(journal->claim_record("literal_key", Bytes{1}, Bytes{7}).has_value());
  EXPECT_EQ(journal->claim_record("literal_key", Bytes{1}, Bytes{8}).error().code, Errc::kConflict);
  ASSERT_TRUE(journal->put_record("cursor", Bytes{}, Bytes{1}).has_value());
  ASSERT_TRUE(journal->put_record("cursor", Bytes{}, Bytes{2}).has_value());
  EXPECT_EQ(journal->find_record("cursor", Bytes{}).value(), Bytes{2});
  EXPECT_EQ(journal->find_record("cursor", Bytes{1}).value(), std::nullopt);
  EXPECT_EQ(journal->records("literal_key").value(),
            (std::vector<std::pair<Bytes, Bytes>>{{{1}, {7}}}));
  EXPECT_EQ(journal->put_record("", Bytes{}, Bytes{}).error().code, Errc::kInvalidArgument);
}

TEST_F(JournalStoreTest, AFullDiskRefusesTheRowAndNothingIsSentWithoutIt) {
  reopen(40);
  ASSERT_TRUE(journal->open_order(an_order("a")).has_value());
  Result<void> result;
  std::uint8_t count = 0;
  while (result && count < 100) {
    result = journal->put_record("filler", Bytes{count++}, Bytes(4'000));
  }
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::kNoSpace);
  const Result<void> row = journal->record(id("a"), 1, JournalStep::kDelivery, Bytes(8'000));
  ASSERT_FALSE(row.has_value());
  EXPECT_EQ(row.error().code, Errc::kNoSpace);
  EXPECT_EQ(journal->find_entry(id("a"), 1, JournalStep::kDelivery).value().has_value(), false);
}

#ifdef KAGIBIN_TEST_HOOKS
TEST_F(JournalStoreTest, EveryDurableStepIsThereAfterItsCommitAndOnlyThen) {
  journal.reset();
  const auto steps = [&] {
    auto child = open_journal_store({.path = folder / "journal"}).value();
    static_cast<void>(child->open_order(an_order("a")));
    static_cast<void>(child->open_attempt(an_attempt("a", 1, 1)));
    static_cast<void>(child->record(id("a"), 1, JournalStep::kRequest, Bytes{2}));
  };
  const auto die_at = [&](const char* point) {
    return dies_by_kill([&] {
      setenv("KAGIBIN_CRASH_AT", point, 1);  // NOLINT(concurrency-mt-unsafe): the child is alone
      steps();
    });
  };
  ASSERT_TRUE(die_at("journal.order.before_commit"));
  reopen();
  EXPECT_FALSE(journal->find_order(id("a")).value().has_value());
  ASSERT_TRUE(die_at("journal.order.after_commit"));
  EXPECT_TRUE(journal->find_order(id("a")).value().has_value());
  ASSERT_TRUE(die_at("journal.attempt.before_commit"));
  EXPECT_FALSE(journal->find_attempt(id("a"), 1).value().has_value());
  ASSERT_TRUE(die_at("journal.attempt.after_commit"));
  EXPECT_TRUE(journal->find_attempt(id("a"), 1).value().has_value());
  ASSERT_TRUE(die_at("journal.record.before_commit"));
  EXPECT_EQ(journal->unacknowledged()->size(), 0U);
  ASSERT_TRUE(die_at("journal.record.after_commit"));
  EXPECT_EQ(journal->unacknowledged()->size(), 1U);
  EXPECT_EQ(journal->find_order(id("a")).value()->seq, 1U);
}
#endif

}  // namespace
}  // namespace kagibin::store
