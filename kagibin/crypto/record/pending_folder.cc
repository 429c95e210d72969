// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/pending_folder.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

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
  fs::create_directories(above(name), error);
  if (error) {
    return io_failure(error.value());
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const int opened = ::open(above(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto folder = std::make_unique<Descriptor>(opened);
  if (folder->get() < 0) {
    return io_failure(errno);
  }
  if (::flock(folder->get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK
               ? fail(Errc::kInterrupted, "another process makes it at this moment")
               : io_failure(errno);
  }
  const fs::file_status there = fs::symlink_status(name, error);
  if (there.type() == fs::file_type::none) {
    return io_failure(error.value());
  }
  if (there.type() != fs::file_type::not_found) {
    return taken();
  }
  remove_earlier(above(name), name.filename().string() + ".part-");
  std::string path = name.string() + ".part-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return io_failure(errno);
  }
  return PendingFolder(std::move(folder), name, std::move(path));
}

PendingFolder::PendingFolder(PendingFolder&& other) noexcept
    : above_(std::move(other.above_)),
      name_(std::move(other.name_)),
      path_(std::exchange(other.path_, {})) {}

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
  if (::fsync(above_->get()) != 0) {
    const int why = errno;
    path_ = name_;  // whoever is told of a failure does not find it
    return io_failure(why);
  }
  path_.clear();
  return {};
}

}  // namespace kagibin::crypto
