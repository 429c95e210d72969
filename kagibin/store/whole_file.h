// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: it is written under another name beside it (NAME.part),
// made durable, and then given its name, which must be free.
//
// Cut at any moment, a process leaves the whole file or none under the name; what it leaves as
// NAME.part the next one writes over. One at a time for a name (kConflict). The name's own `-wal`
// and `-journal` of an earlier SQLite file must not be there: they would be taken for this one's.
// Failures: kConflict (the name is taken), kNoSpace, kIo.
//
//   WholeFile file = KB_TRY(WholeFile::begin("/backup/orders.sqlite3"));
//   KB_TRY(database.copy_to(file.part()));
//   KB_TRY(file.publish());
#pragma once

#include <filesystem>
#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::store {

class WholeFile {
 public:
  static Result<WholeFile> begin(const std::filesystem::path& name);
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  WholeFile(WholeFile&& other) noexcept
      : name_(std::move(other.name_)), lock_(std::exchange(other.lock_, -1)) {}
  WholeFile& operator=(WholeFile&&) = delete;
  // Takes away what was not published.
  ~WholeFile();

  // Empty, mode 0600, ours alone.
  std::filesystem::path part() const;
  // Durable under its name when this returns.
  Result<void> publish();

 private:
  WholeFile(std::filesystem::path name, int lock) : name_(std::move(name)), lock_(lock) {}
  void remove_part() const;

  std::filesystem::path name_;
  int lock_;  // of the part; -1: published
};

}  // namespace kagibin::store
