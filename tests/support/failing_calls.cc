// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_calls.h"

#include <cerrno>
#include <cstdarg>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kagibin::test {
namespace {

struct Plan {
  std::uint64_t fails_at = 0;  // 0: never
  FileFailure failure = FileFailure::kIo;
  std::uint64_t calls = 0;
  std::optional<FileCall> reached{};
};

Plan& plan() {
  static Plan the_plan;
  return the_plan;
}

bool may_find_no_space(FileCall call) {
  return call == FileCall::kOpen || call == FileCall::kWrite || call == FileCall::kSync ||
         call == FileCall::kTruncate || call == FileCall::kClose || call == FileCall::kRename;
}

bool is_transfer(FileCall call) { return call == FileCall::kRead || call == FileCall::kWrite; }

// The turn of this call has come.
bool is_due(FileCall call) {
  Plan& now = plan();
  if (now.fails_at == 0) {
    return false;
  }
  ++now.calls;
  if (now.calls == now.fails_at) {
    now.reached = call;
  }
  return now.calls == now.fails_at ||
         (now.failure == FileFailure::kIoForGood && now.calls > now.fails_at);
}

// Whether it fails, and errno then.
bool fails(FileCall call) {
  if (!is_due(call)) {
    return false;
  }
  switch (plan().failure) {
    case FileFailure::kIo:
    case FileFailure::kIoForGood:
      errno = EIO;
      return true;
    case FileFailure::kNoSpace:
      errno = may_find_no_space(call) ? ENOSPC : EIO;
      return true;
    case FileFailure::kShort:
      return false;
    case FileFailure::kInterrupted:
      errno = EINTR;
      return is_transfer(call);
  }
  return false;
}

// Octets that this call is to move; empty: it fails.
std::optional<std::size_t> room(FileCall call, std::size_t size) {
  if (fails(call)) {
    return std::nullopt;
  }
  const Plan& now = plan();
  const bool is_short =
      now.failure == FileFailure::kShort && now.fails_at != 0 && now.calls == now.fails_at;
  return is_short && size > 1 ? size / 2 : size;
}

}  // namespace

void FailingCalls::fail_at(std::uint64_t call, FileFailure failure) {
  plan() = Plan{.fails_at = call, .failure = failure};
}

std::optional<FileCall> FailingCalls::end() { return std::exchange(plan(), Plan()).reached; }

}  // namespace kagibin::test

using kagibin::test::FileCall;

// A call of NAME becomes one of __wrap_NAME, and __real_NAME is NAME.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): names of ld's --wrap
// NOLINTBEGIN(readability-identifier-naming): names of ld's --wrap
// NOLINTBEGIN(cert-dcl50-cpp,cppcoreguidelines-pro-type-vararg): POSIX declares open so
extern "C" {

int __real_open(const char* path, int flags, ...);
int __real_mkostemp(char* pattern, int flags);
ssize_t __real_read(int file, void* into, size_t size);
ssize_t __real_pread(int file, void* into, size_t size, off_t offset);
ssize_t __real_write(int file, const void* from, size_t size);
ssize_t __real_pwrite(int file, const void* from, size_t size, off_t offset);
int __real_fsync(int file);
int __real_fdatasync(int file);
int __real_ftruncate(int file, off_t size);
int __real_fchmod(int file, mode_t mode);
int __real_fstat(int file, struct stat* facts);
int __real_flock(int file, int operation);
int __real_close(int file);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);

int __wrap_open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return kagibin::test::fails(FileCall::kOpen) ? -1 : __real_open(path, flags, mode);
}

int __wrap_mkostemp(char* pattern, int flags) {
  return kagibin::test::fails(FileCall::kOpen) ? -1 : __real_mkostemp(pattern, flags);
}

ssize_t __wrap_read(int file, void* into, size_t size) {
  const auto some = kagibin::test::room(FileCall::kRead, size);
  return some ? __real_read(file, into, *some) : -1;
}

ssize_t __wrap_pread(int file, void* into, size_t size, off_t offset) {
  const auto some = kagibin::test::room(FileCall::kRead, size);
  return some ? __real_pread(file, into, *some, offset) : -1;
}

ssize_t __wrap_write(int file, const void* from, size_t size) {
  const auto some = kagibin::test::room(FileCall::kWrite, size);
  return some ? __real_write(file, from, *some) : -1;
}

ssize_t __wrap_pwrite(int file, const void* from, size_t size, off_t offset) {
  const auto some = kagibin::test::room(FileCall::kWrite, size);
  return some ? __real_pwrite(file, from, *some, offset) : -1;
}

int __wrap_fsync(int file) {
  return kagibin::test::fails(FileCall::kSync) ? -1 : __real_fsync(file);
}

int __wrap_fdatasync(int file) {
  return kagibin::test::fails(FileCall::kSync) ? -1 : __real_fdatasync(file);
}

int __wrap_ftruncate(int file, off_t size) {
  return kagibin::test::fails(FileCall::kTruncate) ? -1 : __real_ftruncate(file, size);
}

int __wrap_fchmod(int file, mode_t mode) {
  return kagibin::test::fails(FileCall::kMode) ? -1 : __real_fchmod(file, mode);
}

int __wrap_fstat(int file, struct stat* facts) {
  return kagibin::test::fails(FileCall::kStat) ? -1 : __real_fstat(file, facts);
}

int __wrap_flock(int file, int operation) {
  return kagibin::test::fails(FileCall::kLock) ? -1 : __real_flock(file, operation);
}

int __wrap_close(int file) {
  const bool late = kagibin::test::fails(FileCall::kClose);
  const int error = errno;
  const int closed = __real_close(file);
  if (late) {
    errno = error;
  }
  return late ? -1 : closed;
}

int __wrap_rename(const char* from, const char* to) {
  return kagibin::test::fails(FileCall::kRename) ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char* path) {
  return kagibin::test::fails(FileCall::kUnlink) ? -1 : __real_unlink(path);
}

}  // extern "C"
// NOLINTEND(cert-dcl50-cpp,cppcoreguidelines-pro-type-vararg)
// NOLINTEND(readability-identifier-naming)
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
