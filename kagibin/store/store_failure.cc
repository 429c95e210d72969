// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/store_failure.h"

#include <array>
#include <cerrno>

#include <sqlite3.h>

namespace kagibin::store {
namespace {

struct Row {
  Errc code;
  Detail detail;
  std::string_view remedy;
};

constexpr Row kFull{Errc::kNoSpace, "the disk or the store's quota is full; nothing was changed",
                    "Make room on its disk, then run the same command again."};
constexpr Row kTooLarge{
    Errc::kNoSpace,
    "the store's file may not grow any further, for a limit on the size of files; nothing was "
    "changed",
    "Give it room by raising the limit (ulimit -f, or LimitFSIZE= of the service), then run the "
    "same command again."};
constexpr Row kQuota{Errc::kNoSpace,
                     "the disk quota of the store's owner is used up; nothing was "
                     "changed",
                     "Make room or have the quota raised, then run the same command again."};
constexpr Row kBusy{Errc::kInterrupted, "another process holds the store; nothing was changed",
                    "Run the same command again when that process is done; fuser names it if it "
                    "hangs."};
constexpr Row kInputOutput{Errc::kIo, "reading or writing the store's file failed",
                           "It stands as at its last commit. Look at the disk and at the kernel's "
                           "log, then run the same command again."};
constexpr Row kCannotOpen{Errc::kIo, "the store's file cannot be opened for writing",
                          "See that its folder is there and is yours to write, then run the same "
                          "command again."};
constexpr Row kDamaged{
    Errc::kStore, "the store's file is damaged, or is no SQLite file",
    "Nothing was changed, and running again will not help: put the file aside and restore the "
    "newest backup of it, or save what it holds with the .recover command of sqlite3."};
constexpr Row kForeign{Errc::kConflict, "the store's file is another store or another program's",
                       "Nothing was changed: put that file elsewhere, or take another --home."};
constexpr Row kNewer{Errc::kNotSupported, "a newer version of this program wrote the store",
                     "Nothing was changed: use that version, or a later one."};
constexpr Row kOlder{Errc::kNotSupported, "an older version of this program wrote the store",
                     "Nothing was changed: whoever writes the store brings it up to date when it "
                     "is started once, or use the older version."};
constexpr Row kMoved{Errc::kConflict, "the orders of this store were moved to a database server",
                     "Nothing was changed: name that server's database with --store."};
constexpr Row kTaken{
    Errc::kConflict, "there is a file of this name, or a part of one, already",
    "Nothing was changed: take another name, or move that file away, with its -wal "
    "and -journal."};
constexpr Row kWritten{Errc::kConflict, "another run is writing this file",
                       "Nothing was changed: let it end, or take another name."};
constexpr Row kOther{Errc::kStore, "the store failed",
                     "It stands as at its last commit. This is a fault of the program: report it."};
constexpr Row kNameTaken{Errc::kConflict, "the store already has a row of this name", {}};

constexpr std::array kRows = {kFull,       kTooLarge, kQuota,   kBusy,  kInputOutput,
                              kCannotOpen, kDamaged,  kForeign, kNewer, kOlder,
                              kMoved,      kTaken,    kWritten, kOther};

Error error_of(const Row& row) { return {row.code, row.detail}; }

// RLIMIT_FSIZE and the largest file of a file system make a write fail with EFBIG, which SQLite
// does not tell from other failures.
const Row& of_system(int system_error, const Row* otherwise) {
  switch (system_error) {
    case ENOSPC:
      return kFull;
    case EFBIG:
      return kTooLarge;
    case EDQUOT:
      return kQuota;
    default:
      return *otherwise;
  }
}

}  // namespace

Error failure_of(int code, int system_error) {
  switch (code & 0xFF) {  // the primary code; extended ones say more than we need
    case SQLITE_FULL:
      return error_of(of_system(system_error, &kFull));
    case SQLITE_CONSTRAINT:
      return error_of(kNameTaken);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error_of(kBusy);
    case SQLITE_IOERR:
      return error_of(of_system(system_error, &kInputOutput));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return error_of(of_system(system_error, &kCannotOpen));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return error_of(kDamaged);
    default:
      return error_of(kOther);
  }
}

Error foreign_file() { return error_of(kForeign); }

Error newer_file() { return error_of(kNewer); }

Error older_file() { return error_of(kOlder); }

Error name_taken() { return error_of(kTaken); }

Error being_written() { return error_of(kWritten); }

Error moved_file() { return error_of(kMoved); }

std::optional<std::string_view> remedy(std::string_view detail) {
  for (const Row& row : kRows) {
    if (row.detail.text() == detail) {
      return row.remedy;
    }
  }
  return std::nullopt;
}

}  // namespace kagibin::store
