// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/store/whole_store.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/store/order_move.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/store/order_file.h"
#include "kagibin/store/postgres/order_export.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/pg_failure.h"
#include "kagibin/store/whole_file.h"

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;

namespace {

bool is_address(const std::string& text) { return text.find("://") != std::string::npos; }

OrderStorePlace place_of(const std::string& text) {
  return is_address(text) ? OrderStorePlace(text, {}) : OrderStorePlace({}, text);
}

Result<void> check_address(const std::string& text) {
  return is_address(text) && !store::is_postgres_address(text)
             ? std::unexpected(store::bad_address())
             : Result<void>();
}

Result<RowDigests::Tables> copy_database(const std::string& from,
                                         const std::filesystem::path& part) {
  store::OrderExport out = KB_TRY(store::OrderExport::open(from, part));
  KB_TRY(out.copy());
  RowDigests source;
  RowDigests target;
  KB_TRY(out.read_source(source));
  KB_TRY(out.read_target(target));
  if (source.tables() != target.tables()) {
    return fail(Errc::kStore, "the copy differs from the database; there is no backup");
  }
  KB_TRY(out.finish());
  return target.tables();
}

// Empty digests: the file is of an older version, and was copied as it is.
Result<RowDigests::Tables> copy_of_file(const std::filesystem::path& from,
                                        const std::filesystem::path& part) {
  store::OrderFile file = KB_TRY(store::OrderFile::open(from));
  KB_TRY(file.copy_to(part));
  if (file.version() != store::OrderFile::current_version()) {
    return RowDigests::Tables();
  }
  RowDigests rows;
  KB_TRY(store::read_order_file(part, rows));
  return rows.tables();
}

Result<RowDigests::Tables> copy_to_file(const std::string& from, const std::filesystem::path& to) {
  KB_TRY(check_address(from));
  store::WholeFile file = KB_TRY(store::WholeFile::begin(to));
  RowDigests::Tables tables =
      KB_TRY(is_address(from) ? copy_database(from, file.part()) : copy_of_file(from, file.part()));
  KB_TRY(file.publish());
  return tables;
}

}  // namespace

void WholeStore::tell(const RowDigests::Tables& tables) {
  for (const auto& [table, digest] : tables) {
    console_.result({{"table", table}, {"rows", digest.rows}, {"sha256", digest.sha256}},
                    "{:<15} {:>9} rows, SHA-256 {}", table, digest.rows, digest.sha256);
  }
}

int WholeStore::failed(const Error& error,
                       std::string_view what,
                       const std::string& from,
                       const std::string& to) {
  if (error.code == Errc::kNotFound && !is_address(from)) {
    return console_.failed_file(error, what, from);
  }
  const std::string_view detail = error.detail.text();
  // The one whose failure it is: a database's are not a file's.
  for (const std::string& one : {is_address(from) ? from : to, is_address(from) ? to : from}) {
    if (const std::string advice = place_of(one).advice(detail); !advice.empty()) {
      return console_.failed(error, what, advice);
    }
  }
  return console_.failed(error, what);
}

int WholeStore::back_up(const std::string& from, const std::filesystem::path& to) {
  const auto done = copy_to_file(from, to);
  if (!done) {
    return failed(done.error(), "there is no backup", from, to.string());
  }
  tell(*done);
  console_.result({{"backup", to.string()}, {"compared", !done->empty()}},
                  "{}: a backup of {}. Keep it with the folder's ca.* and log.key.pem; verify it "
                  "with: kagibin store verify {}",
                  to.string(), from, to.string());
  return kExitOk;
}

int WholeStore::restore(const std::filesystem::path& file, const std::string& to) {
  const auto done = [&]() -> Result<RowDigests::Tables> {
    KB_TRY(check_address(to));
    if (!is_address(to)) {
      return copy_to_file(file.string(), to);
    }
    const OrderMove moved = KB_TRY(move_orders(file, to, store::OrderMigration::Source::kKept));
    return moved.rows;
  }();
  if (!done) {
    return failed(done.error(), "nothing was restored", file.string(), to);
  }
  tell(*done);
  console_.result({{"restored", to}, {"compared", !done->empty()}},
                  "{} is what {} holds. A distributor that signed more than that signs nothing "
                  "until its log.checkpoint is moved away.",
                  to, file.string());
  return kExitOk;
}

int WholeStore::verify_log(const std::string& store, std::int64_t version) {
  OrderStorePlace place = place_of(store);
  const auto report = [&]() -> Result<std::optional<kdo::LogReport>> {
    const auto opened = KB_TRY(place.open_to_read());
    const auto snapshot = KB_TRY(opened->snapshot());
    const delivery::AuditHead head = KB_TRY(snapshot->audit_head());
    if (head.verifier.empty()) {
      return std::optional<kdo::LogReport>();
    }
    const kdo::VerifierKey key = KB_TRY(kdo::VerifierKey::parse(head.verifier));
    kdo::StoreLog log(*snapshot);
    kdo::LogReport found = KB_TRY(kdo::LogAudit(log, key).run({.store = snapshot.get()}));
    return std::optional(std::move(found));
  }();
  if (!report) {
    return failed(report.error(), "the audit log was not verified", store, {});
  }
  if (!*report) {
    console_.result({{"store", store}, {"version", version}, {"signed", false}},
                    "{} is whole (version {}). Its audit log was never signed.", store, version);
    return kExitOk;
  }
  const kdo::LogReport& found = **report;
  for (const std::string& sentence : found.findings.sentences()) {
    console_.result({{"finding", sentence}}, "{}", sentence);
  }
  if (!found.findings.empty()) {
    return console_.failed_text(Errc::kAuthentication, "the store is not as its audit log says",
                                fmt::format("{} findings.", found.findings.count()),
                                "Do not serve it; keep it, and find out who changed it");
  }
  console_.result(
      {{"store", store},
       {"version", version},
       {"signed", true},
       {"entries", found.head.size},
       {"withoutPlace", found.without_place}},
      "{} is whole (version {}), and as its {} signed entries say; {} wait for a place. "
      "Whose key signed is asked with: kagibin audit verify --key",
      store, version, found.head.size, found.without_place);
  return kExitOk;
}

int WholeStore::verify(const std::string& store) {
  std::int64_t version = store::OrderFile::current_version();
  const auto read = [&]() -> Result<RowDigests::Tables> {
    KB_TRY(check_address(store));
    RowDigests rows;
    if (is_address(store)) {
      KB_TRY(store::read_order_database(store, rows));
      return rows.tables();
    }
    store::OrderFile file = KB_TRY(store::OrderFile::open(store));
    version = file.version();
    KB_TRY(file.check_whole());
    if (version != store::OrderFile::current_version()) {
      return RowDigests::Tables();
    }
    KB_TRY(store::read_order_file(store, rows));
    return rows.tables();
  }();
  if (!read) {
    return failed(read.error(), "the store was not verified", store, {});
  }
  tell(*read);
  if (version != store::OrderFile::current_version()) {
    console_.result({{"store", store}, {"version", version}, {"compared", false}},
                    "{} is whole, and of an older version ({}): its rows and its log are read once "
                    "a distributor has brought a copy up to date.",
                    store, version);
    return kExitOk;
  }
  return verify_log(store, version);
}

}  // namespace kagibin::cli
