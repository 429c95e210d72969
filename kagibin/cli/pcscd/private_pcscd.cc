// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/pcscd/private_pcscd.h"

#include <array>
#include <chrono>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kagibin::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPcscd = "/usr/sbin/pcscd";
constexpr const char* kActivate = "/usr/bin/systemd-socket-activate";
constexpr const char* kDriver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
constexpr const char* kRunFolder = "/run/pcscd";

struct Account {
  uid_t user;
  gid_t group;
};

// The account to run as when started by root; none otherwise.
Result<std::optional<Account>> account() {
  if (geteuid() != 0) {
    return std::optional<Account>();
  }
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r("nobody", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return fail(Errc::kNotSupported, "there is no user nobody to run pcscd as");
  }
  return std::optional(Account{entry.pw_uid, entry.pw_gid});
}

Result<void> write_reader_file(const fs::path& folder, std::uint16_t card_port) {
  std::error_code error;
  fs::create_directories(folder / "reader.conf.d", error);
  std::ofstream out(folder / "reader.conf.d" / "vpcd");
  out << fmt::format(
      "FRIENDLYNAME \"Kagibin\"\nDEVICENAME 127.0.0.1:0x{0:04X}\nLIBPATH {1}\nCHANNELID "
      "0x{0:04X}\n",
      card_port, kDriver);
  out.close();
  if (error || !out) {
    return fail(Errc::kIo, "pcscd's reader file cannot be written");
  }
  return {};
}

Result<void> check_installed(bool root) {
  for (const char* program : {kPcscd, kActivate, kDriver}) {
    if (access(program, R_OK) != 0) {
      return fail(Errc::kNotSupported,
                  "pcscd, vpcd or systemd-socket-activate is missing; scripts/setup installs them");
    }
  }
  std::error_code error;
  if (root) {
    fs::create_directory(kRunFolder, error);
  }
  if (!fs::is_directory(kRunFolder, error)) {
    return fail(Errc::kNotSupported,
                "pcscd wants the folder /run/pcscd, which only root can make: mkdir /run/pcscd");
  }
  return {};
}

[[noreturn]] void become_pcscd(const fs::path& folder,
                               const std::string& socket_path,
                               const std::optional<Account>& as) {
  const std::string log = folder / "pcscd.log";
  const std::string readers = folder / "reader.conf.d";
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
    _exit(126);
  }
  if (as && (setgroups(0, nullptr) != 0 || setgid(as->group) != 0 || setuid(as->user) != 0)) {
    _exit(126);
  }
  execl(kActivate, kActivate, "-l", socket_path.c_str(), kPcscd, "-f", "-c", readers.c_str(),
        nullptr);
  _exit(127);
}

}  // namespace

Result<std::unique_ptr<PrivatePcscd>> PrivatePcscd::start(const fs::path& folder,
                                                          std::uint16_t card_port) {
  const std::optional<Account> as = KB_TRY(account());
  KB_TRY(check_installed(as.has_value()));
  KB_TRY(write_reader_file(folder, card_port));
  const std::string socket_path = folder / "pcscd.comm";
  constexpr std::size_t kLongestSocketPath = 107;  // sun_path
  if (socket_path.size() > kLongestSocketPath) {
    return fail(Errc::kInvalidArgument,
                "the folder's path is too long for a socket; choose a shorter one");
  }
  if (as && chown(folder.c_str(), as->user, as->group) != 0) {
    return fail(Errc::kIo, "the folder cannot be given to the user nobody");
  }
  const pid_t child = fork();
  if (child < 0) {
    return fail(Errc::kIo, "no process could be started");
  }
  if (child == 0) {
    become_pcscd(folder, socket_path, as);
  }
  std::unique_ptr<PrivatePcscd> out(new PrivatePcscd(child, socket_path));
  for (int tries = 0; tries < 100; ++tries) {
    if (access(socket_path.c_str(), F_OK) == 0) {
      return out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return fail(Errc::kNotSupported, "pcscd did not start; pcscd.log in its folder says why");
}

PrivatePcscd::~PrivatePcscd() {
  kill(process_, SIGTERM);
  for (int tries = 0; tries < 40; ++tries) {
    if (waitpid(process_, nullptr, WNOHANG) != 0) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

}  // namespace kagibin::cli
