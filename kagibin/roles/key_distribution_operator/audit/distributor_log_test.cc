// SPDX-License-Identifier: Apache-2.0
// The audit log of a distributor at work: what it records, that proofs hold across restarts, and
// that whatever is changed behind its back is found.
#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"
#include "kagibin/store/database.h"
#include "kagibin/store/orders/order_schema.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::Verdict;
using delivery::VerdictMessage;
using envelope::ActionResult;

struct DistributorLogTest : DistributorTest {
  // Two deliveries: one judged, one tried again and withdrawn.
  void deliver() {
    hand_over(id("first"), 1);
    const Bytes receipt = a_receipt(1, ActionResult::kInstalled);
    ASSERT_TRUE(agent().put_receipt(ours(id("first")), 1, {receipt}).has_value());
    ASSERT_TRUE(a().put_verdict(id("first"), 1, {Verdict::kConfirmed, "鍵", 1}).has_value());
    ASSERT_TRUE(a().put_order(id("second"), {device("phone"), kNow + 600}).has_value());
    ASSERT_TRUE(
        a().put_attempt(id("second"), 1, key_distribution_operator::request(a_request(kSpid, 7)))
            .has_value());
    ASSERT_TRUE(agent().work("", 0).value().has_value());
    ASSERT_TRUE(agent().put_enrolment(ours(id("second")), 1, {an_answer(9, 7)}).has_value());
    ASSERT_TRUE(a().put_delivery(id("second"), 1, {an_envelope(kSpid, 9)}).has_value());
    ASSERT_TRUE(
        a().put_attempt(id("second"), 2, key_distribution_operator::request(a_request(kSpid, 8)))
            .has_value());
    ASSERT_TRUE(a().withdraw(id("second"), 2, {"not yet"}).has_value());
  }
  std::string checkpoint() { return store->snapshot().value()->audit_head().value().checkpoint; }
};

// promises, I6: consistency proofs hold across restarts
TEST_F(DistributorLogTest, EveryChangeIsAnEntryAndTheStoreAgreesAcrossRestarts) {
  static_cast<void>(distributor->tick());
  const std::string begun = checkpoint();
  EXPECT_EQ(open_checkpoint(begun, log_keeper.verifier())->size, 1U) << "its beginning";
  deliver();
  LogReport report = audit();
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
  EXPECT_EQ(report.without_place, 12U);
  static_cast<void>(distributor->tick());
  const std::string middle = checkpoint();
  report = audit({.from = begun, .order = ours(id("second"))});
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
  EXPECT_EQ(report.head.size, 13U);
  EXPECT_EQ(report.without_place, 0U);
  EXPECT_EQ(report.orders, 2U);
  std::vector<std::string> events;
  for (const ProvedEntry& entry : report.entries) {
    const auto change = std::get<OrderChange>(decode_audit_entry(ascii(entry.line)).value());
    events.emplace_back(name(change.event));
  }
  EXPECT_EQ(events, (std::vector<std::string>{"order", "attempt", "enrolment", "delivery",
                                              "supersede", "attempt", "withdraw"}));
  ASSERT_TRUE(a().put_order(id("third"), {device("phone"), kNow + 600}).has_value());
  reopen();
  clock.set_now(kNow + 601);
  static_cast<void>(distributor->tick());  // what waits expires, and is an entry of the same tick
  reopen();
  static_cast<void>(distributor->tick());
  report = audit({.from = middle});
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
  EXPECT_EQ(report.head.size, 15U) << "the order, and that it expired";
  EXPECT_EQ(report.without_place, 0U);
}

TEST_F(DistributorLogTest, AnAnswerThatIsRepeatedIsNoEntryAndNeitherIsARefusal) {
  hand_over(id("first"), 1);
  const std::uint64_t before = audit().without_place;
  ASSERT_TRUE(a().put_order(id("first"), {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(a().put_attempt(id("first"), 1,
                              delivery::AttemptRequest{delivery::AttemptRequest::Kind::kDeliver,
                                                       an_envelope(kSpid, 1)})
                  .has_value());
  ASSERT_TRUE(agent().work("", 0).value().has_value());
  EXPECT_FALSE(a().put_order(id("first"), {device("phone"), kNow + 601}).has_value());
  EXPECT_FALSE(a().put_verdict(id("first"), 1, {Verdict::kConfirmed, "", 1}).has_value());
  EXPECT_EQ(audit().without_place, before);
}

// One request of a batch fails: its entry goes, those of the others stay.
TEST_F(DistributorLogTest, ABatchKeepsTheEntriesOfThoseThatDidNotFail) {
  static_cast<void>(distributor->tick());
  std::vector<HttpRequest> requests;
  for (const char* name : {"a", "b", "c"}) {
    requests.push_back({.method = HttpMethod::kPut,
                        .target = std::string("/v1/orders/") + name,
                        .body = std::string(R"({"device":"phone","notAfter":)") +
                                std::to_string(*name == 'b' ? kNow - 1 : kNow + 600) + "}",
                        .subject = provider_http.subject});
  }
  const auto answers = distributor->handle_batch(requests);
  EXPECT_EQ(answers[0].status, 201);
  EXPECT_NE(answers[1].status, 201);
  EXPECT_EQ(answers[2].status, 201);
  const LogReport report = audit();
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.without_place, 2U) << "a and c";
}

// promises: an audit log that can be deleted unnoticed
TEST_F(DistributorLogTest, WhateverIsChangedBehindTheLogIsFound) {
  deliver();
  static_cast<void>(distributor->tick());
  ASSERT_TRUE(audit().findings.empty());
  for (
      const char* script : {
          "UPDATE orders SET state = 'refused' WHERE id = 'first'",
          "UPDATE orders SET device = 'thief' WHERE id = 'first'",
          "UPDATE orders SET not_after = not_after + 1 WHERE id = 'first'",
          "UPDATE orders SET current_attempt = 1 WHERE id = 'second'",
          "UPDATE orders SET created_at = created_at - 1 WHERE id = 'first'",
          "UPDATE attempts SET device = 'thief' WHERE order_id = 'first'",
          "UPDATE attempts SET kind = 'cancel' WHERE order_id = 'first'",
          "UPDATE attempts SET kind = 'enrol' WHERE order_id = 'first'",
          "UPDATE attempts SET receipts = 0 WHERE order_id = 'first'",
          "UPDATE attempts SET envelope = X'E2' WHERE order_id = 'second' AND number = 2",
          "UPDATE attempts SET answer = X'E4' WHERE order_id = 'second' AND number = 2",
          "UPDATE attempts SET withdrawal = 'other' WHERE order_id = 'first'",
          R"(UPDATE attempts SET verdict = 'refused', reason = '', judged = 0
              WHERE order_id = 'second' AND number = 1)",
          "UPDATE attempts SET state = 'sealed' WHERE order_id = 'second' AND number = 1",
          "UPDATE attempts SET opening = X'E0' WHERE order_id = 'second' AND number = 2",
          "UPDATE attempts SET answer = NULL WHERE order_id = 'second' AND number = 1",
          "UPDATE attempts SET envelope = X'E2' WHERE order_id = 'second' AND number = 1",
          "UPDATE attempts SET reason = 'other' WHERE order_id = 'first'",
          "UPDATE attempts SET withdrawal = '' WHERE order_id = 'second' AND number = 2",
          "UPDATE receipts SET receipt = X'E3'",
          "DELETE FROM receipts",
          "INSERT INTO receipts SELECT provider, order_id, number, 2, receipt FROM receipts",
          "DELETE FROM attempts WHERE order_id = 'second' AND number = 2",
          "PRAGMA foreign_keys=OFF; DELETE FROM orders WHERE id = 'second'",
          R"(INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at)
              SELECT provider, 'third', device, not_after, state, 0, created_at
              FROM orders WHERE id = 'second')",
          R"(UPDATE audit_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'confirmed',
              'refused') AS BLOB) WHERE place = 5)",
          "UPDATE audit_entries SET entry = X'00' WHERE place = 3",
          "DELETE FROM audit_entries WHERE place = 12",
          "DELETE FROM audit_entries WHERE place = 4",
          R"(UPDATE audit_entries SET place = 100 WHERE place = 3;
              UPDATE audit_entries SET place = 3 WHERE place = 4;
              UPDATE audit_entries SET place = 4 WHERE place = 100)",
          "UPDATE audit_tiles SET hashes = zeroblob(length(hashes))",
          "UPDATE audit_tiles SET hashes = substr(hashes, 1, 32)",
          "DELETE FROM audit_tiles",
          "UPDATE order_counts SET count = count + 1",
          "DELETE FROM order_counts WHERE state = 'confirmed'",
          "INSERT INTO order_counts VALUES (zeroblob(16), 'sealed', 3)",
          "INSERT INTO audit_entries(entry) SELECT entry FROM audit_entries WHERE place = 2",
          "INSERT INTO audit_entries(entry) VALUES (X'41')",
      }) {
    EXPECT_FALSE(found_after(script).empty()) << script;
  }
  EXPECT_TRUE(audit().findings.empty());
}

// promises: an audit log that can be deleted unnoticed
TEST_F(DistributorLogTest, AHeadThatIsGoneIsFoundAndAnUnsignedLogIsNoProof) {
  const auto verified = [this](bool compare) {
    const auto snapshot = store->snapshot().value();
    StoreLog log(*snapshot);
    return LogAudit(log, log_keeper.verifier()).run({.store = compare ? snapshot.get() : nullptr});
  };
  EXPECT_EQ(verified(true).error().code, Errc::kState) << "its beginning waits, and nothing else";
  EXPECT_EQ(verified(false).error().code, Errc::kState);
  deliver();
  EXPECT_FALSE(verified(true)->findings.empty()) << "nobody signs";
  static_cast<void>(distributor->tick());
  ASSERT_TRUE(verified(true)->findings.empty());
  for (const char* script : {
           "UPDATE audit_log SET size = 0, checkpoint = '', verifier = ''",
           "UPDATE audit_log SET checkpoint = '', verifier = ''",
           "UPDATE audit_log SET checkpoint = ''",
           "UPDATE audit_log SET size = size - 1",
           "UPDATE audit_log SET size = size + 1",
           "UPDATE audit_log SET verifier = ''",
           "UPDATE audit_log SET verifier = verifier || '='",
       }) {
    EXPECT_FALSE(found_after(script).empty()) << script;
  }
}

TEST_F(DistributorLogTest, AForgedOrForeignCheckpointIsRefused) {
  deliver();
  static_cast<void>(distributor->tick());
  for (const char* script :
       {"UPDATE audit_log SET checkpoint = replace(checkpoint, char(10) || '13' || char(10), "
        "char(10) || '12' || char(10))",
        "UPDATE audit_log SET checkpoint = substr(checkpoint, 1, 40)"}) {
    behind_its_back(script);
    const auto snapshot = store->snapshot().value();
    StoreLog log(*snapshot);
    EXPECT_FALSE(LogAudit(log, log_keeper.verifier()).run({}).has_value()) << script;
  }
}

// A log that was tampered with is not signed: it stands still, and service goes on.
TEST_F(DistributorLogTest, NothingIsSignedThatDoesNotContinueWhatWasSigned) {
  deliver();
  static_cast<void>(distributor->tick());
  const std::string before = checkpoint();
  behind_its_back("UPDATE audit_tiles SET hashes = zeroblob(length(hashes))");
  ASSERT_TRUE(a().put_order(id("third"), {device("phone"), kNow + 600}).has_value());
  static_cast<void>(distributor->tick());
  EXPECT_EQ(checkpoint(), before);
  {
    const auto t = store->begin().value();
    EXPECT_EQ(log_keeper.extend(*t).error().code, Errc::kAuthentication);
  }
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders/third", provider_http.subject).status, 200);
  EXPECT_EQ(audit().without_place, 1U);
}

// Whoever empties the head does not get a second log signed, not by one who has forgotten the
// first.
TEST_F(DistributorLogTest, AnEmptiedHeadIsNotBegunAgain) {
  deliver();
  static_cast<void>(distributor->tick());
  behind_its_back("UPDATE audit_log SET size = 0, checkpoint = '', verifier = ''");
  LogKeeper forgetful(log_key);
  {
    const auto t = store->begin().value();
    EXPECT_EQ(forgetful.extend(*t).error().code, Errc::kAuthentication);
    EXPECT_EQ(forgetful.check(*t).error().code, Errc::kAuthentication);
  }
  EXPECT_EQ(checkpoint(), "");
}

TEST_F(DistributorLogTest, ALogThatStandsStillIsToldOnceAndSoIsThatItGoesOn) {
  struct Told final : DistributorObserver {
    void log_stands(const Error* why) override {
      causes.push_back(why != nullptr ? std::optional(why->code) : std::nullopt);
    }
    void log_extended(std::size_t entries) override { extended += entries; }
    std::vector<std::optional<Errc>> causes;
    std::size_t extended = 0;
  } observer;
  const std::vector<std::optional<Errc>>& told = observer.causes;
  distributor.emplace(Distributor::Parts{.store = *store,
                                         .ca = ca,
                                         .clock = clock,
                                         .rng = rng,
                                         .log = &log_keeper,
                                         .observer = &observer});
  const auto tick_twice = [this] {
    static_cast<void>(distributor->tick());
    static_cast<void>(distributor->tick());
  };
  tick_twice();
  EXPECT_TRUE(told.empty());
  behind_its_back(
      "CREATE TABLE kept AS SELECT * FROM audit_tiles;"
      "UPDATE audit_tiles SET hashes = zeroblob(length(hashes))");
  ASSERT_TRUE(a().put_order(id("first"), {device("phone"), kNow + 600}).has_value());
  tick_twice();
  EXPECT_EQ(told, (std::vector<std::optional<Errc>>{Errc::kAuthentication}));
  behind_its_back(
      "DELETE FROM audit_tiles; INSERT INTO audit_tiles SELECT * FROM kept; DROP TABLE kept");
  tick_twice();
  EXPECT_EQ(told, (std::vector<std::optional<Errc>>{Errc::kAuthentication, std::nullopt}));
  EXPECT_EQ(audit().without_place, 0U);
  {
    const auto open = store->begin().value();  // another cause than before
    tick_twice();
  }
  tick_twice();
  EXPECT_EQ(told, (std::vector<std::optional<Errc>>{Errc::kAuthentication, std::nullopt,
                                                    Errc::kState, std::nullopt}));
  EXPECT_EQ(observer.extended, 2U) << "the log's beginning, and the order";
  distributor.reset();
}

// What is kept is what was committed, and a log that continues it goes on.
TEST_F(DistributorLogTest, TheLastCheckpointIsKeptBehindItsCommit) {
  std::string kept;
  int times = 0;
  for (const char* name : {"a", "b", "c"}) {
    LogKeeper keeper(log_key, kept, [&](std::string_view note) {
      kept = note;
      ++times;
    });
    const int before = times;
    distributor.emplace(
        Distributor::Parts{.store = *store, .ca = ca, .clock = clock, .rng = rng, .log = &keeper});
    hand_over(id(name), static_cast<std::uint8_t>(*name));
    {
      const auto t = store->begin().value();
      EXPECT_GT(keeper.extend(*t).value(), 0U);
      EXPECT_EQ(times, before) << "it was not committed";
    }
    static_cast<void>(distributor->tick());
    EXPECT_EQ(kept, checkpoint());
  }
  EXPECT_EQ(open_checkpoint(kept, log_keeper.verifier())->size, 8U);
  distributor.reset();
}

TEST_F(DistributorLogTest, AnotherKeyLeavesTheEntriesToTheLogsOwn) {
  static_cast<void>(distributor->tick());
  deliver();
  const auto other = crypto::Ed25519PrivateKey::generate(log_rng).value();
  {
    const auto t = store->begin().value();
    EXPECT_EQ(LogKeeper(other).extend(*t).value(), 0U);
  }
  distributor.emplace(Distributor::Parts{.store = *store, .ca = ca, .clock = clock, .rng = rng});
  static_cast<void>(distributor->tick());
  EXPECT_EQ(audit().without_place, 12U) << "without a key";
  reopen();
  static_cast<void>(distributor->tick());
  EXPECT_EQ(audit().without_place, 0U);
}

// promises, I6: a restored backup is an earlier state, and says so
TEST_F(DistributorLogTest, ARestoredBackupIsBehindAndAForkIsSeen) {
  hand_over(id("first"), 1);
  static_cast<void>(distributor->tick());
  distributor.reset();
  store.reset();
  std::filesystem::copy_file(folder / "orders", folder / "backup");
  reopen();
  hand_over(id("second"), 2);
  static_cast<void>(distributor->tick());
  const std::string lost = checkpoint();
  distributor.reset();
  store.reset();
  std::filesystem::copy_file(folder / "backup", folder / "orders",
                             std::filesystem::copy_options::overwrite_existing);
  reopen();
  {
    const auto t = store->begin().value();
    EXPECT_EQ(log_keeper.check(*t).error().code, Errc::kConflict) << "though nothing waits";
    EXPECT_TRUE(LogKeeper(log_key).check(*t).has_value());
  }
  LogReport report = audit({.from = lost});
  ASSERT_EQ(report.findings.count(), 1U);
  EXPECT_NE(report.findings.sentences()[0].find("restored"), std::string::npos);
  hand_over(id("third"), 3);
  hand_over(id("fourth"), 4);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(audit().without_place, 4U) << "nothing is signed beside what was signed";
  {
    const auto t = store->begin().value();
    EXPECT_EQ(log_keeper.extend(*t).error().code, Errc::kConflict);
  }
  // Somebody moved the last checkpoint away, and there is more now than there was.
  LogKeeper forking(log_key);
  distributor.emplace(
      Distributor::Parts{.store = *store, .ca = ca, .clock = clock, .rng = rng, .log = &forking});
  static_cast<void>(distributor->tick());
  {
    ASSERT_TRUE(a().put_order(id("fifth"), {device("phone"), kNow + 600}).has_value());
    const auto t = store->begin().value();
    EXPECT_EQ(LogKeeper(log_key, lost).extend(*t).error().code, Errc::kConflict);
  }
  report = audit({.from = lost});
  ASSERT_EQ(report.findings.count(), 1U);
  EXPECT_NE(report.findings.sentences()[0].find("does not continue"), std::string::npos);
}

// promises: an audit log that stops the service; disk full
TEST_F(DistributorLogTest, AFullDiskLosesNoEntryAndKeepsReading) {
  int taken = 0;
  distributor.reset();
  store.reset();
  reopen(80);
  static_cast<void>(distributor->tick());
  for (int status = 201; status == 201 && taken < 2'000; ++taken) {
    status = send(HttpMethod::kPut, "/v1/orders/o" + std::to_string(taken), provider_http.subject,
                  R"({"device":"phone","notAfter":1900000000})")
                 .status;
    if (status != 201) {
      EXPECT_EQ(status, 507);
      break;
    }
  }
  ASSERT_LT(taken, 2'000);
  ASSERT_GT(taken, 10);
  static_cast<void>(distributor->tick());  // may find no room either
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders/o0", provider_http.subject).status, 200);
  LogReport report = audit();
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
  EXPECT_EQ(report.head.size + report.without_place, static_cast<std::uint64_t>(taken) + 1);
  reopen();  // the disk has room again
  static_cast<void>(distributor->tick());
  report = audit();
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
  EXPECT_EQ(report.head.size, static_cast<std::uint64_t>(taken) + 1);
}

struct ExportTest : DistributorLogTest {
  std::filesystem::path out = folder / "export";
  Result<Exported> export_it() {
    const auto snapshot = store->snapshot().value();
    StoreLog log(*snapshot);
    return export_log(log, out);
  }
  Result<LogReport> audit_folder(const AuditQuestion& question = {}) {
    FolderLog log(out);
    return LogAudit(log, log_keeper.verifier()).run(question);
  }
  void put_orders(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      ASSERT_TRUE(
          a().put_order(id("o" + std::to_string(i)), {device("phone"), kNow + 600}).has_value());
    }
    static_cast<void>(distributor->tick());
  }
};

TEST_F(ExportTest, AFolderIsTheLogOfTlogTilesAndGrows) {
  EXPECT_EQ(export_it().error().code, Errc::kState) << "nothing was signed yet";
  put_orders(0, 300);
  EXPECT_EQ(export_it()->entries, 301U);
  for (const char* file : {"checkpoint", "log.vkey", "tile/0/000", "tile/0/001.p/45",
                           "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/45"}) {
    EXPECT_TRUE(std::filesystem::exists(out / file)) << file;
  }
  EXPECT_TRUE(audit_folder()->findings.empty());
  const std::string earlier = FolderLog(out).checkpoint().value();
  put_orders(300, 300);
  EXPECT_EQ(export_it()->files, 7U) << "what is full is not written again";
  const auto report = audit_folder({.from = earlier, .order = ours(id("o599"))}).value();
  EXPECT_TRUE(report.findings.empty());
  ASSERT_EQ(report.entries.size(), 1U);
  EXPECT_EQ(report.entries[0].place, 600U);
  EXPECT_GE(report.entries[0].proof.size(), 4U);
}

TEST_F(ExportTest, EveryFileOfAFolderThatIsChangedOrGoneIsFound) {
  put_orders(0, 600);
  ASSERT_TRUE(export_it().has_value());
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::recursive_directory_iterator(out)) {
    if (one.is_regular_file() && one.path().filename() != "log.vkey") {
      files.push_back(one.path());
    }
  }
  EXPECT_EQ(files.size(), 8U);
  const auto wrong = [&] {
    const auto report = audit_folder();
    return !report || !report->findings.empty();
  };
  for (const auto& file : files) {
    const SecretBytes content = crypto::read_file(file).value();
    for (const std::size_t at : {std::size_t{3}, content.size() / 2, content.size() - 2}) {
      Bytes bad(content.expose().begin(), content.expose().end());
      bad[at] ^= 1U;
      ASSERT_TRUE(crypto::write_file(file, bad, false).has_value());
      EXPECT_TRUE(wrong()) << file << " " << at;
      bad.resize(at);
      ASSERT_TRUE(crypto::write_file(file, bad, false).has_value());
      EXPECT_TRUE(wrong()) << file << " cut at " << at;
    }
    std::filesystem::remove(file);
    EXPECT_TRUE(wrong()) << file << " is gone";
    ASSERT_TRUE(crypto::write_file(file, content.expose(), false).has_value());
  }
  EXPECT_FALSE(wrong());
}

TEST_F(ExportTest, AnExportIsNotContinuedByALogThatWentBack) {
  put_orders(0, 5);
  distributor.reset();
  store.reset();
  std::filesystem::copy_file(folder / "orders", folder / "backup");
  reopen();
  put_orders(5, 5);
  ASSERT_TRUE(export_it().has_value());
  distributor.reset();
  store.reset();
  std::filesystem::copy_file(folder / "backup", folder / "orders",
                             std::filesystem::copy_options::overwrite_existing);
  reopen();
  EXPECT_EQ(export_it().error().code, Errc::kConflict);
  put_orders(20, 9);
  EXPECT_EQ(export_it().error().code, Errc::kConflict);
  EXPECT_TRUE(audit_folder()->findings.empty()) << "the folder is as it was";
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
