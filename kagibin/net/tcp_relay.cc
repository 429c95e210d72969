// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/tcp_relay.h"

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace kagibin::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kPieceBytes = 16'384;
constexpr int kMaxConnections = 256;

// The two sockets of one connection; each direction keeps them alive.
struct Pair {
  tcp::socket client;
  tcp::socket server;
  std::uint32_t number;
};

}  // namespace

struct TcpRelay::Parts {
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  RelayEndpoint server;
  Tap tap;
  std::uint32_t connections = 0;
  int open = 0;

  asio::awaitable<void> pass(std::shared_ptr<Pair> pair, bool to_server) {
    tcp::socket& from = to_server ? pair->client : pair->server;
    tcp::socket& into = to_server ? pair->server : pair->client;
    Bytes buffer(kPieceBytes);
    error_code error;
    while (!error) {
      const std::size_t size = co_await from.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (size > 0) {
        tap(pair->number, to_server, ByteView(buffer).first(size));
        co_await asio::async_write(into, asio::buffer(buffer, size),
                                   asio::redirect_error(asio::use_awaitable, error));
      }
    }
    error_code ignored;
    into.shutdown(tcp::socket::shutdown_send, ignored);
  }

  asio::awaitable<void> serve(tcp::socket client) {
    ++open;
    auto pair =
        std::make_shared<Pair>(Pair{std::move(client), tcp::socket(context), ++connections});
    error_code error;
    tcp::resolver resolver(context);
    const auto found = co_await resolver.async_resolve(
        server.host, std::to_string(server.port), asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      co_await asio::async_connect(pair->server, found,
                                   asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error) {
      pair->client.set_option(tcp::no_delay(true), error);
      pair->server.set_option(tcp::no_delay(true), error);
      asio::co_spawn(context, pass(pair, false), asio::detached);
      co_await pass(pair, true);
    }
    --open;
  }

  asio::awaitable<void> accept() {
    for (;;) {
      error_code error;
      tcp::socket client =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) {
        co_return;
      }
      if (!error && open < kMaxConnections) {
        asio::co_spawn(context, serve(std::move(client)), asio::detached);
      }
    }
  }
};

TcpRelay::TcpRelay(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TcpRelay::~TcpRelay() = default;

Result<std::unique_ptr<TcpRelay>> TcpRelay::open(const RelayEndpoint& listen,
                                                 const RelayEndpoint& server,
                                                 Tap tap) {
  auto parts = std::make_unique<Parts>();
  parts->server = server;
  parts->tap = std::move(tap);
  error_code error;
  const auto address = asio::ip::make_address(listen.host, error);
  if (error) {
    return fail(Errc::kNetwork, "listen on an address such as 127.0.0.1, not on a host name");
  }
  const tcp::endpoint endpoint(address, listen.port);
  parts->acceptor.open(endpoint.protocol(), error);
  if (!error) {
    parts->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    parts->acceptor.bind(endpoint, error);
  }
  if (!error) {
    parts->acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return fail(Errc::kNetwork,
                "this address and port cannot be listened on; it may be in use already");
  }
  return std::unique_ptr<TcpRelay>(new TcpRelay(std::move(parts)));
}

std::uint16_t TcpRelay::port() const { return parts_->acceptor.local_endpoint().port(); }

void TcpRelay::run() {
  asio::co_spawn(parts_->context, parts_->accept(), asio::detached);
  parts_->context.run();
}

void TcpRelay::stop() { parts_->context.stop(); }

}  // namespace kagibin::net
