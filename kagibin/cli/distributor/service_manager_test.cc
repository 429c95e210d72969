// SPDX-License-Identifier: Apache-2.0
// A service manager's socket, bound by the test.
#include "kagibin/cli/distributor/service_manager.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kagibin/store/test_folder.h"

namespace kagibin::cli {
namespace {

using std::chrono::milliseconds;

class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as sockets take addresses
    EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { close(socket_); }

  // The next datagram; empty: there is none.
  std::string heard() const {
    std::array<char, 100> text{};
    const ssize_t size = recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
  }

 private:
  int socket_;
};

TEST(ServiceManagerTest, IsToldThatTheServiceIsReadyAndThatItStops) {
  const store::TestFolder folder;
  const std::string path = folder / "notify";
  for (const std::string& name : {path, "@kagibin-test-" + std::to_string(getpid())}) {
    const Manager manager(name);
    ServiceManager told({.socket = name});
    told.ready();
    EXPECT_EQ(manager.heard(), "READY=1");
    told.stopping();
    EXPECT_EQ(manager.heard(), "STOPPING=1");
    told.server_is_alive();
    EXPECT_EQ(manager.heard(), "") << "nobody watches";
  }
}

TEST(ServiceManagerTest, TheWatchdogHearsOfItWhileBothThreadsAreAlive) {
  const store::TestFolder folder;
  const std::string path = folder / "notify";
  const Manager manager(path);
  ServiceManager told({.socket = path, .watchdog = milliseconds(400)});
  told.server_is_alive();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
  told.server_is_alive();
  EXPECT_EQ(manager.heard(), "") << "not more often than it needs";
  std::this_thread::sleep_for(milliseconds(250));
  told.server_is_alive();
  EXPECT_EQ(manager.heard(), "") << "the handler was not seen for more than half the time";
  told.handler_is_alive();
  told.server_is_alive();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(ServiceManagerTest, NobodyOrNonsenseToTellIsNothing) {
  for (const std::string& name :
       {std::string(), std::string("relative"), std::string("/nowhere/notify"),
        "/" + std::string(200, 'x'), std::string("vsock:2:1")}) {
    ServiceManager told({.socket = name, .watchdog = milliseconds(1)});
    told.ready();
    told.server_is_alive();
    told.stopping();
  }
}

TEST(ServiceManagerTest, TheEnvironmentSaysWhomAndHowOften) {
  const auto settings_with = [](const char* pid, const char* time) {
    setenv("NOTIFY_SOCKET", "/run/notify", 1);
    setenv("WATCHDOG_USEC", time, 1);
    setenv("WATCHDOG_PID", pid, 1);
    return ServiceManager::environment();
  };
  const std::string ours = std::to_string(getpid());
  EXPECT_EQ(settings_with(ours.c_str(), "120000000").watchdog, std::chrono::minutes(2));
  EXPECT_EQ(settings_with(ours.c_str(), "120000000").socket, "/run/notify");
  EXPECT_EQ(settings_with("1", "120000000").watchdog.count(), 0) << "it is another process's";
  for (const char* nonsense : {"", "-5", "12x", "99999999999999999999"}) {
    EXPECT_EQ(settings_with(ours.c_str(), nonsense).watchdog.count(), 0) << nonsense;
  }
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    unsetenv(name);
  }
  EXPECT_TRUE(ServiceManager::environment().socket.empty());
}

}  // namespace
}  // namespace kagibin::cli
