// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/scratch_folder.h"

#include <atomic>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <signal.h>

namespace kagibin::cli::demo {

namespace {

std::atomic<bool> stop_wished = false;
void on_signal(int /*number*/) { stop_wished = true; }

}  // namespace

void watch_for_interruption() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
}

bool interrupted() { return stop_wished; }

Result<ScratchFolder> ScratchFolder::create() {
  std::error_code error;
  const std::filesystem::path base = std::filesystem::temp_directory_path(error);
  std::string name = base / "kagibin-demo-XXXXXX";
  if (error || mkdtemp(name.data()) == nullptr) {
    return fail(Errc::kIo, "no temporary folder could be made");
  }
  ScratchFolder out{std::filesystem::path(name)};
  std::filesystem::permissions(out.path(), std::filesystem::perms(0711), error);
  if (error) {
    return fail(Errc::kIo, "the temporary folder's mode could not be set");
  }
  return out;
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}

ScratchFolder::~ScratchFolder() {
  if (!path_.empty() && !keep_) {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
}

}  // namespace kagibin::cli::demo
