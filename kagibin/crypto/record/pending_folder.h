// SPDX-License-Identifier: Apache-2.0
// A folder that is filled under another name beside its own, NAME.part-XXXXXX, and takes its own
// when it is whole: whoever finds NAME finds all of it, whenever the process that made it ended.
//
// Mode 0700. What an ended process left under such a name goes when the next one is made. Two
// processes that make the same one at once never mix: one of them fails. Ownership: removes the
// folder unless it has its name. Thread-safety: one thread.
//
//   PendingFolder pending = KB_TRY(PendingFolder::create(home / "keys"));
//   auto records = KB_TRY(RecordFolder::create(pending.path(), passphrase, rng));
//   KB_TRY(pending.take_name());                                   // durable
#pragma once

#include <filesystem>

#include "kagibin/base/result.h"

namespace kagibin::crypto {

class PendingFolder {
 public:
  // Makes the folder above it, too, where there is none. kConflict where the name is taken.
  static Result<PendingFolder> create(const std::filesystem::path& name);
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;
  PendingFolder(PendingFolder&& other) noexcept;
  PendingFolder& operator=(PendingFolder&&) = delete;
  ~PendingFolder();

  // Where to fill it.
  const std::filesystem::path& path() const { return path_; }
  // kConflict where the name has been taken meanwhile.
  Result<void> take_name();

 private:
  PendingFolder(std::filesystem::path name, std::filesystem::path path)
      : name_(std::move(name)), path_(std::move(path)) {}
  std::filesystem::path name_;
  std::filesystem::path path_;  // empty: it has its name
};

}  // namespace kagibin::crypto
