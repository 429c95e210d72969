// SPDX-License-Identifier: Apache-2.0
// kagibin store: moves a distributor's orders from its SQLite file to PostgreSQL.
#include <map>
#include <memory>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/cli/store/row_digests.h"
#include "kagibin/store/postgres/order_migration.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace {

using namespace kagibin;

struct Options {
  std::filesystem::path file;
  std::string address;
};

struct Moved {
  cli::RowDigests rows;
  bool before = false;  // by an earlier run whose end was not heard
};

// Copies, reads both ends back, and commits only what is the same.
Result<std::unique_ptr<Moved>> move(const Options& options) {
  if (!store::is_postgres_address(options.address)) {
    return std::unexpected(store::bad_address());
  }
  store::OrderMigration migration =
      KB_TRY(store::OrderMigration::open(options.file, options.address));
  auto moved = std::make_unique<Moved>();
  moved->before = KB_TRY(migration.target_is_used());
  if (!moved->before) {
    KB_TRY(migration.copy());
  }
  cli::RowDigests target;
  KB_TRY(migration.read_source(moved->rows));
  KB_TRY(migration.read_target(target));
  if (moved->before) {
    // A distributor of the database may have given the log's last entries their places since.
    moved->rows.forget_log();
    target.forget_log();
  }
  if (moved->rows.tables() != target.tables()) {
    return moved->before ? std::unexpected(store::used_database())
                         : fail(Errc::kStore,
                                "the copy in the database differs from the file; nothing was "
                                "changed");
  }
  KB_TRY(migration.finish());
  return moved;
}

int migrate(cli::Console console, const Options& options) {
  const auto moved = move(options);
  if (!moved) {
    const cli::OrderStorePlace from({}, options.file);
    const cli::OrderStorePlace to(options.address, {});
    const std::string_view detail = moved.error().detail.text();
    const std::string advice = to.advice(detail);
    return console.failed(moved.error(), "no order was moved",
                          advice.empty() ? from.advice(detail) : advice);
  }
  for (const auto& [table, digest] : (*moved)->rows.tables()) {
    console.result({{"table", table}, {"rows", digest.rows}, {"sha256", digest.sha256}},
                   "{:<12} {:>9} rows, the same in both: SHA-256 {}", table, digest.rows,
                   digest.sha256);
  }
  console.result({{"moved", true}, {"before", (*moved)->before}},
                 "{}. Serve with --store; no distributor takes {} again.",
                 (*moved)->before ? "An earlier run moved everything" : "Everything was moved",
                 options.file.string());
  return cli::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("store", "Looks after the stores of key distribution operators.");
  Options options;
  auto* command = program.app().add_subcommand(
      "migrate",
      "move a distributor's orders from its SQLite file to an empty PostgreSQL database");
  command->add_option("file", options.file, "the file: orders.sqlite3 in the distributor's --home")
      ->required();
  command
      ->add_option("--to", options.address,
                   "postgresql://USER@HOST/DATABASE, or postgresql:///?service=NAME; its password "
                   "stands in ~/.pgpass or in the service file")
      ->required();
  command->callback([&] { program.finish(migrate(program.console(), options)); });
  return program.run(argc, argv);
}
