// SPDX-License-Identifier: Apache-2.0
// No statement on SQLite costs more when the backlog grows: the port's calls are made over 10
// thousand orders and over a million; none scans or sorts a table, and SQLite counts the steps.
#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/database.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

// The connection that was opened last, for its statements' counters.
sqlite3* last_opened = nullptr;

int remember(sqlite3* db, char** /*message*/, const sqlite3_api_routines* /*api*/) {
  last_opened = db;
  return SQLITE_OK;
}

struct Cost {
  int steps = 0;
  int scanned = 0;
  int sorted = 0;
};

// Since the last call.
Cost cost() {
  Cost sum;
  for (sqlite3_stmt* one = sqlite3_next_stmt(last_opened, nullptr); one != nullptr;
       one = sqlite3_next_stmt(last_opened, one)) {
    sum.steps += sqlite3_stmt_status(one, SQLITE_STMTSTATUS_VM_STEP, 1);
    sum.scanned += sqlite3_stmt_status(one, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    sum.sorted += sqlite3_stmt_status(one, SQLITE_STMTSTATUS_SORT, 1);
  }
  return sum;
}

// All of one provider, ten to a device, every open state, all overdue: the worst of each call.
void fill(const std::filesystem::path& path, int count) {
  Database db =
      Database::open(
          {.path = path, .application_id = kOrderApplicationId, .migrations = kOrderMigrations})
          .value();
  const std::string p = "X'01000000000000000000000000000000'";
  const std::string rows =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(count) + ") ";
  const std::string state =
      "CASE i % 4 WHEN 0 THEN 'ordered' WHEN 1 THEN 'enrolled' WHEN 2 THEN 'sealed' "
      "ELSE 'handed_over' END";
  const std::string script =
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;"
      "PRAGMA cache_size=-600000; BEGIN;"
      "INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at, "
      "campaign, grp, held, attributes) " +
      rows + "SELECT " + p + ", 'o' || i, 'd' || (i / 10), i, " + state +
      ", 1, 0, 'c' || (i % 8 < 6), i % 3, (i / 4) % 2, '{}' FROM n;"
      "INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at) " +
      rows + "SELECT " + p +
      ", 'bare' || i, 'd' || i, i, 'ordered', 0, 0 FROM n WHERE i % 10 = 0;"
      "INSERT INTO attempts(provider, order_id, number, device, not_after, kind, state, opening, "
      "change) " +
      rows + "SELECT " + p + ", 'o' || i, 1, 'd' || (i / 10), i, 'enrol', " + state +
      ", X'E0', i FROM n;"
      "INSERT INTO receipts " +
      rows + "SELECT " + p +
      ", 'o' || i, 1, 1, X'E3' FROM n WHERE i % 4 = 2;"
      "INSERT INTO campaigns(provider, id, terms, created_at, state, reason, changed_at, released, "
      "credit, credit_at, settled_at, due) " +
      rows + "SELECT " + p +
      ", 'c' || i, '{}', 0, CASE i % 3 WHEN 0 THEN 'expired' ELSE 'running' END, '', 0, 0, 0, 0, "
      "0, "
      "i FROM n WHERE i < " +
      std::to_string(count / 100) +
      ";"
      "INSERT INTO order_history " +
      rows + "SELECT " + p +
      ", 'o' || i, 1, 0, 'order', 0, 'ordered', 'ordered', 0 FROM n;"
      "INSERT INTO audit_entries(entry) " +
      rows +
      "SELECT X'4B424131' FROM n;"
      "UPDATE audit_log SET size = (SELECT max(place) FROM audit_entries) - 200;"
      "INSERT INTO audit_tiles " +
      rows +
      "SELECT 0, i, zeroblob(32) FROM n WHERE i % 100 = 0;"
      "INSERT INTO tenants " +
      rows +
      "SELECT CAST(printf('%016d', i) AS BLOB), 5, 60, 5, 0, 0 FROM n WHERE i % 10 = 0;"
      "INSERT INTO answers " +
      rows +
      "SELECT 'p' || (i % 10), 'k' || i, zeroblob(32), 200, '{}', i, i / 10 FROM n;"
      "UPDATE counters SET value = " +
      std::to_string(count) + "; COMMIT;";
  ASSERT_TRUE(db.run(script.c_str()).has_value());
}

// promises, speed: no query whose cost grows with the backlog
TEST(OrderPlanTest, NoCallTakesMoreStepsOverAMillionOrdersThanOverTenThousand) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's own way
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(remember));
  const TestFolder folder;
  std::map<std::string, int> few;
  for (const int count : {10'000, 1'000'000}) {
    const auto path = folder / std::to_string(count).c_str();
    fill(path, count);
    const auto store = open_order_store({.path = path}).value();
    auto t = store->begin().value();
    const OrderKey middle = key("o" + std::to_string(count / 2 + 2));
    const DeviceId device = DeviceId::from("d7").value();
    const AttemptRow row = t->find_attempt(middle, 1).value().value();
    const OrderRow order = t->find_order(middle).value().value();
    const std::vector<delivery::AuditTileName> tile_names = {
        {.level = 0, .number = 100}, {.level = 0, .number = static_cast<std::uint64_t>(count)}};
    const delivery::CampaignKey campaign{.provider = kProvider,
                                         .id = delivery::CampaignId::from("c1").value()};
    const delivery::AuditTile tile{.name = tile_names[0], .hashes = Bytes(64)};
    const Spid tenant = Spid::from(ascii("0000000000001000")).value();
    const delivery::AnswerRow kept{.name = {.owner = "p0", .key = "k5000"}};
    cost();
    const std::map<std::string, std::function<bool()>> calls = {
        {"find_order", [&] { return t->find_order(middle).value().has_value(); }},
        {"update_order", [&] { return t->update_order(order).has_value(); }},
        {"find_attempt", [&] { return t->find_attempt(middle, 1).value().has_value(); }},
        {"attempts_of", [&] { return t->attempts_of(middle).value().size() == 1; }},
        {"update_attempt", [&] { return t->update_attempt(row).has_value(); }},
        {"receipts_of", [&] { return t->receipts_of(middle, 1).value().size() == 1; }},
        {"take_receipt", [&] { return t->insert_receipt(middle, 1, 2, Bytes{0xE3}).has_value(); }},
        {"next_work", [&] { return t->next_work(device, 0).value().has_value(); }},
        {"list", [&] { return t->list(kProvider, {}, 17, 100).value().size() == 100; }},
        {"list_state",
         [&] { return t->list(kProvider, State::kSealed, 17, 100).value().size() == 100; }},
        {"overdue_attempts",
         [&] { return t->overdue_attempts(count + 1, 200).value().size() == 200; }},
        {"overdue_orders", [&] { return t->overdue_orders(count + 1, 200).value().size() == 200; }},
        {"order_counts", [&] { return t->order_counts(kProvider).value().size() == 4; }},
        {"find_tenant", [&] { return t->tenants().find_tenant(tenant, 1).value().has_value(); }},
        {"spend", [&] { return t->tenants().spend(tenant, true, 1).has_value(); }},
        {"find_answer",
         [&] { return t->answers().find_answer(kept.name, 5'000).value().has_value(); }},
        {"count_answers", [&] { return t->answers().count_answers("p0").value() > 900; }},
        {"put_answer", [&] { return t->answers().put_answer(kept, 5'000).has_value(); }},
        {"forget_answers",
         [&] { return t->answers().forget_answers(count + 90'000, 100).value() == 100; }},
        {"find_campaign",
         [&] { return t->campaigns().find_campaign(campaign).value().has_value(); }},
        {"list_campaigns",
         [&] { return t->campaigns().list_campaigns(kProvider, "c1", 20).value().size() == 20; }},
        {"take_due", [&] { return t->campaigns().take_due(INT64_MIN, count).value().has_value(); }},
        {"take_due_far",
         [&] { return t->campaigns().take_due(count / 200, INT64_MAX).value().has_value(); }},
        {"open_campaigns",
         [&] { return t->campaigns().open_campaigns(kProvider, 20).value() == 20; }},
        {"phase_counts", [&] { return !t->campaigns().phase_counts(campaign).value().empty(); }},
        {"orders_to_release",
         [&] { return t->campaigns().orders_to_release(campaign, 9, 100).value().size() == 100; }},
        {"orders_to_cancel",
         [&] { return t->campaigns().orders_to_cancel(campaign, 100).value().size() == 100; }},
        {"append_history",
         [&] { return t->campaigns().append_history(middle, {.event = "x"}).has_value(); }},
        {"history_of", [&] { return !t->campaigns().history_of(middle, 0, 100).value().empty(); }},
        {"append_entry", [&] { return t->audit().append(Bytes{1}).has_value(); }},
        {"entries_without_place",
         [&] { return t->audit().without_place(100).value().size() == 100; }},
        {"take_head", [&] { return t->audit().take_head().value().has_value(); }},
        {"tiles", [&] { return t->audit().tiles(tile_names).value().size() == 2; }},
        {"extend", [&] { return t->audit().extend({}, std::span(&tile, 1)).has_value(); }},
        {"find_invitation", [&] { return !t->find_invitation(Bytes(32, 1)).value().has_value(); }},
    };
    for (const auto& [name, call] : calls) {
      EXPECT_TRUE(call()) << name;
      const Cost now = cost();
      EXPECT_EQ(now.scanned, 0) << name;
      EXPECT_EQ(now.sorted, 0) << name;
      if (count == 10'000) {
        few[name] = now.steps;
      } else {
        EXPECT_LE(now.steps, few[name] + 20) << name;
      }
    }
    t.reset();
    const auto snapshot = store->snapshot().value();
    cost();
    const delivery::StoreFigures figures = snapshot->figures().value();
    EXPECT_GT(figures.in(State::kOrdered), static_cast<std::uint64_t>(count / 4));
    EXPECT_EQ(figures.oldest.size(), 4U);
    EXPECT_GT(figures.without_place, 0U);
    const Cost now = cost();  // it looks at all counts, of which there are a few for each provider
    EXPECT_EQ(now.sorted, 0);
    if (count == 10'000) {
      few["figures"] = now.steps;
    } else {
      EXPECT_LE(now.steps, few["figures"] + 20);
    }
  }
}

}  // namespace
}  // namespace kagibin::store
