// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_file/key_file_io.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/base/descriptor.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kLargestFile = std::size_t{16} << 20U;
constexpr std::size_t kFirstRead = 4096;
constexpr mode_t kSecretMode = 0600;
constexpr mode_t kPublicMode = 0644;

// Removes the temporary file unless it has become the file.
class TemporaryName {
 public:
  explicit TemporaryName(std::string path) : path_(std::move(path)) {}
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName() {
    if (!path_.empty()) {
      ::unlink(path_.c_str());
    }
  }
  bool rename_to(const std::filesystem::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      return false;
    }
    path_.clear();
    return true;
  }

 private:
  std::string path_;
};

}  // namespace

std::unexpected<Error> io_failure(int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return fail(Errc::kNoSpace, "there is no space left for the file");
  }
  if (error == ENOENT) {
    return fail(Errc::kNotFound, "the file or its folder does not exist");
  }
  return fail(Errc::kIo, "the file could not be read or written");
}

Result<void> write_all(int descriptor, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(descriptor, octets.data(), octets.size());
    if (count >= 0) {
      octets = octets.subspan(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return io_failure(errno);
    }
  }
  return {};
}

Result<void> write_file(const std::filesystem::path& path, ByteView octets, bool secret) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::string name = path.string() + ".XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (file.get() < 0) {
    return io_failure(errno);
  }
  TemporaryName temporary(std::move(name));
  KB_TRY(write_all(file.get(), octets));
  if (::fchmod(file.get(), secret ? kSecretMode : kPublicMode) != 0 || ::fsync(file.get()) != 0 ||
      !file.close() || !temporary.rename_to(path)) {
    return io_failure(errno);
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return io_failure(errno);
  }
  return {};
}

Result<SecretBytes> read_file(const std::filesystem::path& path) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) {
    return io_failure(errno);
  }
  // A pipe has no size, and a file may grow: the size is a first guess, one octet more to see the
  // end.
  const auto guess = static_cast<std::size_t>(std::max<off_t>(facts.st_size, 0)) + 1;
  SecretBytes out(std::min(std::max(guess, kFirstRead), kLargestFile + 1));
  std::size_t length = 0;
  while (true) {
    const MutableByteView room = out.expose_mutable().subspan(length);
    const ssize_t count = ::read(file.get(), room.data(), room.size());
    if (count < 0 && errno != EINTR) {
      return io_failure(errno);
    }
    if (count == 0) {
      out.shrink(length);
      return out;
    }
    length += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    if (length > kLargestFile) {
      return fail(Errc::kLimit, "the file is longer than 16 MiB");
    }
    if (length == out.size()) {
      SecretBytes larger(std::min(out.size() * 2, kLargestFile + 1));
      std::ranges::copy(out.expose(), larger.expose_mutable().begin());
      out = std::move(larger);
    }
  }
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  const SecretBytes content = KB_TRY(read_file(path));
  return std::string(content.expose().begin(), content.expose().end());
}

}  // namespace kagibin::crypto
