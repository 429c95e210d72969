// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/private_file.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/base/descriptor.h"

namespace kagibin::cli {

namespace {

constexpr std::size_t kLargest = std::size_t{64} * 1024;

}  // namespace

Result<SecretBytes> read_private_file(const std::filesystem::path& path, Readers readers) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (file.get() < 0 || fstat(file.get(), &facts) != 0) {
    return fail(Errc::kNotFound, "the file cannot be opened; check its path and rights");
  }
  const bool others_may_read =
      (facts.st_mode & 0077U) != 0 || (facts.st_uid != geteuid() && facts.st_uid != 0);
  if (readers == Readers::kOwnerAlone && others_may_read) {
    return fail(Errc::kPolicy, "others may read the file, and it holds a secret; chmod 600 it");
  }
  SecretBytes out(kLargest + 1);
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t got = read(file.get(), out.expose_mutable().data() + have, out.size() - have);
    if (got < 0) {
      return fail(Errc::kIo, "the file cannot be read");
    }
    if (got == 0) {
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  if (have > kLargest) {
    return fail(Errc::kLimit, "a file with secrets has at most 65,536 octets");
  }
  out.shrink(have);
  return out;
}

}  // namespace kagibin::cli
