// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/nvm/nvm_file.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kagibin::se {

namespace {

constexpr mode_t kOwnerOnly = 0600;

// The descriptor, or -1 with errno.
int open_descriptor(const std::filesystem::path& path, int flags) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open() so
  return ::open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly);
}

Error io_error() {
  if (errno == ENOSPC || errno == EDQUOT) {
    return {Errc::kNoSpace, "no space is left for the element's memory", {}};
  }
  return {Errc::kIo, "the element's memory file cannot be read or written", {}};
}

Result<void> write_whole(int descriptor, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(descriptor, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return std::unexpected(io_error());
    }
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  const int folder = open_descriptor(parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  if (folder < 0) {
    return std::unexpected(io_error());
  }
  const bool done = ::fsync(folder) == 0;
  ::close(folder);
  if (!done) {
    return fail(Errc::kIo, "the folder of the element's memory cannot be synced");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<NvmFile>> NvmFile::open(std::filesystem::path path, Sync sync) {
  std::filesystem::path lock_path = path;
  lock_path += ".lock";
  const int lock = open_descriptor(lock_path, O_RDWR | O_CREAT);
  if (lock < 0) {
    return std::unexpected(io_error());
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(Errc::kConflict, "another process runs this element already");
  }
  std::unique_ptr<NvmFile> out(new NvmFile(std::move(path), sync, lock));
  KB_TRY(out->open_file());
  return out;
}

NvmFile::~NvmFile() {
  close_file();
  ::close(lock_);
}

Result<void> NvmFile::open_file() {
  file_ = open_descriptor(path_, O_RDWR | O_CREAT | O_APPEND);
  if (file_ < 0) {
    return std::unexpected(io_error());
  }
  return {};
}

void NvmFile::close_file() {
  if (file_ >= 0) {
    ::close(std::exchange(file_, -1));
  }
}

Result<SecretBytes> NvmFile::read_all() {
  struct stat facts{};
  if (file_ < 0 || ::fstat(file_, &facts) != 0) {
    return std::unexpected(io_error());
  }
  SecretBytes out(static_cast<std::size_t>(facts.st_size));
  std::size_t done = 0;
  while (done < out.size()) {
    const MutableByteView rest = out.expose_mutable().subspan(done);
    const ssize_t count = ::pread(file_, rest.data(), rest.size(), static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return fail(Errc::kIo, "the element's memory file cannot be read");
    }
    done += static_cast<std::size_t>(count);
  }
  return out;
}

Result<void> NvmFile::append(ByteView octets) {
  struct stat facts{};
  if (file_ < 0 || ::fstat(file_, &facts) != 0) {
    return fail(Errc::kIo, "the element's memory file is not open");
  }
  auto written = write_whole(file_, octets);
  if (!written) {
    if (::ftruncate(file_, facts.st_size) != 0) {
      return fail(Errc::kIo, "the element's memory file cannot be cut back");
    }
    return written;
  }
  if (sync_ == Sync::kYes && ::fdatasync(file_) != 0) {
    return fail(Errc::kIo, "the element's memory file cannot be synced");
  }
  return {};
}

Result<void> NvmFile::replace_all(ByteView octets) {
  std::filesystem::path fresh = path_;
  fresh += ".new";
  const int descriptor = open_descriptor(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (descriptor < 0) {
    return std::unexpected(io_error());
  }
  auto written = write_whole(descriptor, octets);
  if (written && sync_ == Sync::kYes && ::fsync(descriptor) != 0) {
    written = std::unexpected(io_error());
  }
  ::close(descriptor);
  if (!written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (std::rename(fresh.c_str(), path_.c_str()) != 0) {
    return fail(Errc::kIo, "the element's memory file cannot be replaced");
  }
  close_file();
  auto followed = sync_ == Sync::kYes ? sync_folder(path_) : Result<void>();
  if (followed) {
    followed = open_file();
  }
  // Whatever it is: the file is the new one, and a full disk would say that it is as it was.
  return followed ? followed
                  : fail(Errc::kIo, "the element's memory file was replaced and cannot be used");
}

}  // namespace kagibin::se
