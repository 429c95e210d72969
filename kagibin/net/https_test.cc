// SPDX-License-Identifier: Apache-2.0
// Server and client over real TLS on loopback.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <stop_token>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "kagibin/base/clock.h"
#include "kagibin/net/http_client.h"
#include "kagibin/net/http_server.h"
#include "kagibin/net/test_identities.h"

namespace kagibin::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using delivery::HttpMethod;
using delivery::HttpRequest;
using delivery::HttpResponse;

// Answers what it saw; "/wait" waits for the topic "bell", which "/ring" rings.
class EchoHandler final : public delivery::HttpHandler {
 public:
  HttpResponse handle(const HttpRequest& request) override {
    ++calls;
    HttpResponse response;
    if (request.target == "/wait") {
      response.status = rung ? 200 : 204;
      response.body = rung ? "rung" : "";
      response.wait = rung ? std::nullopt : std::optional(delivery::HttpWait{"bell", 2});
      ++waits;
      return response;
    }
    if (request.target == "/ring") {
      rung = true;
      response.wakes = {"bell"};
    }
    if (request.target == "/slow") {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    response.body = request.subject.value_or("nobody") + " " + request.target + " " + request.body;
    response.retry_after_seconds = 7;
    return response;
  }
  std::optional<HttpResponse> at_once(const HttpRequest& request) const override {
    return request.target == "/now" ? std::optional(HttpResponse{.body = "now"}) : std::nullopt;
  }
  std::vector<HttpResponse> handle_batch(std::span<const HttpRequest> requests) override {
    largest_batch = std::max(largest_batch.load(), requests.size());
    return HttpHandler::handle_batch(requests);
  }
  std::vector<std::string> tick() override {
    ++ticks;
    return {};
  }
  std::atomic<int> calls{0};
  std::atomic<int> waits{0};
  std::atomic<int> ticks{0};
  std::atomic<std::size_t> largest_batch{0};
  bool rung = false;
};

// Counts what the server tells.
class Counting final : public ServerObserver {
 public:
  void connections(std::size_t now) override {
    open = now;
    most = std::max(most.load(), now);
  }
  void connection_refused() override { ++refused; }
  void handshake(bool succeeded) override { ++(succeeded ? shaken : failed); }
  void waiting(std::size_t now) override { held_back = now; }
  void queued(std::size_t now) override { most_queued = std::max(most_queued.load(), now); }
  void answered(const AnsweredRequest& request) override {
    const std::lock_guard lock(mutex);
    answers.push_back(std::string(request.target) + " " + request.subject.value_or("nobody") + " " +
                      std::to_string(request.status) + (request.waited ? " waited" : ""));
  }
  void beat() override { ++beats; }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex);
    return answers;
  }
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> most{0};
  std::atomic<std::size_t> held_back{0};
  std::atomic<std::size_t> most_queued{0};
  std::atomic<int> refused{0};
  std::atomic<int> shaken{0};
  std::atomic<int> failed{0};
  std::atomic<int> beats{0};

 private:
  std::mutex mutex;
  std::vector<std::string> answers;
};

class HttpsTest : public testing::Test {
 protected:
  HttpsTest() { start({}); }
  ~HttpsTest() override { finish(); }
  void start(HttpServerOptions options) {
    server = HttpServer::open(options, ca.server("localhost"), handler, clock).value();
    thread = std::thread([this] { server->run(); });
  }
  void finish() {
    if (thread.joinable()) {
      server->stop();
      thread.join();
    }
  }
  void restart(const HttpServerOptions& options) {
    finish();
    start(options);
  }
  std::unique_ptr<delivery::HttpClient> client(const TlsIdentity& identity) {
    return open_https_client(
               {.host = "127.0.0.1", .port = server->port(), .server_name = "localhost"}, identity)
        .value();
  }
  std::unique_ptr<delivery::HttpClient> client() { return client(ca.client("device:phone")); }
  std::unique_ptr<delivery::HttpClient> client(std::stop_token stop, std::uint16_t port) {
    return open_https_client({.host = "127.0.0.1",
                              .port = port,
                              .server_name = "localhost",
                              .stop = std::move(stop)},
                             ca.client("device:phone"))
        .value();
  }

  // A TLS connection of OpenSSL's own making, for what our client would never do.
  struct RawConnection {
    asio::io_context context{1};
    asio::ssl::context tls{asio::ssl::context::tls_client};
    std::optional<asio::ssl::stream<tcp::socket>> stream;
  };
  std::unique_ptr<RawConnection> raw(const TlsIdentity* identity, int version = TLS1_3_VERSION) {
    auto out = std::make_unique<RawConnection>();
    SSL_CTX_set_max_proto_version(out->tls.native_handle(), version);
    if (identity != nullptr) {
      out->tls.use_certificate_chain(asio::buffer(identity->certificate_pem));
      out->tls.use_private_key(
          asio::buffer(identity->key_pem.expose().data(), identity->key_pem.expose().size()),
          asio::ssl::context::pem);
    }
    out->stream.emplace(out->context, out->tls);
    out->stream->lowest_layer().connect(
        tcp::endpoint(asio::ip::address_v4::loopback(), server->port()));
    return out;
  }
  // Sends the text and reads until the server closes; the handshake's error instead when it fails.
  static std::string talk(RawConnection& connection, std::string_view text) {
    boost::system::error_code error;
    connection.stream->handshake(asio::ssl::stream_base::client, error);
    if (error) {
      return "handshake: " + error.message();
    }
    asio::write(*connection.stream, asio::buffer(text), error);
    std::string answer;
    std::array<char, 4'096> piece{};
    while (!error) {
      const std::size_t size = connection.stream->read_some(asio::buffer(piece), error);
      answer.append(piece.data(), size);
    }
    return answer;
  }

  SystemClock clock;
  TestCa ca{clock.now() - 3'600};
  EchoHandler handler;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
};

TEST_F(HttpsTest, CarriesMethodTargetBodyAndTheSubjectOfTheCertificate) {
  const auto http = client();
  const auto answer = http->send(
      {.method = HttpMethod::kPut, .target = "/a?b=1", .body = "{\"x\":1}", .subject = {}});
  ASSERT_TRUE(answer.has_value()) << answer.error().detail.text();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "device:phone /a?b=1 {\"x\":1}");
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->retry_after_seconds, 7U);
  EXPECT_NEAR(static_cast<double>(answer->date.value()), static_cast<double>(clock.now()), 2.0);
}

TEST_F(HttpsTest, AKeptConnectionThatTheServerClosedIsOpenedAgain) {
  const auto http = client();
  ASSERT_TRUE(http->send({.target = "/1"}).has_value());
  const std::uint16_t port = server->port();
  restart({.port = port});
  const auto again = http->send({.target = "/2"});
  ASSERT_TRUE(again.has_value()) << again.error().detail.text();
  EXPECT_EQ(again->body, "device:phone /2 ");
  finish();
  EXPECT_EQ(http->send({.target = "/3"}).error().code, Errc::kNetwork);
}

TEST_F(HttpsTest, AClientWithoutACertificateIsNobody) {
  const auto connection = raw(nullptr);
  const std::string answer =
      talk(*connection, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
  EXPECT_NE(answer.find("nobody /healthz"), std::string::npos) << answer;
}

TEST_F(HttpsTest, CertificatesOfAnotherCaExpiredOrOfServersAreRefused) {
  TestCa other(clock.now() - 3'600);
  TlsIdentity foreign = other.client("device:phone");
  foreign.ca_pem = ca.pem();  // it believes our server
  TlsIdentity expired = ca.expired_client("device:phone");
  TlsIdentity server_certificate = ca.server("device");
  for (const TlsIdentity* identity : {&foreign, &expired, &server_certificate}) {
    const auto answer = client(*identity)->send({.target = "/a"});
    ASSERT_FALSE(answer.has_value());
    EXPECT_TRUE(answer.error().code == Errc::kTls || answer.error().code == Errc::kNetwork);
  }
  EXPECT_EQ(handler.calls, 0);
  EXPECT_TRUE(client()->send({.target = "/a"}).has_value());
}

TEST_F(HttpsTest, TheClientRefusesAServerOfAnotherCaOrOfAnotherName) {
  TestCa other(clock.now() - 3'600);
  TlsIdentity pins_other = ca.client("device:phone");
  pins_other.ca_pem = other.pem();
  EXPECT_EQ(client(pins_other)->send({.target = "/a"}).error().code, Errc::kTls);
  const auto wrong_name =
      open_https_client(
          {.host = "127.0.0.1", .port = server->port(), .server_name = "elsewhere.example"},
          ca.client("device:phone"))
          .value();
  EXPECT_EQ(wrong_name->send({.target = "/a"}).error().code, Errc::kTls);
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(HttpsTest, TheServersCertificateIsCheckedAtTheTimeThatTheCallerSays) {
  const auto at = [&](std::int64_t time) {
    return open_https_client({.host = "127.0.0.1",
                              .port = server->port(),
                              .server_name = "localhost",
                              .verification_time = time},
                             ca.client("device:phone"))
        .value()
        ->send({.target = "/a"});
  };
  EXPECT_EQ(at(0).error().code, Errc::kTls) << "a device that thinks it is 1970";
  EXPECT_TRUE(at(clock.now() + 20 * 86'400).has_value());
  EXPECT_EQ(at(clock.now() + 60 * 86'400).error().code, Errc::kTls);
}

TEST_F(HttpsTest, Tls12IsRefused) {
  const TlsIdentity identity = ca.client("device:phone");
  const auto connection = raw(&identity, TLS1_2_VERSION);
  EXPECT_TRUE(talk(*connection, "GET / HTTP/1.1\r\n\r\n").starts_with("handshake: "));
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(HttpsTest, OversizedAndMalformedRequestsAreRefusedAndTheServiceGoesOn) {
  const TlsIdentity identity = ca.client("device:phone");
  const auto ask = [&](const std::string& text) { return talk(*raw(&identity), text); };
  EXPECT_NE(
      ask("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n" + std::string(65'537, 'x'))
          .find(" 413 "),
      std::string::npos);
  EXPECT_NE(ask("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n11000\r\n" +
                std::string(0x11000, 'x'))
                .find(" 413 "),
            std::string::npos);
  EXPECT_NE(
      ask("GET /a HTTP/1.1\r\nHost: x\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n").find(" 431 "),
      std::string::npos);
  const std::string broken = ask("NONSENSE\r\n\r\n");
  EXPECT_NE(broken.find(" 400 "), std::string::npos) << broken;
  EXPECT_NE(broken.find("application/problem+json"), std::string::npos);
  EXPECT_EQ(handler.calls, 0);
  EXPECT_NE(ask("PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 65536\r\n\r\n" +
                std::string(65'536, 'x'))
                .find(" 200 "),
            std::string::npos);
  EXPECT_TRUE(client()->send({.target = "/a"}).has_value());
}

TEST_F(HttpsTest, AWaitingRequestIsAnsweredByNewsAtOnceAndWithoutNewsInTime) {
  auto waiting = std::async(std::launch::async, [this] {
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = client()->send({.target = "/wait"});
    return std::pair(answer, std::chrono::steady_clock::now() - begin);
  });
  while (handler.waits == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto other = client();
  ASSERT_TRUE(other->send({.target = "/while-it-waits"}).has_value());
  ASSERT_TRUE(other->send({.target = "/ring"}).has_value());
  const auto [answer, took] = waiting.get();
  EXPECT_EQ(answer.value().body, "rung");
  EXPECT_LT(took, std::chrono::seconds(2));

  handler.rung = false;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(client()->send({.target = "/wait"}).value().status, 204);
  const auto waited = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(waited, std::chrono::milliseconds(1'900));
  EXPECT_LT(waited, std::chrono::seconds(10));
  EXPECT_GT(handler.ticks, 0);
}

TEST_F(HttpsTest, StoppingAnswersWhatIsBeingHandledAndEndsTheWaits) {
  auto slow =
      std::async(std::launch::async, [this] { return client()->send({.target = "/slow"}); });
  auto waiting =
      std::async(std::launch::async, [this] { return client()->send({.target = "/wait"}); });
  while (handler.calls < 2 || handler.waits < 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto begin = std::chrono::steady_clock::now();
  finish();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  EXPECT_EQ(slow.get().value().body, "device:phone /slow ");
  EXPECT_EQ(waiting.get().value().status, 204);
}

TEST_F(HttpsTest, WhatIsAnsweredAtOnceWaitsForNoHandler) {
  const auto http = client();
  ASSERT_TRUE(http->send({.target = "/first"}).has_value());
  auto slow =
      std::async(std::launch::async, [this] { return client()->send({.target = "/slow"}); });
  while (handler.calls < 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(http->send({.target = "/now"}).value().body, "now");
  EXPECT_EQ(slow.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(handler.calls, 2);
  EXPECT_TRUE(slow.get().has_value());
}

TEST_F(HttpsTest, WhoDrainsServesOnHoldsNothingBackAndKeepsNoConnection) {
  auto waiting =
      std::async(std::launch::async, [this] { return client()->send({.target = "/wait"}); });
  while (handler.waits < 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto kept = client();
  ASSERT_TRUE(kept->send({.target = "/before"}).has_value());
  const auto begin = std::chrono::steady_clock::now();
  server->drain();
  EXPECT_EQ(waiting.get().value().status, 204);
  EXPECT_EQ(client()->send({.target = "/wait"}).value().status, 204) << "nor is a new one held";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1'500));
  EXPECT_EQ(kept->send({.target = "/kept"}).value().body, "device:phone /kept ");
  EXPECT_EQ(client()->send({.target = "/new"}).value().body, "device:phone /new ");
  const TlsIdentity identity = ca.client("device:phone");
  // Reads until the server closes, though it did not ask for that.
  const std::string answer = talk(*raw(&identity), "GET /raw HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Retry-After: 7"), std::string::npos) << answer;
  server->drain();  // again: nothing more
  finish();
}

TEST_F(HttpsTest, TheObserverHearsOfConnectionsHandshakesAnswersAndWaits) {
  Counting observer;
  restart({.max_connections = 2, .observer = &observer});
  {
    const auto http = client();
    ASSERT_TRUE(http->send({.target = "/a"}).has_value());
    EXPECT_EQ(observer.open, 1U);
    auto waiting =
        std::async(std::launch::async, [this] { return client()->send({.target = "/wait"}); });
    while (observer.held_back < 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_FALSE(client()->send({.target = "/third"}).has_value());
    EXPECT_EQ(observer.refused, 1);
    ASSERT_TRUE(http->send({.target = "/ring"}).has_value());
    EXPECT_EQ(waiting.get().value().status, 200);
  }
  const TlsIdentity identity = ca.client("device:phone");
  while (observer.open > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(talk(*raw(&identity, TLS1_2_VERSION), "").starts_with("handshake: "));
  static_cast<void>(talk(*raw(nullptr), "NONSENSE\r\n\r\n"));
  while (observer.beats < 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  finish();
  EXPECT_EQ(observer.told(),
            (std::vector<std::string>{"/a device:phone 200", "/ring device:phone 200",
                                      "/wait device:phone 200 waited", " nobody 400"}));
  EXPECT_EQ(observer.open, 0U);
  EXPECT_EQ(observer.most, 2U);
  EXPECT_EQ(observer.held_back, 0U);
  EXPECT_GE(observer.most_queued, 1U);
  EXPECT_EQ(observer.shaken, 3);
  EXPECT_EQ(observer.failed, 1);
}

TEST_F(HttpsTest, AClientThatIsAskedToStopGivesUpItsWaitAtOnce) {
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] {
    const auto http = client(stop.get_token(), server->port());
    auto first = http->send({.target = "/wait", .waits = true});
    const auto next = http->send({.target = "/wait", .waits = true});
    EXPECT_EQ(next.error().code, Errc::kInterrupted) << "nor begins another one";
    EXPECT_TRUE(http->send({.target = "/last-word"}).has_value()) << "what does not wait may pass";
    return first;
  });
  while (handler.waits == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(waiting.get().error().code, Errc::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1'000));
  EXPECT_TRUE(client()->send({.target = "/after"}).has_value()) << "the service goes on";
}

TEST_F(HttpsTest, AClientThatIsAskedToStopTakesTheAnswerThatIsOnItsWay) {
  std::stop_source stop;
  auto slow = std::async(std::launch::async, [&] {
    return client(stop.get_token(), server->port())->send({.target = "/slow"});
  });
  while (handler.calls == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  stop.request_stop();
  EXPECT_TRUE(slow.get().has_value());
}

TEST_F(HttpsTest, AServerThatSaysNothingHoldsNobodyWhoIsAskedToStop) {
  asio::io_context context{1};
  tcp::acceptor mute(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::stop_source stop;
  auto hanging = std::async(std::launch::async, [&] {
    return client(stop.get_token(), mute.local_endpoint().port())->send({.target = "/put"});
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(hanging.get().error().code, Errc::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1'000));
}

TEST_F(HttpsTest, RequestsThatArriveWhileOneIsHandledAreHandedOverTogether) {
  std::vector<std::future<bool>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [this] {
      const auto http = client();
      return http->send({.target = "/slow"}).has_value() &&
             http->send({.target = "/slow"}).has_value();
    }));
  }
  for (auto& answer : answers) {
    EXPECT_TRUE(answer.get());
  }
  EXPECT_GT(handler.largest_batch, 1U);
}

TEST_F(HttpsTest, OverTheLimitOfConnectionsTheNextOneIsClosed) {
  restart({.max_connections = 1});
  const auto first = client();
  ASSERT_TRUE(first->send({.target = "/a"}).has_value());
  EXPECT_FALSE(client()->send({.target = "/a"}).has_value());
  EXPECT_TRUE(first->send({.target = "/a"}).has_value());
}

TEST_F(HttpsTest, AnIdleConnectionIsClosedInTime) {
  restart({.idle_timeout = std::chrono::seconds(1)});
  const TlsIdentity identity = ca.client("device:phone");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(talk(*raw(&identity), "GET /half"), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
}

TEST_F(HttpsTest, TheKeyLogIsWrittenOnlyWhereItIsAskedFor) {
  const auto path =
      std::filesystem::temp_directory_path() / ("kagibin-keylog-" + std::to_string(server->port()));
  const auto http = open_https_client({.host = "127.0.0.1",
                                       .port = server->port(),
                                       .server_name = "localhost",
                                       .demo_key_log = DemoKeyLog{path}},
                                      ca.client("device:phone"))
                        .value();
  ASSERT_TRUE(http->send({.target = "/a"}).has_value());
  std::ifstream log(path);
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  EXPECT_NE(text.find("CLIENT_TRAFFIC_SECRET_0 "), std::string::npos);
  EXPECT_NE(text.find("SERVER_TRAFFIC_SECRET_0 "), std::string::npos);
  std::filesystem::remove(path);
}

TEST_F(HttpsTest, AnIdentityThatDoesNotFitIsRefusedBeforeAnyConnection) {
  TlsIdentity mixed = ca.client("device:phone");
  mixed.key_pem = ca.client("device:phone").key_pem.duplicate();
  EXPECT_EQ(open_https_client({.host = "x", .port = 1}, mixed).error().code, Errc::kTls);
  mixed.certificate_pem = "no PEM";
  EXPECT_EQ(open_https_client({.host = "x", .port = 1}, mixed).error().code, Errc::kTls);
  EXPECT_EQ(HttpServer::open({.port = server->port()}, ca.server("localhost"), handler, clock)
                .error()
                .code,
            Errc::kNetwork);
}

}  // namespace
}  // namespace kagibin::net
