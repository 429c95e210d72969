// SPDX-License-Identifier: Apache-2.0
// A folder that is filled under another name beside its own, NAME.part-XXXXXX, and takes its own
// when it is whole: whoever finds NAME finds all of it, whenever the process that made it ended.
//
// Mode 0700. What an ended process left under such a name goes when the next one is made. The
// folder above is locked (flock) while this lives: of two processes at once the later one fails.
// Ownership: removes the folder unless it has its name for good. Thread-safety: one thread.
//
//   PendingFolder pending = KB_TRY(PendingFolder::create(home / "keys"));
//   auto records = KB_TRY(RecordFolder::create(pending.path(), passphrase, rng));
//   KB_TRY(pending.take_name());                                   // durable
#pragma once

#include <filesystem>
#include <memory>

#include "kagibin/base/descriptor.h"
#include "kagibin/base/result.h"

namespace kagibin::crypto {

class PendingFolder {
 public:
  // Makes the folder above it, too, where there is none. kConflict where the name is taken, be it
  // by a link that leads nowhere; kInterrupted while another process makes one.
  static Result<PendingFolder> create(const std::filesystem::path& name);
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;
  PendingFolder(PendingFolder&& other) noexcept;
  PendingFolder& operator=(PendingFolder&&) = delete;
  ~PendingFolder();

  // Where to fill it.
  const std::filesystem::path& path() const { return path_; }
  // kConflict where the name has been taken meanwhile. After a failure no folder has the name.
  Result<void> take_name();

 private:
  PendingFolder(std::unique_ptr<Descriptor> above,
                std::filesystem::path name,
                std::filesystem::path path)
      : above_(std::move(above)), name_(std::move(name)), path_(std::move(path)) {}
  std::unique_ptr<Descriptor> above_;  // with the lock
  std::filesystem::path name_;
  std::filesystem::path path_;  // empty: it has its name
};

}  // namespace kagibin::crypto
