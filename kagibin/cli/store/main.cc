// SPDX-License-Identifier: Apache-2.0
// kagibin store: moves a distributor's orders from its SQLite file to PostgreSQL, backs stores up,
// restores and verifies them.
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/store/order_move.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/cli/store/whole_store.h"

namespace {

using namespace kagibin;

struct Options {
  std::filesystem::path file;
  std::string store;
  std::string to;
};

int migrate(cli::Console console, const Options& options) {
  const auto moved =
      cli::move_orders(options.file, options.to, store::OrderMigration::Source::kMoved);
  if (!moved) {
    const cli::OrderStorePlace from({}, options.file);
    const cli::OrderStorePlace to(options.to, {});
    const std::string_view detail = moved.error().detail.text();
    const std::string advice = to.advice(detail);
    return console.failed(moved.error(), "no order was moved",
                          advice.empty() ? from.advice(detail) : advice);
  }
  for (const auto& [table, digest] : moved->rows) {
    console.result({{"table", table}, {"rows", digest.rows}, {"sha256", digest.sha256}},
                   "{:<15} {:>9} rows, the same in both: SHA-256 {}", table, digest.rows,
                   digest.sha256);
  }
  console.result({{"moved", true}, {"before", moved->before}},
                 "{}. Serve with --store; no distributor takes {} again.",
                 moved->before ? "An earlier run moved everything" : "Everything was moved",
                 options.file.string());
  return cli::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("store", "Looks after the stores of key distribution operators.");
  Options options;
  constexpr const char* kStore =
      "the file orders.sqlite3 in a distributor's --home, a backup, or "
      "postgresql://USER@HOST/DATABASE";

  auto* migration = program.app().add_subcommand(
      "migrate",
      "move a distributor's orders from its SQLite file to an empty PostgreSQL database");
  migration
      ->add_option("file", options.file, "the file: orders.sqlite3 in the distributor's --home")
      ->required();
  migration
      ->add_option("--to", options.to,
                   "postgresql://USER@HOST/DATABASE, or postgresql:///?service=NAME; its password "
                   "stands in ~/.pgpass or in the service file")
      ->required();
  migration->callback([&] { program.finish(migrate(program.console(), options)); });

  auto* backup = program.app().add_subcommand(
      "backup", "copy one moment of a store into a file, while distributors serve it");
  backup->add_option("store", options.store, kStore)->required();
  backup->add_option("file", options.file, "where to; there must be no such file")->required();
  backup->callback([&] {
    program.finish(cli::WholeStore(program.console()).back_up(options.store, options.file));
  });

  auto* restore =
      program.app().add_subcommand("restore", "make a store of a backup, with nobody serving it");
  restore->add_option("file", options.file, "the backup")->required();
  restore
      ->add_option("--to", options.to,
                   "where to: orders.sqlite3 in a distributor's --home, which must not be there, "
                   "or an empty database, postgresql://USER@HOST/DATABASE")
      ->required();
  restore->callback([&] {
    program.finish(cli::WholeStore(program.console()).restore(options.file, options.to));
  });

  auto* verify = program.app().add_subcommand(
      "verify", "count and digest a store or a backup, and hold its orders against its audit log");
  verify->add_option("store", options.store, kStore)->required();
  verify->callback(
      [&] { program.finish(cli::WholeStore(program.console()).verify(options.store)); });
  return program.run(argc, argv);
}
