// SPDX-License-Identifier: Apache-2.0
// An HTTPS server (HTTP/1.1 over TLS 1.3, RFC 9112 and 8446) in front of one delivery::HttpHandler.
//
// One thread does the network, one calls the handler, with all requests that wait at that moment,
// so that a store can commit them together. An answer with a `wait` is held back by a timer,
// without a thread. Limits are in the options; a request over them is answered 400, 413 or 431 and
// the connection closed. A client that shows no certificate reaches the handler without a subject;
// one whose certificate is not good reaches nothing. Ownership: refers to handler and clock, which
// outlive it. Thread-safety: run() in one thread, stop() and drain() from any thread (not from a
// signal handler).
//
//   const auto server = KB_TRY(HttpServer::open({.port = 8443}, identity, handler, clock));
//   server->run();                                  // until stop()
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kagibin/base/clock.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/net/server_observer.h"
#include "kagibin/net/tls_identity.h"

namespace kagibin::net {

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: a free one
  std::size_t max_body_bytes = 65'536;
  std::uint32_t max_header_bytes = 8'192;
  std::size_t max_connections = 4'096;
  std::size_t max_batch = 64;  // requests that the handler gets together
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds idle_timeout{75};     // between requests; longer than the longest wait
  std::chrono::seconds request_timeout{10};  // for a body, and for taking an answer
  std::chrono::seconds stop_timeout{5};      // for requests that are being handled at stop()
  std::optional<DemoKeyLog> demo_key_log{};
  ServerObserver* observer = nullptr;  // outlives the server
};

class HttpServer {
 public:
  // Listens when it returns. kNetwork (address in use), kTls (identity), kIo (key log).
  static Result<std::unique_ptr<HttpServer>> open(const HttpServerOptions& options,
                                                  const TlsIdentity& identity,
                                                  delivery::HttpHandler& handler,
                                                  const Clock& clock);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::uint16_t port() const;
  // Serves until stop(): then takes no more connections, answers what is being handled, and
  // returns.
  void run();
  void stop();
  // Goes on serving, new connections too, but holds no answer back any more and closes each
  // connection behind its next answer: before stop(), for balancers and clients to go elsewhere.
  void drain();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kagibin::net
