// SPDX-License-Identifier: Apache-2.0
// Files that fail: the N-th call of this program to open, write, sync, rename, ... a file fails, or
// is short, or is interrupted. For what SQLite does not write (its calls are in a library of their
// own and pass): key files, records, the element's memory as a file, the issuance log.
//
// Who links kagibin::test_failing_calls has these functions wrapped by the linker: open, mkostemp,
// read, pread, write, pwrite, fsync, fdatasync, ftruncate, fchmod, fstat, flock, close, rename,
// unlink. What libstdc++ calls by itself (std::filesystem) is not wrapped. A close that fails has
// closed, as in Linux. Thread-safety: one thread.
//
//   FailingCalls::fail_at(3, FileFailure::kNoSpace);
//   const auto written = crypto::write_file(path, octets, true);
//   const std::optional<FileCall> failed = FailingCalls::end();   // empty: there was no third call
#pragma once

#include <cstdint>
#include <optional>

namespace kagibin::test {

enum class FileCall : std::uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kMode,
  kStat,
  kLock,
  kClose,
  kRename,
  kUnlink,
};

enum class FileFailure : std::uint8_t {
  kIo,           // EIO
  kNoSpace,      // ENOSPC, of calls that may say so; EIO of others
  kIoForGood,    // EIO, and of every call behind it
  kShort,        // half of what was to be read or written is; other calls do not fail
  kInterrupted,  // EINTR of a read or a write; other calls do not fail
};

class FailingCalls {
 public:
  // Counts from 1, from now on.
  static void fail_at(std::uint64_t call, FileFailure failure);
  // Nothing fails any more. The call that was to fail, whether it can fail so or not.
  static std::optional<FileCall> end();
};

}  // namespace kagibin::test
