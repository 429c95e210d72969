// SPDX-License-Identifier: Apache-2.0
// The raw limit of a store: how often a second it makes something durable, straight on the library
// with prepared statements. That is either one row of a table with its primary key and nothing
// else: a name, a device and a sealed message; or one unit: the rows that an accepted delivery
// leaves in the distributor's own schema (order, attempt, two entries of the audit log, two of the
// order's history).
//
//   RawSqlite raw(folder / "raw", RawKind::kRow);    // synchronous=FULL, WAL
//   const double rate = raw.rate(64, std::chrono::seconds(1));
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;
struct pg_conn;

namespace kagibin::bench {

inline constexpr std::size_t kRawMessageBytes = 512;

enum class RawKind : std::uint8_t { kRow, kUnit };

class RawStore {
 public:
  RawStore() = default;
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;
  virtual ~RawStore() = default;

  // Rows or units a second, `count` to a commit, over this time.
  double rate(int count, std::chrono::duration<double> time);

 protected:
  virtual void commit(int count) = 0;
  std::uint64_t next_number() { return made_++; }
  static std::string name_of(std::uint64_t number) { return "order-" + std::to_string(number); }

 private:
  std::uint64_t made_ = 0;
};

class RawSqlite final : public RawStore {
 public:
  RawSqlite(const std::filesystem::path& path, RawKind kind);
  ~RawSqlite() override;

 private:
  void commit(int count) override;
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> inserts_;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* end_ = nullptr;
};

// A new database beside that of a test server's address.
std::string another_database(const std::string& address, const std::string& name);

// One session in pipeline mode: BEGIN, the rows and COMMIT in one round trip.
class RawPostgres final : public RawStore {
 public:
  RawPostgres(const std::string& address, RawKind kind);
  ~RawPostgres() override;

 private:
  void commit(int count) override;
  void prepare(const char* name, const char* sql, int parameters);
  void add(const char* statement, const std::string& name, const std::string& number);
  pg_conn* connection_ = nullptr;
  std::vector<std::string> inserts_;  // names of statements
};

}  // namespace kagibin::bench
