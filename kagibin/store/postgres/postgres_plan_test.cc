// SPDX-License-Identifier: Apache-2.0
// No statement on PostgreSQL costs more when the backlog grows: every one that reads is explained
// and run over 10 thousand orders and over a million, and must touch as many pages.
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/postgres_schema.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::store {
namespace {

constexpr const char* kProviderText = "'\\x01000000000000000000000000000000'";

// All of one provider, ten to a device, every open state, all overdue: the worst of each statement.
void fill(PgConnection& session, int count) {
  const std::string states = "(ARRAY['ordered','enrolled','sealed','handed_over'])[1 + i % 4]";
  const std::string rows = "generate_series(1, " + std::to_string(count) + ") i";
  const auto run = [&](const std::string& sql) {
    ASSERT_TRUE(session.script(sql).has_value()) << sql;
  };
  run("SET statement_timeout = 0; SET session_replication_role = replica");
  run("TRUNCATE orders, attempts, receipts, invitations, order_counts, changes, audit_waiting, "
      "audit_tiles, tenants, answers, campaigns, campaign_counts, order_history");
  for (const char* table :
       {"attempts", "orders", "receipts", "invitations", "audit_waiting", "audit_tiles", "tenants",
        "answers", "campaigns", "campaign_counts", "order_history"}) {
    run("ALTER TABLE " + std::string(table) + " SET UNLOGGED");  // the plans are the same
  }
  run("INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at, "
      "campaign, grp, held, attributes) SELECT " +
      std::string(kProviderText) + ", 'o' || i, 'd' || (i / 10), i, " + states +
      ", 1, 0, 'c' || (i % 8) / 6, i % 3, 1, '{}' FROM " + rows);
  run("INSERT INTO campaigns SELECT " + std::string(kProviderText) +
      ", 'c' || i, '{}', 0, CASE i % 3 WHEN 0 THEN 'expired' ELSE 'running' END, '', 0, 0, 0, 0, "
      "0, "
      "i FROM generate_series(1, " +
      std::to_string(count / 100) + ") i");
  run("INSERT INTO campaign_counts SELECT " + std::string(kProviderText) +
      ", 'c' || i, 0, phase, 1 FROM generate_series(1, " + std::to_string(count / 100) +
      ") i, unnest(ARRAY['held', 'ordered', 'confirmed']) phase");
  run("INSERT INTO order_history SELECT " + std::string(kProviderText) +
      ", 'o' || i, 1, 0, 'order', 0, 'ordered', 'ordered', 0 FROM " + rows);
  run("INSERT INTO orders SELECT " + std::string(kProviderText) +
      ", 'bare' || i, 'd' || i, i, 'ordered', 0, 0 FROM " + rows + " WHERE i % 10 = 0");
  run("INSERT INTO attempts(provider, order_id, number, device, not_after, kind, state, opening, "
      "change) SELECT " +
      std::string(kProviderText) + ", 'o' || i, 1, 'd' || (i / 10), i, 'enrol', " + states +
      ", '\\xE0', i FROM " + rows);
  run("INSERT INTO receipts SELECT " + std::string(kProviderText) +
      ", 'o' || i, 1, 1, '\\xE3' FROM " + rows + " WHERE i % 4 = 3");
  run("INSERT INTO invitations SELECT sha256(i::text::bytea), 'device:x', 1 FROM " + rows +
      " WHERE i % 10 = 5");
  run("INSERT INTO order_counts SELECT sha256((i % 4000)::text::bytea), (ARRAY['ordered', "
      "'enrolled', 'sealed', 'handed_over', 'reported', 'confirmed', 'refused', 'unknown', "
      "'expired', 'cancelled'])[1 + i / 4000], i FROM generate_series(0, 39999) i");
  run("INSERT INTO tenants SELECT substr(sha256(i::text::bytea), 1, 16), 5, 60, 5, 0, 0 FROM " +
      rows + " WHERE i % 10 = 0");
  run("INSERT INTO answers SELECT 'p' || (i % 10), 'k' || i, '\\x00', 200, '{}', i, i / 10 FROM " +
      rows);
  run("INSERT INTO audit_waiting(entry) SELECT '\\x4B424131' FROM " + rows);
  run("INSERT INTO audit_tiles SELECT 0, i, '\\x00' FROM " + rows + " WHERE i % 100 = 0");
  // Before both measurements, or neither: a lock of a row on a page that is all visible looks at
  // the visibility map, too.
  run("VACUUM (ANALYZE)");
}

// Values for the statement's parameters.
std::string arguments_of(std::string_view name, int count) {
  const std::string provider = kProviderText;
  std::string ids;
  std::string providers;
  std::string devices;
  std::string afters;
  for (int i = 0; i < 64; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    ids += comma + "'o" + std::to_string(1 + i * (count / 64)) + "'";
    providers += comma + provider + "::bytea";
    devices += comma + "'d" + std::to_string(i * (count / 640)) + "'";
    afters += comma + "0";
  }
  const std::string keys = "ARRAY[" + providers + "], ARRAY[" + ids + "]";
  const std::map<std::string_view, std::string> all = {
      {"lock_orders", keys + ", ARRAY[" + devices + "], ARRAY[" + afters + "]"},
      {"read_orders", keys},
      {"read_attempts", keys},
      {"read_receipts", keys},
      {"next_work", "'d7', 0"},
      {"list_all", provider + ", 17, 100"},
      {"list_one_state", provider + ", 17, 100, 'sealed'"},
      {"overdue_attempts", std::to_string(count + 1) + ", 200"},
      {"overdue_orders", std::to_string(count + 1) + ", 200"},
      {"order_counts", provider},
      {"find_campaign", provider + ", 'c7'"},
      {"take_campaign", provider + ", 'c7'"},
      {"list_campaigns", provider + ", 'c1', 20"},
      {"take_due_campaign", "-9223372036854775808, " + std::to_string(count)},
      {"open_campaigns", provider + ", 20"},
      {"phase_counts", provider + ", 'c7'"},
      {"orders_to_release", provider + ", 'c0', 9, 100"},
      {"orders_to_cancel", provider + ", 'c0', 100"},
      {"history_of", provider + ", 'o7', 0, 100"},
      {"find_invitation", "sha256('5')"},
      {"read_tenants", "ARRAY[substr(sha256('1000'), 1, 16), substr(sha256('2000'), 1, 16)]"},
      {"lock_tenants", "ARRAY[substr(sha256('1000'), 1, 16), substr(sha256('2000'), 1, 16)]"},
      {"read_answers", "ARRAY['p0', 'p1'], ARRAY['k100', 'k101']"},
      {"count_answers", "ARRAY['p0', 'p1', 'p2']"},
      {"forget_answers", "100"},
      {"forget_future_answers", "100"},
      {"audit_without_place", "100"},
      {"take_audit_head", ""},
      {"oldest_orders", ""},
      {"audit_figures", "10000"},
      {"audit_tiles", "ARRAY[0, 0], ARRAY[100, " + std::to_string(count) + "]"},
  };
  return all.at(name);
}

std::string with_parentheses(const std::string& arguments) {
  return arguments.empty() ? "" : "(" + arguments + ")";
}

struct Plan {
  std::string text{};
  std::int64_t pages = 0;
};

Plan plan_of(PgConnection& session, const sql::NamedStatement& statement, int count) {
  const std::string name(statement.name);
  EXPECT_TRUE(
      session.script("PREPARE " + name + " AS " + std::string(statement.text) + ";").has_value())
      << name;
  // EXPLAIN answers rows, which script() does not keep: through a function.
  EXPECT_TRUE(session
                  .script("CREATE OR REPLACE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE "
                          "plpgsql AS $f$ BEGIN RETURN QUERY EXECUTE $q$EXPLAIN (ANALYZE, BUFFERS, "
                          "TIMING OFF) EXECUTE " +
                          name + with_parentheses(arguments_of(statement.name, count)) +
                          "$q$; END $f$")
                  .has_value());
  Plan plan;
  session.add("SELECT pg_temp.plan()");
  const auto answers = session.run();
  if (!answers) {
    ADD_FAILURE() << name << ": " << answers.error().detail.text();
    return plan;
  }
  for (int i = 0; i < answers->at(0).count(); ++i) {
    const std::string line((*answers)[0].at(i).text(0));
    plan.text += line + "\n";
    if (plan.pages == 0) {  // the first such line is of the whole
      for (const char* word : {" hit=", " read="}) {
        if (const auto at = line.find(word); at != std::string::npos) {
          plan.pages += std::stoll(line.substr(at + std::string_view(word).size()));
        }
      }
    }
  }
  EXPECT_TRUE(session.script("DEALLOCATE " + name).has_value());
  return plan;
}

// promises, speed: no query whose cost grows with the backlog
TEST(PostgresPlanTest, NoStatementTouchesMorePagesOverAMillionOrdersThanOverTenThousand) {
  const auto session = PgConnection::open({.address = TestCluster::shared().address(),
                                           .answer_timeout = std::chrono::minutes(5)})
                           .value();
  TestCluster::shared().empty_database();
  ASSERT_TRUE(bring_up_to_date(*session).has_value());
  std::map<std::string_view, std::int64_t> few;
  for (const int count : {10'000, 1'000'000}) {
    fill(*session, count);
    for (const sql::NamedStatement& statement : sql::kReadingStatements) {
      const Plan plan = plan_of(*session, statement, count);
      EXPECT_EQ(plan.text.find("Seq Scan"), std::string::npos) << plan.text;
      EXPECT_EQ(plan.text.find("Bitmap"), std::string::npos) << plan.text;
      EXPECT_EQ(plan.text.find("Rows Removed by Filter"), std::string::npos) << plan.text;
      EXPECT_GT(plan.pages, 0) << plan.text;
      if (count == 10'000) {
        few[statement.name] = plan.pages;
      } else {
        // An index of a million has a level more than one of ten thousand.
        EXPECT_LE(plan.pages, few[statement.name] * 7 / 4 + 10)
            << statement.name << " " << few[statement.name] << " pages before\n"
            << plan.text;
      }
    }
  }
}

// A plan that was made when the tables were empty, and no statistics: they hold for a million too.
TEST(PostgresPlanTest, PlansDoNotDependOnStatistics) {
  TestCluster::shared().empty_database();
  const auto session = TestCluster::shared().session();
  ASSERT_TRUE(bring_up_to_date(*session).has_value());
  for (const sql::NamedStatement& statement : sql::kReadingStatements) {
    const Plan plan = plan_of(*session, statement, 10'000);
    EXPECT_EQ(plan.text.find("Seq Scan"), std::string::npos) << plan.text;
    EXPECT_EQ(plan.text.find("Bitmap"), std::string::npos) << plan.text;
    EXPECT_NE(plan.text.find("Index"), std::string::npos) << plan.text;
  }
}

}  // namespace
}  // namespace kagibin::store
