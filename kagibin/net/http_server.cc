// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/http_server.h"

#include <atomic>
#include <ctime>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "kagibin/base/crash_point.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/net/handler_queue.h"
#include "kagibin/net/https_stream.h"
#include "kagibin/net/tls_context.h"

namespace kagibin::net {
namespace {

using Answer = http::response<http::string_body>;

HttpMethod method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::delete_:
      return HttpMethod::kDelete;
    default:
      return HttpMethod::kOther;
  }
}

// IMF-fixdate (RFC 9110, 5.6.7).
std::string http_date(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  static_cast<void>(gmtime_r(&time, &parts));
  std::array<char, 40> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

// A field that stands twice is one list (RFC 9110, 5.3), which no key is.
std::optional<std::string> idempotency_key_of(const http::request<http::string_body>& message) {
  std::optional<std::string> value;
  const auto [first, last] = message.equal_range("Idempotency-Key");
  for (auto field = first; field != last; ++field) {
    value = value ? *value + ", " + std::string(field->value()) : std::string(field->value());
  }
  return value;
}

// What the protocol engine did not take; the status that says so.
HttpResponse refusal_of(const error_code& error) {
  HttpResponse response =
      delivery::problem_response({Errc::kEncoding, "the request is not HTTP/1.1, or not complete"});
  if (error == http::error::body_limit) {
    return delivery::problem_response({Errc::kLimit, "the request's body is over the limit"});
  }
  if (error == http::error::header_limit) {
    response.status = 431;
  }
  return response;
}

// One request on its way through the handler, and perhaps its wait for news.
struct Exchange;
using Waiting = std::multimap<std::string, std::shared_ptr<Exchange>>;  // by topic
struct Exchange {
  explicit Exchange(const asio::any_io_executor& executor) : timer(executor) {}

  enum class State : std::uint8_t { kQueued, kWaiting, kWoken, kDone };
  State state = State::kQueued;
  HttpRequest request;
  HttpResponse response;
  asio::steady_timer timer;
  std::optional<Waiting::iterator> place;  // while it waits
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options,
       TlsContext tls,
       delivery::HttpHandler& handler,
       const Clock& clock)
      : options_(std::move(options)), tls_(std::move(tls)), handler_(handler), clock_(clock) {}

  Result<void> listen() {
    error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) {
      return fail(Errc::kNetwork, "listen on an address such as 127.0.0.1, not on a host name");
    }
    const tcp::endpoint endpoint(address, options_.port);
    static_cast<void>(acceptor_.open(endpoint.protocol(), error));
    if (!error) {
      static_cast<void>(acceptor_.set_option(tcp::acceptor::reuse_address(true), error));
      static_cast<void>(acceptor_.bind(endpoint, error));
    }
    if (!error) {
      static_cast<void>(acceptor_.listen(asio::socket_base::max_listen_connections, error));
    }
    if (error) {
      return fail(Errc::kNetwork,
                  "this address and port cannot be listened on; it may be in use already");
    }
    port_ = acceptor_.local_endpoint().port();
    return {};
  }

  std::uint16_t port() const { return port_; }

  void run() {
    HandlerQueue queue(
        handler_, options_.max_batch,
        [this](std::vector<std::string> topics) {
          asio::post(context_, [this, topics = std::move(topics)] { wake(topics); });
        },
        options_.observer);
    queue_ = &queue;
    if (options_.observer != nullptr) {
      beat();
    }
    asio::co_spawn(context_, accept(), asio::detached);
    context_.run();
    queue_ = nullptr;
  }

  void stop() {
    asio::post(context_, [this] { begin_stop(); });
  }

  void drain() {
    asio::post(context_, [this] {
      draining_ = true;
      answer_waiting();
    });
  }

 private:
  void beat() {
    options_.observer->beat();
    beat_timer_.expires_after(std::chrono::seconds(1));
    beat_timer_.async_wait([this](const error_code& error) {
      if (!error) {
        beat();
      }
    });
  }

  // No answer is held back, no connection is kept.
  bool closing() const { return draining_ || stopping_; }

  void answer_waiting() {
    for (const auto& [topic, exchange] : waiting_) {
      exchange->timer.cancel();  // answered as things are
    }
  }

  void tell_waiting() {
    if (options_.observer != nullptr) {
      options_.observer->waiting(waiting_.size());
    }
  }

  void tell_connections() {
    if (options_.observer != nullptr) {
      options_.observer->connections(connections_);
    }
  }

  void begin_stop() {
    if (stopping_) {
      return;
    }
    stopping_ = true;
    error_code ignored;
    static_cast<void>(acceptor_.close(ignored));
    answer_waiting();
    for (Stream* idle : idle_) {
      beast::get_lowest_layer(*idle).cancel();
    }
    stop_timer_.expires_after(options_.stop_timeout);
    stop_timer_.async_wait([this](const error_code& error) {
      if (!error) {
        context_.stop();
      }
    });
    end_if_quiet();
  }

  void end_if_quiet() {
    if (stopping_ && connections_ == 0) {
      context_.stop();
    }
  }

  void wake(const std::vector<std::string>& topics) {
    for (const std::string& topic : topics) {
      const auto [first, last] = waiting_.equal_range(topic);
      for (auto it = first; it != last; ++it) {
        it->second->state = Exchange::State::kWoken;
        it->second->place.reset();
        it->second->timer.cancel();
      }
      waiting_.erase(first, last);
    }
    tell_waiting();
  }

  void submit(const std::shared_ptr<Exchange>& exchange) {
    exchange->state = Exchange::State::kQueued;
    queue_->submit({exchange->request, [this, exchange](HttpResponse response) {
                      asio::post(context_, [this, exchange, response = std::move(response)] {
                        take_answer(exchange, response);
                      });
                    }});
  }

  // Registers the wait here and not in the coroutine, for news of a later batch may be next in
  // line.
  void take_answer(const std::shared_ptr<Exchange>& exchange, const HttpResponse& response) {
    exchange->response = response;
    if (response.wait && response.wait->seconds > 0 && !closing()) {
      exchange->state = Exchange::State::kWaiting;
      exchange->place = waiting_.emplace(response.wait->topic, exchange);
      tell_waiting();
    } else {
      exchange->state = Exchange::State::kDone;
    }
    exchange->timer.cancel();
  }

  void forget(Exchange& exchange) {
    if (exchange.place) {
      waiting_.erase(*exchange.place);
      exchange.place.reset();
      tell_waiting();
    }
  }

  // Through the handler, and through its waits until the first one's end.
  asio::awaitable<HttpResponse> handle(HttpRequest request, bool& waited) {
    if (auto now = handler_.at_once(request)) {
      co_return std::move(*now);
    }
    auto exchange = std::make_shared<Exchange>(context_.get_executor());
    exchange->request = std::move(request);
    submit(exchange);
    std::optional<std::chrono::steady_clock::time_point> deadline;
    for (;;) {
      error_code ignored;
      while (exchange->state == Exchange::State::kQueued) {
        exchange->timer.expires_at(std::chrono::steady_clock::time_point::max());
        co_await exchange->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      // A stop that came before this coroutine could start its wait has cancelled nothing.
      waited = waited || exchange->state != Exchange::State::kDone;
      if (exchange->state == Exchange::State::kWaiting && !closing()) {
        if (!deadline) {
          deadline = std::chrono::steady_clock::now() +
                     std::chrono::seconds(exchange->response.wait->seconds);
        }
        exchange->timer.expires_at(*deadline);
        co_await exchange->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      if (exchange->state != Exchange::State::kWoken) {
        forget(*exchange);
        co_return std::move(exchange->response);
      }
      submit(exchange);
    }
  }

  // `message`: null for one that was not taken.
  void tell_answer(const http::request<http::string_body>* message,
                   const std::optional<std::string>& subject,
                   int status,
                   std::chrono::steady_clock::time_point begun,
                   bool waited) const {
    if (options_.observer == nullptr) {
      return;
    }
    AnsweredRequest answered{.subject = subject,
                             .status = status,
                             .took = std::chrono::steady_clock::now() - begun,
                             .waited = waited};
    if (message != nullptr) {
      answered.method = method_of(message->method());
      answered.target = std::string_view(message->target().data(), message->target().size());
    }
    options_.observer->answered(answered);
  }

  Answer answer_of(HttpResponse response, unsigned version, bool keep_alive) const {
    Answer answer(static_cast<http::status>(response.status), version);
    answer.set(http::field::date, http_date(clock_.now()));
    answer.set(http::field::cache_control, "no-store");
    if (!response.content_type.empty()) {
      answer.set(http::field::content_type, response.content_type);
    }
    if (response.retry_after_seconds) {
      answer.set(http::field::retry_after, std::to_string(*response.retry_after_seconds));
    }
    if (!response.allow.empty()) {
      answer.set(http::field::allow, response.allow);
    }
    answer.keep_alive(keep_alive);
    answer.body() = std::move(response.body);
    if (response.status != 204) {
      answer.prepare_payload();
    }
    return answer;
  }

  // One request and its answer; false when the connection has to be closed.
  asio::awaitable<bool> exchange(Stream& stream,
                                 beast::flat_buffer& buffer,
                                 const std::optional<std::string>& subject) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(options_.max_header_bytes);
    parser.body_limit(options_.max_body_bytes);
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::get_lowest_layer(stream).expires_after(options_.idle_timeout);
    idle_.insert(&stream);
    co_await http::async_read_header(stream, buffer, parser, token);
    idle_.erase(&stream);
    if (!error) {
      beast::get_lowest_layer(stream).expires_after(options_.request_timeout);
      co_await http::async_read(stream, buffer, parser, token);
    }
    const bool ours = error.category() == http::make_error_code(http::error::bad_method).category();
    if (error && (!ours || error == http::error::end_of_stream)) {
      co_return false;
    }
    const auto begun = std::chrono::steady_clock::now();
    HttpResponse response;
    bool keep_alive = false;
    bool waited = false;
    if (error) {
      response = refusal_of(error);
    } else {
      const http::request<http::string_body>& message = parser.get();
      // A method that we do not know may want an answer of another shape: HEAD has no body.
      keep_alive = message.keep_alive() && method_of(message.method()) != HttpMethod::kOther;
      beast::get_lowest_layer(stream).expires_never();
      // A named object: GCC 12 copies a temporary aggregate into the coroutine octet by octet.
      HttpRequest request{.method = method_of(message.method()),
                          .target = std::string(message.target()),
                          .body = message.body(),
                          .subject = subject,
                          .idempotency_key = idempotency_key_of(message)};
      response = co_await handle(std::move(request), waited);
    }
    tell_answer(error ? nullptr : &parser.get(), subject, response.status, begun, waited);
    KB_CRASH_POINT("net.server.before_send");
    const Answer answer =
        answer_of(std::move(response), parser.get().version(), keep_alive && !closing());
    beast::get_lowest_layer(stream).expires_after(options_.request_timeout);
    const bool refused = static_cast<bool>(error);
    co_await http::async_write(stream, answer, token);
    KB_CRASH_POINT("net.server.after_send");
    if (refused && !error) {
      co_await drain(stream);
    }
    co_return !error && answer.keep_alive();
  }

  // Takes what the client is still sending of a refused request, so that closing does not reset the
  // connection before the client has read why.
  static asio::awaitable<void> drain(Stream& stream) {
    constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
    std::array<char, 4'096> waste{};
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(1));
    co_await stream.async_shutdown(token);
    for (std::size_t taken = 0; taken < kMostBytes;) {
      const std::size_t size =
          co_await beast::get_lowest_layer(stream).async_read_some(asio::buffer(waste), token);
      if (error) {
        co_return;
      }
      taken += size;
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    static_cast<void>(socket.set_option(tcp::no_delay(true), error));
    Stream stream(std::move(socket), tls_.get());
    beast::get_lowest_layer(stream).expires_after(options_.handshake_timeout);
    co_await stream.async_handshake(asio::ssl::stream_base::server, token);
    if (options_.observer != nullptr) {
      options_.observer->handshake(!error);
    }
    if (!error) {
      const std::optional<std::string> subject = peer_common_name(stream.native_handle());
      beast::flat_buffer buffer;
      // A stop that came while an answer was being written has cancelled nothing.
      while (!stopping_ && co_await exchange(stream, buffer, subject)) {
      }
      beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(1));
      co_await stream.async_shutdown(token);
    }
    --connections_;
    tell_connections();
    end_if_quiet();
  }

  asio::awaitable<void> accept() {
    while (!stopping_) {
      error_code error;
      tcp::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (!error && connections_ < options_.max_connections && !stopping_) {
        ++connections_;
        tell_connections();
        asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
      } else if (!error && !stopping_ && options_.observer != nullptr) {
        options_.observer->connection_refused();
      } else if (error && !stopping_) {
        // Out of descriptors, for instance: let some connections end first.
        asio::steady_timer pause(context_, std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      }
    }
  }

  const HttpServerOptions options_;
  TlsContext tls_;
  delivery::HttpHandler& handler_;
  const Clock& clock_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer stop_timer_{context_};
  asio::steady_timer beat_timer_{context_};
  std::uint16_t port_ = 0;
  HandlerQueue* queue_ = nullptr;
  Waiting waiting_;
  std::set<Stream*> idle_;
  std::size_t connections_ = 0;
  bool draining_ = false;
  bool stopping_ = false;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::open(const HttpServerOptions& options,
                                                     const TlsIdentity& identity,
                                                     delivery::HttpHandler& handler,
                                                     const Clock& clock) {
  TlsContext tls = KB_TRY(TlsContext::server(identity, options.demo_key_log));
  auto impl = std::make_unique<Impl>(options, std::move(tls), handler, clock);
  KB_TRY(impl->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const { return impl_->port(); }
void HttpServer::run() { impl_->run(); }
void HttpServer::stop() { impl_->stop(); }
void HttpServer::drain() { impl_->drain(); }

}  // namespace kagibin::net
