// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/tcp_relay.h"

#include <map>
#include <mutex>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace kagibin::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

std::string read_to_end(tcp::socket& socket) {
  std::string text;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(text), error);
  return text;
}

class TcpRelayTest : public testing::Test {
 protected:
  void start(std::uint16_t server_port) {
    relay =
        TcpRelay::open({.host = "127.0.0.1", .port = 0}, {.host = "127.0.0.1", .port = server_port},
                       [this](std::uint32_t connection, bool to_server, ByteView octets) {
                         const std::lock_guard lock(mutex);
                         seen[{connection, to_server}].append(octets.begin(), octets.end());
                       })
            .value();
    thread = std::thread([this] { relay->run(); });
  }
  ~TcpRelayTest() override {
    if (thread.joinable()) {
      relay->stop();
      thread.join();
    }
  }

  std::mutex mutex;
  std::map<std::pair<std::uint32_t, bool>, std::string> seen;
  std::unique_ptr<TcpRelay> relay;
  std::thread thread;
  asio::io_context context;
};

TEST_F(TcpRelayTest, PassesEveryOctetBothWaysAndShowsItToTheTap) {
  tcp::acceptor acceptor(context, loopback(0));
  start(acceptor.local_endpoint().port());
  const std::string question(100'000, 'q');
  const std::string answer(70'000, 'a');
  for (std::uint32_t connection = 1; connection <= 2; ++connection) {
    tcp::socket client(context);
    client.connect(loopback(relay->port()));
    tcp::socket server = acceptor.accept();
    std::thread asking([&] {
      asio::write(client, asio::buffer(question));
      client.shutdown(tcp::socket::shutdown_send);  // the answer still comes
    });
    EXPECT_EQ(read_to_end(server), question);
    asking.join();
    asio::write(server, asio::buffer(answer));
    server.close();
    EXPECT_EQ(read_to_end(client), answer);
    const std::lock_guard lock(mutex);
    EXPECT_EQ((seen[{connection, true}]), question);
    EXPECT_EQ((seen[{connection, false}]), answer);
  }
}

TEST_F(TcpRelayTest, AServerThatIsNotThereClosesTheConnectionAndTheRelayGoesOn) {
  std::uint16_t nobody = 0;
  {
    const tcp::acceptor gone(context, loopback(0));
    nobody = gone.local_endpoint().port();
  }
  start(nobody);
  for (int i = 0; i < 2; ++i) {
    tcp::socket client(context);
    client.connect(loopback(relay->port()));
    EXPECT_EQ(read_to_end(client), "");
  }
}

TEST_F(TcpRelayTest, AnAddressInUseOrAHostNameIsRefused) {
  const tcp::acceptor taken(context, loopback(0));
  const std::uint16_t port = taken.local_endpoint().port();
  const RelayEndpoint server{.host = "127.0.0.1", .port = port};
  EXPECT_EQ(TcpRelay::open({.host = "localhost", .port = 0}, server, {}).error().code,
            Errc::kNetwork);
  EXPECT_EQ(TcpRelay::open({.host = "127.0.0.1", .port = port}, server, {}).error().code,
            Errc::kNetwork);
}

}  // namespace
}  // namespace kagibin::net
