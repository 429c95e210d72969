// SPDX-License-Identifier: Apache-2.0
// A disk under SQLite that fails and that loses power: a VFS over the system's own one, which
// becomes SQLite's default when it is first asked for. Every file whose path contains a chosen text
// is on it; all others pass through untouched.
//
// fail_at(n) lets the n-th call from now fail, once or until mend(). cut_at(n) ends everything at
// the n-th sync: all calls fail from then on, and lose_unsynced() makes the files what a disk may
// hold that was not asked to write down everything: of what was written since a file's last sync
// any part may be there, in any order, torn at 512 octets. A rename or a deletion counts as
// durable. Connections have to be closed by then. Thread-safety: one thread.
//
//   FaultyDisk& disk = FaultyDisk::of("orders");
//   disk.fail_at(7, DiskFailure::kFull, false);
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kagibin/base/bytes.h"

#include "tests/simulation/core/faults.h"

namespace kagibin::simulation {

enum class DiskFailure : std::uint8_t { kIo, kFull };
enum class Loss : std::uint8_t { kEverythingUnsynced, kAnyPart, kTorn };

class FaultyDisk {
 public:
  enum class Call : std::uint8_t { kOpen, kRead, kWrite, kSync, kTruncate, kLock, kMap, kDelete };

  // The disk of the files whose path contains this text, from now on. One at a time.
  static FaultyDisk& of(std::string part_of_path);
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // kFull: the n-th write; kIo: the n-th call of any kind. For good: all that come behind it, too.
  void fail_at(std::uint64_t call, DiskFailure failure, bool for_good);
  bool has_failed() const { return has_failed_; }
  void mend();

  // Remembers what is unsynced from now on, of files that are opened from now on.
  void cut_at(std::uint64_t sync, bool after_it);
  // A disk that says that it has written everything down, and has not.
  void lie_about_syncs() { lies_ = true; }
  bool is_off() const { return is_off_; }
  void lose_unsynced(Loss loss, Dice& dice);

  // Nothing is counted and nothing fails while one of these lives: somebody looks from outside.
  class Pause {
   public:
    Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause();
  };

  // For the VFS. True when the call has to fail.
  bool fails(Call call);
  DiskFailure failure() const { return failure_; }
  bool holds(const std::string& path) const;
  void opened(const std::string& path);
  void wrote(const std::string& path, std::uint64_t offset, ByteView octets);
  void truncated(const std::string& path, std::uint64_t size);
  void synced(const std::string& path);
  void deleted(const std::string& path);

 private:
  FaultyDisk() = default;
  struct Change {
    bool is_truncation = false;
    std::uint64_t offset = 0;  // or the size
    Bytes octets{};
  };
  struct File {
    Bytes durable{};
    std::vector<Change> unsynced{};
  };
  static void apply(Bytes& content, const Change& change);

  std::string part_of_path_;
  std::uint64_t calls_ = 0;
  std::uint64_t fails_at_ = 0;  // 0: never
  DiskFailure failure_ = DiskFailure::kIo;
  bool for_good_ = false;
  bool has_failed_ = false;
  int pauses_ = 0;

  bool is_remembered_ = false;
  bool lies_ = false;
  bool is_off_ = false;
  bool cut_after_ = false;
  std::uint64_t syncs_ = 0;
  std::uint64_t cut_at_ = 0;
  std::map<std::string, File> files_;
};

}  // namespace kagibin::simulation
