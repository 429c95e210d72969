// SPDX-License-Identifier: Apache-2.0
// The operator as it runs: invitations, certificates of its own CA, real TLS on loopback, a real
// store; killed at its crash points and started again.
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/net/http_client.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"
#include "kagibin/roles/key_distribution_operator/test_service.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::AttemptRequest;
using delivery::DeviceApi;
using delivery::DeviceId;
using delivery::HttpClient;
using delivery::HttpMethod;
using delivery::OrderId;
using delivery::ProviderApi;
using delivery::State;
using delivery::Verdict;
using envelope::ActionResult;

constexpr Spid kSpid{{0xAA}};

class DistributorTlsTest : public testing::Test {
 protected:
  DistributorTlsTest() {
    EXPECT_TRUE(
        DistributorFolder(folder / "b")
            .init({.ca_name = "test", .server = {.dns_names = {"localhost"}}}, clock.now(), rng)
            .has_value());
  }
  ~DistributorTlsTest() override { stop(); }

  void start(std::uint16_t port = 0) {
    service.emplace(folder / "b", clock, port);
    thread = std::thread([this] { service->run(); });
  }
  void stop() {
    if (thread.joinable()) {
      service->stop();
      thread.join();
      service.reset();
    }
  }

  std::unique_ptr<HttpClient> client(const net::TlsIdentity& identity, std::uint16_t port) {
    return net::open_https_client({.host = "127.0.0.1", .port = port, .server_name = "localhost"},
                                  identity)
        .value();
  }

  // Everything that `distributor invite` and a redeeming client do; works beside a running service.
  net::TlsIdentity invited(std::string_view subject) {
    const DistributorFolder b(folder / "b");
    const TransportCa ca = b.load_ca().value();
    const auto store = store::open_order_store({.path = b.orders()}).value();
    const SecretBytes file =
        invite(*store, ca, {delivery::Subject::parse(subject).value(), "localhost", 1}, clock.now(),
               rng)
            .value();
    const auto invitation = delivery::decode_invitation(file.expose()).value();
    const auto http = client({.certificate_pem = invitation.certificate_pem,
                              .key_pem = invitation.private_key_pem.duplicate(),
                              .ca_pem = invitation.ca_certificate_pem},
                             service->port());
    const auto key = crypto::EcPrivateKey::generate(rng).value();
    const auto issued = delivery::redeem_invitation(
                            *http, {crypto::certificate_request(key, invitation.subject).value()})
                            .value();
    return {.certificate_pem = issued.pem,
            .key_pem = crypto::private_key_to_pem(key).value(),
            .ca_pem = invitation.ca_certificate_pem};
  }

  SystemClock clock;
  crypto::SystemRng rng;
  store::TestFolder folder;
  std::optional<Service> service;
  std::thread thread;
};

OrderId id(std::string_view text) { return OrderId::from(text).value(); }
delivery::OrderKey ours(const OrderId& order) { return {.provider = kSpid, .id = order}; }
DeviceId phone() { return DeviceId::from("phone").value(); }
AttemptRequest request(Bytes e0) { return {AttemptRequest::Kind::kRequest, std::move(e0)}; }

TEST_F(DistributorTlsTest, AWholeOrderRunsOverTlsBetweenInvitedParties) {
  start();
  const auto provider_http =
      client(invited(delivery::provider_subject(kSpid).common_name()), service->port());
  const auto device_http = client(invited("device:phone"), service->port());
  const auto thief_http = client(invited("device:thief"), service->port());
  ProviderApi a(*provider_http);
  DeviceApi agent(*device_http);
  DeviceApi thief(*thief_http);
  const OrderId order = id("order-1");
  ASSERT_TRUE(a.put_order(order, {phone(), clock.now() + 600}).has_value());

  auto waiting = std::async(std::launch::async, [&] { return agent.work("", 30); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(a.put_attempt(order, 1, request(a_request(kSpid, 1))).has_value());
  const auto work = waiting.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  ASSERT_TRUE(work.has_value() && work->has_value());
  EXPECT_EQ((*work)->message, a_request(kSpid, 1));

  EXPECT_EQ(thief.work("", 0).value(), std::nullopt);
  EXPECT_EQ(thief.put_enrolment(ours(order), 1, {an_answer(7, 1)}).error().code, Errc::kNotFound);
  ASSERT_TRUE(agent.put_enrolment(ours(order), 1, {an_answer(7, 1)}).has_value());
  ASSERT_TRUE(agent.put_enrolment(ours(order), 1, {an_answer(7, 1)}).has_value());
  EXPECT_EQ(agent.put_enrolment(ours(order), 1, {an_answer(8, 1)}).error().code, Errc::kConflict);
  ASSERT_TRUE(a.put_delivery(order, 1, {an_envelope(kSpid, 7)}).has_value());
  const std::uint16_t port = service->port();
  stop();
  start(port);
  ASSERT_TRUE(agent.work("", 0).value().has_value()) << "over a new connection";
  ASSERT_TRUE(
      agent.put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).has_value());
  EXPECT_EQ(a.list(State::kReported, "")->attempts.size(), 1U);
  EXPECT_EQ(a.put_verdict(order, 1, {Verdict::kConfirmed, "", 1})->state, State::kConfirmed);
  ASSERT_TRUE(a.connection().server_time().has_value());
}

TEST_F(DistributorTlsTest, StrangersAndWrongRolesGetNothing) {
  start();
  const net::TlsIdentity device = invited("device:phone");
  const auto http = client(device, service->port());
  const auto list = http->send({.method = HttpMethod::kGet, .target = "/v1/orders"});
  EXPECT_EQ(list->status, 403);
  EXPECT_EQ(list->content_type, "application/problem+json");
  const auto other = http->send({.method = HttpMethod::kGet, .target = "/v1/devices/thief/work"});
  EXPECT_EQ(other->status, 404);
  const auto broken =
      http->send({.method = HttpMethod::kPut,
                  .target = "/v1/providers/" + kSpid.hex() + "/orders/o/attempts/1/receipt",
                  .body = "{"});
  EXPECT_EQ(broken->status, 404) << "names of others are not told from broken bodies";

  const DistributorFolder c(folder / "c");
  ASSERT_TRUE(c.init({.ca_name = "test", .server = {.dns_names = {"localhost"}}}, clock.now(), rng)
                  .has_value());
  const TransportCa foreign = c.load_ca().value();
  const auto key = crypto::EcPrivateKey::generate(rng).value();
  const auto csr = crypto::certificate_request(key, "x").value();
  const net::TlsIdentity forged{
      .certificate_pem =
          foreign.issue_client({delivery::Party::kDevice, "phone"}, csr, clock.now(), 30, rng)
              .value(),
      .key_pem = crypto::private_key_to_pem(key).value(),
      .ca_pem = device.ca_pem};
  EXPECT_FALSE(client(forged, service->port())
                   ->send({.method = HttpMethod::kGet, .target = "/v1/devices/self/work"})
                   .has_value());
}

TEST_F(DistributorTlsTest, AFolderIsMadeOnceAndKeepsItsKeysToItself) {
  const DistributorFolder b(folder / "b");
  EXPECT_EQ(b.init({.ca_name = "x", .server = {.dns_names = {"y"}}}, clock.now(), rng).error().code,
            Errc::kConflict);
  for (const char* name : {"b/ca.key.pem", "b/server.key.pem"}) {
    EXPECT_EQ(std::filesystem::status(folder / name).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << name;
  }
  const std::string before = b.load()->server_certificate_pem;
  ASSERT_TRUE(b.renew_server({.dns_names = {"localhost"}}, clock.now(), rng).has_value());
  EXPECT_NE(b.load()->server_certificate_pem, before);
  EXPECT_EQ(DistributorFolder(folder / "none").load().error().code, Errc::kNotFound);
  EXPECT_EQ(DistributorFolder(folder / "e")
                .init({.ca_name = "x", .server = {}}, clock.now(), rng)
                .error()
                .code,
            Errc::kInvalidArgument);
}

#ifdef KAGIBIN_TEST_HOOKS

// Runs the service in a child with one crash point armed, until it dies or is killed.
class CrashingService {
 public:
  CrashingService(const std::filesystem::path& path, const Clock& clock, const char* point) {
    std::array<int, 2> pipe_ends{};
    EXPECT_EQ(pipe(pipe_ends.data()), 0);
    child_ = fork();
    if (child_ == 0) {
      setenv("KAGIBIN_CRASH_AT", point, 1);  // NOLINT(concurrency-mt-unsafe): the child is alone
      Service service(path, clock);
      const std::uint16_t port = service.port();
      static_cast<void>(!write(pipe_ends[1], &port, sizeof port));
      service.run();
      _exit(0);
    }
    EXPECT_EQ(read(pipe_ends[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
    close(pipe_ends[0]);
    close(pipe_ends[1]);
  }
  CrashingService(const CrashingService&) = delete;
  CrashingService& operator=(const CrashingService&) = delete;
  ~CrashingService() { died(); }
  std::uint16_t port() const { return port_; }
  // Ends the child; true when its crash point had ended it already.
  bool died() {
    if (child_ == 0) {
      return died_;
    }
    int status = 0;
    for (int i = 0; i < 100 && !died_; ++i) {
      died_ = waitpid(child_, &status, WNOHANG) == child_;
      std::this_thread::sleep_for(std::chrono::milliseconds(died_ ? 0 : 10));
    }
    if (!died_) {
      kill(child_, SIGTERM);
      waitpid(child_, &status, 0);
    }
    child_ = 0;
    return died_;
  }

 private:
  pid_t child_ = 0;
  std::uint16_t port_ = 0;
  bool died_ = false;
};

TEST_F(DistributorTlsTest, KilledAtAnyStepItLosesNothingAndEveryRequestCanBeRepeated) {
  start();
  const net::TlsIdentity provider = invited(delivery::provider_subject(kSpid).common_name());
  const net::TlsIdentity device = invited("device:phone");
  stop();
  const OrderId order = id("order-1");
  const std::int64_t not_after = clock.now() + 600;
  using Step = std::function<bool(ProviderApi&, DeviceApi&)>;
  const std::vector<std::pair<std::string, Step>> steps = {
      {"order", [&](ProviderApi& a,
                    DeviceApi&) { return a.put_order(order, {phone(), not_after}).has_value(); }},
      {"attempt",
       [&](ProviderApi& a, DeviceApi&) {
         return a.put_attempt(order, 1, request(a_request(kSpid, 1))).has_value();
       }},
      {"enrolment",
       [&](ProviderApi&, DeviceApi& d) {
         return d.put_enrolment(ours(order), 1, {an_answer(7, 1)}).has_value();
       }},
      {"delivery",
       [&](ProviderApi& a, DeviceApi&) {
         return a.put_delivery(order, 1, {an_envelope(kSpid, 7)}).has_value();
       }},
      {"work",
       [&](ProviderApi&, DeviceApi& d) {
         const auto work = d.work("", 0);
         return work.has_value() && work->has_value();
       }},
      {"receipt",
       [&](ProviderApi&, DeviceApi& d) {
         return d.put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).has_value();
       }},
      {"verdict",
       [&](ProviderApi& a, DeviceApi&) {
         return a.put_verdict(order, 1, {Verdict::kConfirmed, "", 1}).has_value();
       }},
  };
  for (const auto& [name, step] : steps) {
    const std::vector<std::string> points = {"distributor." + name + ".before_commit",
                                             "distributor." + name + ".after_commit",
                                             "net.server.before_send", "net.server.after_send"};
    for (const std::string& point : points) {
      CrashingService crashing(folder / "b", clock, point.c_str());
      const auto provider_http = client(provider, crashing.port());
      const auto device_http = client(device, crashing.port());
      ProviderApi a(*provider_http);
      DeviceApi agent(*device_http);
      const bool answered = step(a, agent);
      EXPECT_EQ(answered, point == "net.server.after_send") << point;
      EXPECT_TRUE(crashing.died()) << point;
    }
    start();
    const auto provider_http = client(provider, service->port());
    const auto device_http = client(device, service->port());
    ProviderApi a(*provider_http);
    DeviceApi agent(*device_http);
    EXPECT_TRUE(step(a, agent)) << name << ", once more";
    stop();
  }
  start();
  const auto provider_http = client(provider, service->port());
  const auto status = ProviderApi(*provider_http).order(order).value();
  EXPECT_EQ(status.state, State::kConfirmed);
  EXPECT_EQ(status.attempts.size(), 1U);
  EXPECT_EQ(ProviderApi(*provider_http).receipt(order, 1)->revision, 1U) << "taken once";
}

#endif

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
