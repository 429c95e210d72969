// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/passphrase.h"

#include <cstdlib>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "kagibin/cli/console/private_file.h"

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

Result<SecretBytes> from_file(const std::filesystem::path& path, Readers readers) {
  SecretBytes octets = KB_TRY(read_private_file(path, readers));
  const std::size_t size = octets.size();
  if (size > kMaxPassphrase) {
    return fail(Errc::kLimit, "a passphrase has at most 1,024 octets");
  }
  return trimmed(std::move(octets), size);
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
                                    bool twice,
                                    std::string_view credential) {
  if (file) {
    return from_file(*file, Readers::kOwnerAlone);
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read once at the start, before any thread
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY"); folder != nullptr) {
    return from_file(std::filesystem::path(folder) / credential, Readers::kOthersToo);
  }
  if (isatty(STDIN_FILENO) == 0) {
    return fail(Errc::kInvalidArgument,
                "a passphrase or PIN is needed: pass --passphrase-file or --pin-file, a systemd "
                "credential, or run at a terminal");
  }
  SecretBytes first = KB_TRY(ask(prompt));
  if (twice && !ct_equal(first.expose(), KB_TRY(ask("the same again")).expose())) {
    return fail(Errc::kInvalidArgument, "the two passphrases differ");
  }
  return first;
}

Result<SecretBytes> ask_without_echo(std::string_view prompt) {
  if (isatty(STDIN_FILENO) == 0) {
    return fail(Errc::kInvalidArgument,
                "there is no terminal to type at: give a file of mode 0600");
  }
  return ask(prompt);
}

}  // namespace kagibin::cli
