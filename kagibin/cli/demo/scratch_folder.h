// SPDX-License-Identifier: Apache-2.0
// A temporary folder that goes with its object, and the wish to stop (Ctrl-C) that every wait of
// the demo looks at, so that the folder goes then too.
//
// Mode 0711: a pcscd that runs as "nobody" finds its way through; what lies inside is closed by
// itself. Thread-safety: one thread.
//
//   watch_for_interruption();
//   ScratchFolder folder = KB_TRY(ScratchFolder::create());
//   if (interrupted()) { ... }
#pragma once

#include <filesystem>

#include "kagibin/base/result.h"

namespace kagibin::cli::demo {

// From now on SIGINT and SIGTERM only set what interrupted() tells.
void watch_for_interruption();
bool interrupted();

class ScratchFolder {
 public:
  // In $TMPDIR, or /tmp.
  static Result<ScratchFolder> create();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }
  void keep() { keep_ = true; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  bool keep_ = false;
};

}  // namespace kagibin::cli::demo
