// SPDX-License-Identifier: Apache-2.0
// HTTP as the roles see it: a request goes in, a response comes out. net/ implements both ends over
// TLS; LocalHttp joins them in one process.
//
// Bodies are JSON text and hold no secrets. Ownership: values. Thread-safety: a handler is called
// by one thread at a time; a client belongs to one thread.
//
//   Result<HttpResponse> answer = client.send({.method = HttpMethod::kGet, .target = "/healthz"});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/base/result.h"

namespace kagibin::delivery {

enum class HttpMethod : std::uint8_t { kGet, kPut, kPost, kDelete, kOther };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string target{};  // path and query, as sent
  std::string body{};
  // Server side only: the common name of the client's verified certificate; empty without one.
  std::optional<std::string> subject{};
  // The field Idempotency-Key as it stands in the request.
  std::optional<std::string> idempotency_key{};
  // Client side only: asks for news and may be given up at any moment; nothing is lost with its
  // answer.
  bool waits = false;
};

// Asks the server to hold the answer back: when another response `wakes` this topic the request is
// handled again; after `seconds` the answer goes out as it is (long polling).
struct HttpWait {
  std::string topic{};
  std::uint32_t seconds = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::optional<std::uint32_t> retry_after_seconds{};
  std::optional<std::int64_t> date{};  // client side: the server's clock, from its Date field
  std::string allow{};                 // server side only: methods, with status 405
  std::optional<HttpWait> wait{};      // server side only
  std::vector<std::string> wakes{};    // server side only: topics that have news now
};

// The server's end. A response of success may leave only for what is already durable.
class HttpHandler {
 public:
  HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;
  virtual ~HttpHandler() = default;

  virtual HttpResponse handle(const HttpRequest& request) = 0;
  // Requests that arrived together, so that a store may commit them together. One response a
  // request, in order.
  virtual std::vector<HttpResponse> handle_batch(std::span<const HttpRequest> requests) {
    std::vector<HttpResponse> responses;
    responses.reserve(requests.size());
    for (const HttpRequest& request : requests) {
      responses.push_back(handle(request));
    }
    return responses;
  }
  // An answer that need not wait for the requests before it: made by the thread that asks, which is
  // not to be kept. Empty: through handle(). From any thread.
  virtual std::optional<HttpResponse> at_once(const HttpRequest& /*request*/) const {
    return std::nullopt;
  }
  // What a request costs among those that are handled together; a light one is 1. From any thread.
  virtual std::size_t weight(const HttpRequest& /*request*/) const { return 1; }
  // Called about once a second by the same thread; the topics that have news now.
  virtual std::vector<std::string> tick() { return {}; }
};

// The client's end. An answer of any status is a value; no answer is kNetwork (not connected, cut
// off, timed out), kTls (handshake or certificate), kHttp (not HTTP, over a limit) or kInterrupted
// (given up, because the program was asked to end).
class HttpClient {
 public:
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;

  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

// A client whose server is in the same process and sees this subject.
class LocalHttp final : public HttpClient {
 public:
  LocalHttp(HttpHandler& server, std::optional<std::string> subject)
      : server_(server), subject_(std::move(subject)) {}

  Result<HttpResponse> send(const HttpRequest& request) override {
    HttpRequest seen = request;
    seen.subject = subject_;
    return server_.handle(seen);
  }

 private:
  HttpHandler& server_;
  std::optional<std::string> subject_;
};

}  // namespace kagibin::delivery
