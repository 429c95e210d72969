// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/pending_folder.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "kagibin/base/descriptor.h"
#include "kagibin/crypto/key_file/key_file_io.h"

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> taken() {
  return fail(Errc::kConflict, "there is a folder of this name already, which is left as it is");
}

fs::path above(const fs::path& name) { return name.has_parent_path() ? name.parent_path() : "."; }

// What processes left that ended before they were done.
void remove_earlier(const fs::path& folder, const std::string& beginning) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(beginning)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace

Result<PendingFolder> PendingFolder::create(const fs::path& name) {
  std::error_code error;
  if (fs::exists(name, error)) {
    return taken();
  }
  fs::create_directories(above(name), error);
  if (error) {
    return io_failure(error.value());
  }
  remove_earlier(above(name), name.filename().string() + ".part-");
  std::string path = name.string() + ".part-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return io_failure(errno);
  }
  return PendingFolder(name, std::move(path));
}

PendingFolder::PendingFolder(PendingFolder&& other) noexcept
    : name_(std::move(other.name_)), path_(std::exchange(other.path_, {})) {}

PendingFolder::~PendingFolder() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
}

Result<void> PendingFolder::take_name() {
  if (::rename(path_.c_str(), name_.c_str()) != 0) {
    return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? taken() : io_failure(errno);
  }
  path_.clear();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const Descriptor folder(::open(above(name_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.get() < 0 || ::fsync(folder.get()) != 0 ? io_failure(errno) : Result<void>();
}

}  // namespace kagibin::crypto
