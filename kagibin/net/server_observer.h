// SPDX-License-Identifier: Apache-2.0
// Port: what an HttpServer tells of itself, for logs and metrics.
//
// Calls are short, must not block and must not throw; the server does not look at what they do.
// Views do not outlive a call. Thread-safety: queued() is called by two threads, all others by the
// server's own (that of HttpServer::run()).
//
//   class Counting final : public ServerObserver { void connected(...) override { ... } };
//   HttpServer::open({.observer = &counting}, ...);
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/delivery/http_port.h"

namespace kagibin::net {

struct AnsweredRequest {
  delivery::HttpMethod method = delivery::HttpMethod::kOther;
  std::string_view target{};  // as it was sent; empty: it was not HTTP, or over a limit
  const std::optional<std::string>& subject;
  int status = 0;
  std::chrono::nanoseconds took{};  // from its header to its answer
  bool waited = false;              // held back for news: `took` is no measure of work
};

class ServerObserver {
 public:
  ServerObserver() = default;
  ServerObserver(const ServerObserver&) = delete;
  ServerObserver& operator=(const ServerObserver&) = delete;
  virtual ~ServerObserver() = default;

  // How many connections are open now.
  virtual void connections(std::size_t /*open*/) {}
  // One was closed at once: there were as many as the options allow.
  virtual void connection_refused() {}
  // A TLS handshake ended.
  virtual void handshake(bool /*succeeded*/) {}
  // How many answers are held back for news now.
  virtual void waiting(std::size_t /*answers*/) {}
  // How many requests wait for the handler now.
  virtual void queued(std::size_t /*requests*/) {}
  virtual void answered(const AnsweredRequest& /*request*/) {}
  // About once a second: the server's thread is alive.
  virtual void beat() {}
};

}  // namespace kagibin::net
