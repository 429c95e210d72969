// SPDX-License-Identifier: Apache-2.0
// Nothing is reachable without mutual TLS but health: every path of doc/openapi.yaml is asked for
// over real TLS without a certificate, with one of another CA, an expired one, one that is no
// client's, and an invitation's.
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/net/http_client.h"
#include "kagibin/net/test_identities.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/test_service.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using delivery::HttpMethod;

constexpr std::string_view kSpidText = "AA000000000000000000000000000000";

struct Documented {
  std::string method;  // in upper case
  std::string target;
  bool open = false;  // "security: []"
};

// The document is written in keys at fixed indents (openapi_test).
std::vector<Documented> documented() {
  std::ifstream in(KAGIBIN_SOURCE_DIR "/doc/openapi.yaml");
  std::vector<Documented> all;
  std::string path;
  bool in_paths = false;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(" ")) {
      in_paths = line == "paths:";
    } else if (in_paths && line.starts_with("  /")) {
      path = line.substr(2, line.size() - 3);
      for (const auto& [place, text] :
           {std::pair<std::string_view, std::string_view>{"{provider}", kSpidText},
            {"{attempt}", "1"}}) {
        if (const auto at = path.find(place); at != std::string::npos) {
          path.replace(at, place.size(), text);
        }
      }
      for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
        path.replace(at, path.find('}') - at + 1, "x");
      }
    } else if (in_paths && line == "      security: []") {
      all.back().open = true;
    } else if (in_paths && line.starts_with("    ") && line[4] != ' ' && line.ends_with(":") &&
               line != "    parameters:") {
      std::string method = line.substr(4, line.size() - 5);
      std::ranges::transform(method, method.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      all.push_back({method, path});
    }
  }
  return all;
}

HttpMethod method_named(std::string_view name) {
  return name == "PUT" ? HttpMethod::kPut : name == "POST" ? HttpMethod::kPost : HttpMethod::kGet;
}

struct ReachabilityTest : testing::Test {
  ReachabilityTest() {
    thread = std::thread([this] { service.run(); });
  }
  ~ReachabilityTest() override {
    service.stop();
    thread.join();
  }

  // Without a certificate, which our client cannot be.
  std::string anonymous(const Documented& what) const {
    asio::io_context context{1};
    asio::ssl::context tls{asio::ssl::context::tls_client};
    asio::ssl::stream<tcp::socket> stream(context, tls);
    stream.lowest_layer().connect(tcp::endpoint(asio::ip::address_v4::loopback(), service.port()));
    boost::system::error_code error;
    static_cast<void>(stream.handshake(asio::ssl::stream_base::client, error));
    EXPECT_FALSE(error) << error.message();
    asio::write(stream,
                asio::buffer(what.method + " " + what.target +
                             " HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \"k\"\r\nContent-Length: "
                             "2\r\nConnection: close\r\n\r\n{}"),
                error);
    std::string answer;
    std::array<char, 4'096> piece{};
    while (!error) {
      const std::size_t size = stream.read_some(asio::buffer(piece), error);
      answer.append(piece.data(), size);
    }
    return answer;
  }

  Result<delivery::HttpResponse> ask(const net::TlsIdentity& identity,
                                     const Documented& what) const {
    const auto http = net::open_https_client(
        {.host = "127.0.0.1", .port = service.port(), .server_name = "localhost"}, identity);
    return (*http)->send({.method = method_named(what.method),
                          .target = what.target,
                          .body = what.method == "GET" ? "" : "{}"});
  }

  net::TlsIdentity of_our_ca(const crypto::TransportCertificate& what,
                             std::int64_t from,
                             int days) {
    const auto key = crypto::EcPrivateKey::generate(rng).value();
    const auto request = crypto::certificate_request(key, what.common_name).value();
    return {.certificate_pem = crypto::issue_certificate(ca.key(), ca.certificate_pem(), request,
                                                         what, from, days, rng)
                                   .value(),
            .key_pem = crypto::private_key_to_pem(key).value(),
            .ca_pem = ca.certificate_pem()};
  }

  static DistributorFolder made(const std::filesystem::path& where,
                                const Clock& clock,
                                crypto::Rng& rng) {
    DistributorFolder folder(where);
    EXPECT_TRUE(
        folder.init({.ca_name = "test", .server = {.dns_names = {"localhost"}}}, clock.now(), rng)
            .has_value());
    return folder;
  }

  SystemClock clock;
  crypto::SystemRng rng;
  store::TestFolder folder;
  DistributorFolder b = made(folder / "b", clock, rng);
  TransportCa ca = b.load_ca().value();
  Service service{folder / "b", clock};
  std::thread thread;
};

crypto::TransportCertificate of_the_provider() {
  return {.common_name = "provider:" + std::string(kSpidText),
          .server = false,
          .dns_names = {},
          .ip_addresses = {}};
}

TEST_F(ReachabilityTest, WithoutACertificateThereIsHealthAlone) {
  std::size_t open = 0;
  for (const Documented& what : documented()) {
    const std::string answer = anonymous(what);
    if (what.open) {
      ++open;
      EXPECT_TRUE(what.target == "/healthz" || what.target == "/readyz") << what.target;
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << what.target << answer;
      continue;
    }
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << what.method << what.target << answer;
    EXPECT_NE(answer.find("a client certificate of this distributor is needed"), std::string::npos)
        << answer;
  }
  EXPECT_GE(open, 1U);
  EXPECT_GE(documented().size(), routes().size());
}

TEST_F(ReachabilityTest, ACertificateThatIsNotGoodReachesNotEvenHealth) {
  net::TestCa foreign(clock.now());
  net::TlsIdentity other = foreign.client(of_the_provider().common_name);
  other.ca_pem = ca.certificate_pem();
  const std::int64_t long_ago = clock.now() - std::int64_t{30} * 86'400;
  crypto::TransportCertificate server = of_the_provider();
  server.server = true;
  server.dns_names = {"localhost"};
  const net::TlsIdentity expired = of_our_ca(of_the_provider(), long_ago, 10);
  const net::TlsIdentity not_yet =
      of_our_ca(of_the_provider(), clock.now() + std::int64_t{5} * 86'400, 10);
  const net::TlsIdentity of_a_server = of_our_ca(server, clock.now() - 60, 10);
  for (const Documented& what : documented()) {
    for (const net::TlsIdentity* identity :
         std::initializer_list<const net::TlsIdentity*>{&other, &expired, &not_yet, &of_a_server}) {
      const auto answer = ask(*identity, what);
      EXPECT_FALSE(answer.has_value()) << what.method << what.target << answer->body;
    }
  }
  EXPECT_EQ(ask(of_our_ca(of_the_provider(), clock.now() - 60, 10),
                {.method = "GET", .target = "/v1/orders"})
                ->status,
            200)
      << "a good one is let in";
}

TEST_F(ReachabilityTest, AnInvitationReachesItsRedemptionAlone) {
  const auto store = store::open_order_store({.path = b.orders()}).value();
  const SecretBytes file =
      invite(*store, ca, {delivery::Subject{delivery::Party::kOperator, "ops"}, "localhost", 1},
             clock.now(), rng)
          .value();
  const auto invitation = delivery::decode_invitation(file.expose()).value();
  const net::TlsIdentity identity{.certificate_pem = invitation.certificate_pem,
                                  .key_pem = invitation.private_key_pem.duplicate(),
                                  .ca_pem = invitation.ca_certificate_pem};
  for (const Documented& what : documented()) {
    const auto answer = ask(identity, what);
    ASSERT_TRUE(answer.has_value()) << what.target;
    const int expected = what.open ? 200 : what.target.starts_with("/v1/invitations/") ? 400 : 403;
    EXPECT_EQ(answer->status, expected) << what.method << what.target << answer->body;
  }
}

TEST_F(ReachabilityTest, AnIdempotencyKeyTravelsAndAFieldThatStandsTwiceIsNone) {
  const net::TlsIdentity identity = of_our_ca(of_the_provider(), clock.now() - 60, 10);
  const auto http = net::open_https_client(
      {.host = "127.0.0.1", .port = service.port(), .server_name = "localhost"}, identity);
  delivery::HttpRequest order{.method = HttpMethod::kPut,
                              .target = "/v1/orders/o",
                              .body = R"({"device":"phone","notAfter":4102444800})",
                              .idempotency_key = "\"k\""};
  EXPECT_EQ((*http)->send(order)->status, 201);
  EXPECT_EQ((*http)->send(order)->status, 201) << "kept";
  order.target = "/v1/orders/p";
  EXPECT_EQ((*http)->send(order)->status, 422);
  order.idempotency_key = "\"k\", \"k\"";
  EXPECT_EQ((*http)->send(order)->status, 400);
  order.idempotency_key.reset();
  EXPECT_EQ((*http)->send(order)->status, 201);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
