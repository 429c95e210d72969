// SPDX-License-Identifier: Apache-2.0
// The raw limit of a store: how often a second it makes one row durable, straight on the library,
// prepared statements, one table with its primary key and nothing else. A row is what any keeper of
// deliveries has to keep: a name, a device and a sealed message.
//
//   RawSqlite raw(folder / "raw");                   // synchronous=FULL, WAL
//   const double rate = raw.rate(64, std::chrono::seconds(1));
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;
struct pg_conn;

namespace kagibin::bench {

inline constexpr std::size_t kRawMessageBytes = 512;

class RawStore {
 public:
  RawStore() = default;
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;
  virtual ~RawStore() = default;

  // Rows a second, `rows` to a commit, over this time.
  double rate(int rows, std::chrono::duration<double> time);

 protected:
  virtual void commit(int rows) = 0;
  std::string next_name() { return "order-" + std::to_string(made_++); }

 private:
  std::uint64_t made_ = 0;
};

class RawSqlite final : public RawStore {
 public:
  explicit RawSqlite(const std::filesystem::path& path);
  ~RawSqlite() override;

 private:
  void commit(int rows) override;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* end_ = nullptr;
};

// One session in pipeline mode: BEGIN, the rows and COMMIT in one round trip.
class RawPostgres final : public RawStore {
 public:
  explicit RawPostgres(const std::string& address);
  ~RawPostgres() override;

 private:
  void commit(int rows) override;
  void add(const char* statement, int count, const char* const* values, const int* lengths);
  pg_conn* connection_ = nullptr;
};

}  // namespace kagibin::bench
