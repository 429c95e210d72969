// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service_manager.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace kagibin::cli {
namespace {

std::string_view variable(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

ServiceManager::Settings ServiceManager::environment() {
  Settings settings{.socket = std::string(variable("NOTIFY_SOCKET"))};
  const std::string_view watched = variable("WATCHDOG_PID");
  if (watched.empty() || number(watched) == getpid()) {
    settings.watchdog =
        std::chrono::microseconds(std::max<std::int64_t>(number(variable("WATCHDOG_USEC")), 0));
  }
  return settings;
}

void ServiceManager::handler_is_alive() { handler_seen_ = Clock::now().time_since_epoch().count(); }

void ServiceManager::server_is_alive() {
  const Clock::time_point now = Clock::now();
  const Clock::time_point seen{Clock::duration(handler_seen_.load())};
  const bool due = settings_.watchdog.count() != 0 && now - told_ >= settings_.watchdog / 4;
  if (due && now - seen <= settings_.watchdog / 2) {
    told_ = now;
    tell("WATCHDOG=1");
  }
}

void ServiceManager::tell(std::string_view what) const {
  sockaddr_un address{};
  const std::string& path = settings_.socket;
  const bool named = path.starts_with('/') || path.starts_with('@');
  if (!named || path.size() >= sizeof(address.sun_path)) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, std::begin(address.sun_path));
  if (path.front() == '@') {
    address.sun_path[0] = '\0';
  }
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) {
    return;
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as sockets take addresses
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  static_cast<void>(sendto(socket, what.data(), what.size(), MSG_NOSIGNAL, raw, size));
  static_cast<void>(close(socket));
}

}  // namespace kagibin::cli
