// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/whole_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/store/store_failure.h"

namespace kagibin::store {
namespace {

constexpr std::array kBeside = {"-wal", "-journal", "-shm"};

Error failure() { return failure_of(SQLITE_IOERR, errno); }

std::filesystem::path beside(const std::filesystem::path& name, const char* suffix) {
  return name.string() + suffix;
}

bool is_there(const std::filesystem::path& name) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(name, error));
}

bool is_free(const std::filesystem::path& name) {
  bool taken = is_there(name);
  for (const char* suffix : kBeside) {
    taken = taken || is_there(beside(name, suffix));
  }
  return !taken;
}

// The lock is of the file that was opened: whoever held it before may have given it its name.
bool has_name(int file, const std::filesystem::path& name) {
  struct stat opened{};
  struct stat named{};
  return fstat(file, &opened) == 0 && lstat(name.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

Result<void> sync(const std::filesystem::path& path, int flags) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
  const int file = open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) {
    return std::unexpected(failure());
  }
  const bool done = fsync(file) == 0;
  const Error error = failure();
  static_cast<void>(close(file));
  return done ? Result<void>() : std::unexpected(error);
}

// Not over a file that came to be there meanwhile.
bool give_name(const std::filesystem::path& part, const std::filesystem::path& name) {
  if (renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) {
    return true;
  }
  // File systems without it have links.
  return (errno == EINVAL || errno == ENOSYS) && link(part.c_str(), name.c_str()) == 0 &&
         unlink(part.c_str()) == 0;
}

}  // namespace

Result<WholeFile> WholeFile::begin(const std::filesystem::path& name) {
  if (!is_free(name)) {
    return std::unexpected(name_taken());
  }
  const std::filesystem::path part = beside(name, ".part");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
  const int lock = open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    const bool no_folder = errno == ENOENT || errno == EACCES || errno == EROFS || errno == ELOOP;
    return std::unexpected(no_folder ? failure_of(SQLITE_CANTOPEN, 0) : failure());
  }
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 || !has_name(lock, part)) {
    static_cast<void>(close(lock));
    return std::unexpected(being_written());
  }
  WholeFile file(name, lock);
  for (const char* suffix : kBeside) {
    static_cast<void>(unlink(beside(part, suffix).c_str()));
  }
  if (ftruncate(lock, 0) != 0 || fchmod(lock, 0600) != 0) {
    return std::unexpected(failure());
  }
  return file;
}

WholeFile::~WholeFile() {
  if (lock_ >= 0) {
    remove_part();
    static_cast<void>(close(lock_));
  }
}

std::filesystem::path WholeFile::part() const { return beside(name_, ".part"); }

void WholeFile::remove_part() const {
  static_cast<void>(unlink(part().c_str()));
  for (const char* suffix : kBeside) {
    static_cast<void>(unlink(beside(part(), suffix).c_str()));
  }
}

Result<void> WholeFile::publish() {
  KB_TRY(sync(part(), O_RDONLY));
  if (!is_free(name_)) {
    return std::unexpected(name_taken());
  }
  KB_CRASH_POINT("store.whole_file.before_name");
  if (!give_name(part(), name_)) {
    return std::unexpected(errno == EEXIST ? name_taken() : failure());
  }
  KB_CRASH_POINT("store.whole_file.after_name");
  static_cast<void>(close(std::exchange(lock_, -1)));
  const std::filesystem::path folder = name_.parent_path();
  return sync(folder.empty() ? std::filesystem::path(".") : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace kagibin::store
