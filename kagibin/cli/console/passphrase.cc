// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/passphrase.h"

#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace kagibin::cli {

namespace {

constexpr std::size_t kMaxPassphrase = 1024;

Result<SecretBytes> trimmed(SecretBytes octets, std::size_t size) {
  if (size > 0 && octets.expose()[size - 1] == '\n') {
    --size;
  }
  if (size == 0) {
    return fail(Errc::kInvalidArgument,
                "the passphrase is empty; write one line of text into the file");
  }
  octets.shrink(size);
  return octets;
}

Result<SecretBytes> read_descriptor(int descriptor) {
  SecretBytes octets(kMaxPassphrase + 1);
  std::size_t have = 0;
  for (;;) {
    const ssize_t got =
        read(descriptor, octets.expose_mutable().data() + have, octets.size() - have);
    if (got < 0) {
      return fail(Errc::kIo, "the passphrase cannot be read");
    }
    if (got == 0) {
      return trimmed(std::move(octets), have);
    }
    have += static_cast<std::size_t>(got);
    if (have > kMaxPassphrase) {
      return fail(Errc::kLimit, "a passphrase has at most 1,024 octets");
    }
  }
}

Result<SecretBytes> read_secret_file(const std::filesystem::path& path, bool check_mode) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(Errc::kNotFound, "the passphrase file cannot be opened; check its path and rights");
  }
  struct stat facts{};
  const bool others_may_read = fstat(descriptor, &facts) != 0 || (facts.st_mode & 0077U) != 0 ||
                               (facts.st_uid != geteuid() && facts.st_uid != 0);
  if (check_mode && others_may_read) {
    close(descriptor);
    return fail(Errc::kPolicy,
                "others may read the passphrase file; give it to yourself with chmod 600");
  }
  auto out = read_descriptor(descriptor);
  close(descriptor);
  return out;
}

// One line from the terminal without echo.
Result<SecretBytes> ask(std::string_view prompt) {
  fmt::print(stderr, "{}: ", prompt);
  termios before{};
  if (tcgetattr(STDIN_FILENO, &before) != 0) {
    return fail(Errc::kIo, "the terminal cannot be set to hide the passphrase");
  }
  termios quiet = before;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  SecretBytes octets(kMaxPassphrase + 1);
  const ssize_t got = read(STDIN_FILENO, octets.expose_mutable().data(), octets.size());
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  fmt::print(stderr, "\n");
  if (got <= 0) {
    return fail(Errc::kInterrupted, "no passphrase was typed");
  }
  return trimmed(std::move(octets), static_cast<std::size_t>(got));
}

}  // namespace

Result<SecretBytes> read_passphrase(const std::optional<std::filesystem::path>& file,
                                    std::string_view prompt,
                                    bool twice) {
  if (file) {
    return read_secret_file(*file, true);
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read once at the start, before any thread
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY"); folder != nullptr) {
    return read_secret_file(std::filesystem::path(folder) / "kagibin-passphrase", false);
  }
  if (isatty(STDIN_FILENO) == 0) {
    return fail(Errc::kInvalidArgument,
                "a passphrase is needed: pass --passphrase-file, a systemd credential, or run at a "
                "terminal");
  }
  SecretBytes first = KB_TRY(ask(prompt));
  if (twice && !ct_equal(first.expose(), KB_TRY(ask("the same again")).expose())) {
    return fail(Errc::kInvalidArgument, "the two passphrases differ");
  }
  return first;
}

}  // namespace kagibin::cli
