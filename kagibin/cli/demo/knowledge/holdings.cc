// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/holdings.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <signal.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/store/database.h"

namespace kagibin::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kVersionOffset = 60;  // SQLite's file format, 1.3
constexpr std::size_t kApplicationOffset = 68;

Bytes content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The database's first octets: of its first page as the write-ahead log has it last (SQLite's file
// format, 4), or else of the file.
Bytes head_of(const fs::path& file) {
  constexpr std::size_t kLogHeader = 32;
  constexpr std::size_t kFrameHeader = 24;
  constexpr std::size_t kHeadSize = 100;
  Bytes out = content_of(file);
  const Bytes log = content_of(file.string() + "-wal");
  const auto number_at = [&](std::size_t at) {
    return std::size_t{log[at]} << 24U | std::size_t{log[at + 1]} << 16U |
           std::size_t{log[at + 2]} << 8U | std::size_t{log[at + 3]};
  };
  const std::size_t page_size = log.size() < kLogHeader ? 0 : number_at(8);
  for (std::size_t at = kLogHeader;
       page_size >= kHeadSize && at + kFrameHeader + page_size <= log.size();
       at += kFrameHeader + page_size) {
    if (number_at(at) == 1) {
      const ByteView page = ByteView(log).subspan(at + kFrameHeader, kHeadSize);
      out.assign(page.begin(), page.end());
    }
  }
  return out;
}

// Every value of every table, one after the other with a zero octet between.
Result<Bytes> values_of(const fs::path& file) {
  const Bytes head = head_of(file);
  if (head.size() < kApplicationOffset + 4) {
    return fail(Errc::kTruncated, "no SQLite file");
  }
  ByteReader version_field(ByteView(head).subspan(kVersionOffset, 4));
  ByteReader application_field(ByteView(head).subspan(kApplicationOffset, 4));
  const std::uint32_t version = KB_TRY(version_field.u32());
  const std::uint32_t application = KB_TRY(application_field.u32());
  const std::vector<std::string_view> migrations(version, std::string_view(""));
  store::Database database =
      KB_TRY(store::Database::open({.path = file,
                                    .application_id = static_cast<std::int32_t>(application),
                                    .migrations = migrations}));
  std::vector<std::pair<std::string, std::int64_t>> tables;
  {
    store::Query query = KB_TRY(database.query(
        "SELECT m.name, (SELECT count(*) FROM pragma_table_info(m.name)) FROM sqlite_schema m "
        "WHERE m.type = 'table'"));
    while (KB_TRY(query.step())) {
      tables.emplace_back(query.text(0), query.integer(1));
    }
  }
  Bytes out;
  std::deque<std::string> statements;  // which Database knows by their address
  for (const auto& [table, columns] : tables) {
    statements.push_back(fmt::format("SELECT * FROM \"{}\"", table));
    store::Query query = KB_TRY(database.query(statements.back()));
    while (KB_TRY(query.step())) {
      for (std::int64_t column = 0; column < columns; ++column) {
        append(out, query.octets(static_cast<int>(column)));
        out.push_back(0);
      }
    }
  }
  return out;
}

}  // namespace

void Holdings::watch(pid_t process, std::string name) {
  watched_.push_back({process, std::move(name), ProcessMemory(process)});
}

void Holdings::add(std::string where, Bytes octets) {
  octets_ += octets.size();
  pieces_.push_back({std::move(where), std::move(octets)});
}

void Holdings::look() {
  std::error_code error;
  for (const fs::path& folder : folders_) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
      if (entry.is_regular_file(error)) {
        look_at_file(entry.path(), fs::relative(entry.path(), folder.parent_path(), error));
      }
    }
  }
  for (Watched& watched : watched_) {
    if (kill(watched.process, 0) == 0 && !keep(watched.memory, watched.name)) {
      unread_.insert(watched.name);
    }
  }
}

void Holdings::look_at(pid_t process, const std::string& name) {
  ProcessMemory memory(process);
  if (!keep(memory, name)) {
    unread_.insert(name);
  }
}

bool Holdings::keep(ProcessMemory& memory, const std::string& name) {
  auto pieces = memory.look();
  if (!pieces) {
    return false;
  }
  ++memories_;
  for (Bytes& piece : *pieces) {
    add("memory of " + name, std::move(piece));
  }
  return true;
}

void Holdings::look_at_file(const fs::path& path, const std::string& name) {
  Bytes now = content_of(path);
  const auto [known, is_new] = files_.try_emplace(path.string());
  if (!is_new && known->second == now) {
    return;
  }
  // What only grew has its old form in the new one.
  known->second = now;
  add(name, std::move(now));
  const bool is_wal = path.extension() == ".sqlite3-wal";
  if (is_wal || path.extension() == ".sqlite3") {
    fs::path database = path;
    if (is_wal) {
      database.replace_extension(".sqlite3");
    }
    look_at_database(database, name);
  }
}

void Holdings::look_at_database(const fs::path& path, const std::string& name) {
  std::error_code error;
  const fs::path copy = scratch_ / "copy.sqlite3";
  for (const char* suffix : {"", "-wal"}) {
    fs::remove(copy.string() + suffix, error);
    fs::copy_file(path.string() + suffix, copy.string() + suffix, error);
  }
  fs::remove(copy.string() + "-shm", error);
  auto values = values_of(copy);
  if (!values) {
    unread_.insert(name + ", value by value");
    return;
  }
  add(name, std::move(*values));
}

bool Holdings::holds(ByteView octets) const {
  return std::ranges::any_of(pieces_, [&](const Piece& piece) {
    return !std::ranges::search(piece.octets, octets).empty();
  });
}

}  // namespace kagibin::cli::demo
