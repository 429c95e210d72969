// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/http_client.h"

#include <ctime>
#include <limits>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/ssl.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/net/https_stream.h"
#include "kagibin/net/tls_context.h"

namespace kagibin::net {
namespace {

constexpr std::uint32_t kMaxHeaderBytes = 8'192;
// For what is on its way when we are asked to stop.
constexpr std::chrono::milliseconds kGrace{500};

http::verb verb_of(HttpMethod method) {
  switch (method) {
    case HttpMethod::kPut:
      return http::verb::put;
    case HttpMethod::kPost:
      return http::verb::post;
    case HttpMethod::kDelete:
      return http::verb::delete_;
    case HttpMethod::kGet:
    case HttpMethod::kOther:
      break;
  }
  return http::verb::get;
}

std::unexpected<Error> failure(const error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error == asio::ssl::error::stream_truncated) {
    return fail(Errc::kNetwork, "the server closed the connection before its answer was complete");
  }
  if (error == http::error::body_limit || error == http::error::header_limit) {
    return fail(Errc::kHttp, "the server's answer is over the limit");
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return fail(Errc::kHttp, "the server's answer is not HTTP/1.1");
  }
  if (error.category() == asio::error::get_ssl_category()) {
    return fail(Errc::kTls,
                "the TLS connection was refused: our certificate or the server's is not good");
  }
  if (error == beast::error::timeout) {
    return fail(Errc::kNetwork, "the server did not answer in time");
  }
  return fail(Errc::kNetwork, "the server cannot be reached, or the connection broke");
}

// Seconds since 1970 of an IMF-fixdate; empty for any other text.
std::optional<std::int64_t> date_of(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') {
    return std::nullopt;
  }
  return timegm(&parts);
}

std::optional<std::uint32_t> seconds_of(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > 100'000) {
      return std::nullopt;
    }
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

// The slot of SSL_CTX in which the client stands; Asio has taken app_data.
int client_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

class HttpsClient final : public delivery::HttpClient {
 public:
  HttpsClient(HttpClientOptions options, TlsContext tls)
      : options_(std::move(options)), tls_(std::move(tls)) {
    SSL_CTX* context = tls_.get().native_handle();
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context, client_slot(), this);
    SSL_CTX_sess_set_new_cb(context, [](SSL* connection, SSL_SESSION* session) {
      auto* self = static_cast<HttpsClient*>(
          SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), client_slot()));
      self->session_.reset(session);
      return 1;  // ours now
    });
  }
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;
  ~HttpsClient() override = default;

  Result<HttpResponse> send(const HttpRequest& request) override {
    if (request.waits && options_.stop.stop_requested()) {
      return given_up();
    }
    Result<HttpResponse> result = fail(Errc::kNetwork, "the request did not run");
    given_up_ = false;
    under_way_ = true;
    may_be_given_up_ = request.waits;
    context_.restart();
    asio::co_spawn(
        context_,
        [this, &request, &result]() -> asio::awaitable<void> {
          result = co_await run(request);
          under_way_ = false;
          grace_.cancel();
        },
        asio::detached);
    // From the thread that asks us to stop; what it leaves in the context's queue refers to nothing
    // but this client, for it may be found there by the next request only.
    const std::stop_callback on_stop(options_.stop,
                                     [this] { asio::post(context_, [this] { wind_up(); }); });
    context_.run();
    if (!result) {
      stream_.reset();
    }
    return !result && given_up_ ? given_up() : result;
  }

 private:
  static std::unexpected<Error> given_up() {
    return fail(Errc::kInterrupted, "given up, because the program was asked to end");
  }

  void wind_up() {
    if (!under_way_) {
      return;
    }
    if (may_be_given_up_) {
      give_up();
      return;
    }
    grace_.expires_after(kGrace);
    grace_.async_wait([this](const error_code& error) {
      if (!error) {
        give_up();
      }
    });
  }

  // Ends whatever is under way; closed rather than cancelled, so that no next address is tried.
  void give_up() {
    given_up_ = true;
    resolver_.cancel();
    if (stream_) {
      beast::get_lowest_layer(*stream_).close();
    }
  }

  asio::awaitable<Result<HttpResponse>> run(const HttpRequest& request) {
    if (stream_) {
      Result<HttpResponse> response = co_await exchange(request);
      if (response || answer_begun_ || given_up_ || response.error().code != Errc::kNetwork) {
        co_return response;
      }
      stream_.reset();  // the server had closed it while nothing was under way
    }
    const Result<void> connected = co_await connect();
    if (!connected) {
      co_return std::unexpected(connected.error());
    }
    co_return co_await exchange(request);
  }

  asio::awaitable<Result<void>> connect() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto found =
        co_await resolver_.async_resolve(options_.host, std::to_string(options_.port), token);
    if (error || given_up_) {
      co_return fail(Errc::kNetwork, "the server's name cannot be resolved");
    }
    stream_.emplace(context_, tls_.get());
    buffer_.clear();
    beast::tcp_stream& transport = beast::get_lowest_layer(*stream_);
    transport.expires_after(options_.connect_timeout);
    co_await transport.async_connect(found, token);
    if (error) {
      co_return failure(error);
    }
    transport.socket().set_option(tcp::no_delay(true), error);
    KB_CRASH_POINT("net.client.after_connect");
    if (!prepare(error)) {
      co_return fail(Errc::kTls, "the TLS library did not take the server's name");
    }
    co_await stream_->async_handshake(asio::ssl::stream_base::client, token);
    if (error) {
      co_return error.category() == asio::error::get_ssl_category()
          ? fail(Errc::kTls,
                 "the server's certificate is not one that our transport CA issued for "
                 "this name, or it does not speak TLS 1.3")
          : failure(error);
    }
    co_return Result<void>();
  }

  // Name to ask for and to check, and the last session.
  bool prepare(error_code& error) {
    std::string name = options_.server_name.empty() ? options_.host : options_.server_name;
    stream_->set_verify_callback(asio::ssl::host_name_verification(name), error);
    if (error) {
      return false;
    }
    error_code not_an_address;
    static_cast<void>(asio::ip::make_address(name, not_an_address));
    SSL* connection = stream_->native_handle();
    // What SSL_set_tlsext_host_name stands for, without its cast.
    if (not_an_address && SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                   TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
      return false;
    }
    return !session_ || SSL_set_session(connection, session_.get()) == 1;
  }

  asio::awaitable<Result<HttpResponse>> exchange(const HttpRequest& request) {
    answer_begun_ = false;
    http::request<http::string_body> message(verb_of(request.method), request.target, 11);
    if (request.idempotency_key) {
      message.set("Idempotency-Key", *request.idempotency_key);
    }
    message.set(http::field::host,
                options_.server_name.empty() ? options_.host : options_.server_name);
    if (!request.body.empty()) {
      message.set(http::field::content_type, "application/json");
      message.body() = request.body;
    }
    message.prepare_payload();
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::tcp_stream& transport = beast::get_lowest_layer(*stream_);
    transport.expires_after(options_.request_timeout);
    KB_CRASH_POINT("net.client.before_send");
    co_await http::async_write(*stream_, message, token);
    if (error) {
      co_return failure(error);
    }
    KB_CRASH_POINT("net.client.after_send");
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(options_.max_body_bytes);
    co_await http::async_read(*stream_, buffer_, parser, token);
    answer_begun_ = parser.got_some();
    if (error) {
      co_return failure(error);
    }
    transport.expires_never();
    co_return response_of(parser.release());
  }

  HttpResponse response_of(http::response<http::string_body> message) {
    HttpResponse response;
    response.status = static_cast<int>(message.result_int());
    response.content_type = std::string(message[http::field::content_type]);
    response.retry_after_seconds = seconds_of(message[http::field::retry_after]);
    response.date = date_of(message[http::field::date]);
    response.body = std::move(message.body());
    if (!message.keep_alive()) {
      stream_.reset();
    }
    return response;
  }

  const HttpClientOptions options_;
  std::unique_ptr<SSL_SESSION, FreeSession> session_;
  TlsContext tls_;
  asio::io_context context_{1};
  tcp::resolver resolver_{context_};
  asio::steady_timer grace_{context_};
  std::optional<Stream> stream_;
  beast::flat_buffer buffer_;
  bool answer_begun_ = false;
  bool under_way_ = false;
  bool may_be_given_up_ = false;
  bool given_up_ = false;
};

}  // namespace

Result<std::unique_ptr<delivery::HttpClient>> open_https_client(const HttpClientOptions& options,
                                                                const TlsIdentity& identity) {
  TlsContext tls = KB_TRY(TlsContext::client(identity, options.demo_key_log));
  if (options.verification_time) {
    tls.verify_at(*options.verification_time);
  }
  return std::make_unique<HttpsClient>(options, std::move(tls));
}

}  // namespace kagibin::net
