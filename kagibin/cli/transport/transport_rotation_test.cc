// SPDX-License-Identifier: Apache-2.0
// One transport CA takes another's place under clients that were never told: a running distributor,
// real TLS, the files of both ends; every step cut at every place.
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/certificate_bundle.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/test_service.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::cli {
namespace {

namespace kdo = roles::key_distribution_operator;
using delivery::HttpMethod;
using delivery::HttpRequest;

constexpr std::int64_t kDay = 86'400;

class TransportRotationTest : public testing::Test {
 protected:
  TransportRotationTest() {
    EXPECT_TRUE(b.init({.ca_name = "first", .server = names}, clock.now(), rng).has_value());
    start();
    join("phone");
  }
  ~TransportRotationTest() override { stop(); }

  void start() {
    service.emplace(folder / "b", clock, port);
    port = service->port();
    thread = std::thread([this] { service->run(); });
  }
  void stop() {
    if (thread.joinable()) {
      service->stop();
      thread.join();
      service.reset();
    }
  }
  void restart() {
    stop();
    start();
  }
  TransportFolder client(const char* name) { return TransportFolder(folder / name); }
  void join(const char* name) {
    const auto store = store::open_order_store({.path = b.orders()}).value();
    const auto subject = delivery::Subject{delivery::Party::kDevice, name};
    const SecretBytes file =
        kdo::invite(*store, b.load_ca().value(), {subject, "localhost", port}, clock.now(), rng)
            .value();
    const auto at = folder / (std::string(name) + ".invitation").c_str();
    ASSERT_TRUE(crypto::write_file(at, file.expose(), true).has_value());
    ASSERT_EQ(client(name).join(at, {}).value(), subject.common_name());
  }
  // A device as it was at this moment, which then sleeps.
  void copy(const char* from, const char* to) { std::filesystem::copy(folder / from, folder / to); }
  // What the device's program does two days after the last time, or at the same time.
  Result<int> ask(const char* name, bool later = true) {
    now_ += later ? 2 * kDay : 0;
    const auto http = KB_TRY(client(name).connect({.via = {}, .demo_key_log = {}, .now = now_}));
    const auto answer =
        KB_TRY(http->send({.method = HttpMethod::kGet, .target = "/v1/devices/self/work?wait=0"}));
    return answer.status;
  }
  std::string text(const char* name, const char* file) {
    std::ifstream in(folder / name / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> roots(const char* name) {
    return crypto::split_certificates(text(name, "transport.ca.pem"), 2).value();
  }
  bool issued_by(const char* name, const std::string& root) {
    return crypto::is_issued_by(text(name, "transport.cert.pem"), root).value();
  }

  SystemClock clock;
  std::int64_t now_ = clock.now();
  crypto::SystemRng rng;
  store::TestFolder folder;
  kdo::ServerNames names{.dns_names = {"localhost"}, .ip_addresses = {}};
  kdo::DistributorFolder b{folder / "b"};
  std::optional<kdo::Service> service;
  std::thread thread;
  std::uint16_t port = 0;
};

TEST_F(TransportRotationTest, WhoAsksOnceADayComesThroughAndWhoSleptThroughDoesNot) {
  const std::string first = b.load_ca()->certificate_pem();
  copy("phone", "slept-from-the-start");
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  const std::string second = b.load_ca()->roots().at(1);
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{first, second}));
  EXPECT_TRUE(issued_by("phone", first)) << "nothing was renewed yet";
  join("tablet");
  EXPECT_EQ(roots("tablet"), (std::vector{first, second})) << "who joins now learns both";
  copy("phone", "slept-from-then-on");

  ASSERT_TRUE(b.switch_ca(names, clock.now(), rng).has_value());
  EXPECT_FALSE(std::filesystem::exists(folder / "b" / "next.ca.key.pem"));
  restart();
  EXPECT_EQ(b.load_ca()->roots(), (std::vector{second, first}));
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{second, first}));
  EXPECT_TRUE(issued_by("phone", second)) << "it was renewed";
  EXPECT_EQ(ask("phone"), 204) << "with the new certificate";
  EXPECT_EQ(ask("tablet", false), 204) << "the old one is good still";
  EXPECT_EQ(ask("slept-from-the-start").error().code, Errc::kTls)
      << "it never heard of the root that the server has now";

  ASSERT_TRUE(b.finish_rotation().has_value());
  restart();
  EXPECT_EQ(b.load_ca()->roots(), (std::vector{second}));
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{second}));
  const auto late = ask("slept-from-then-on");
  EXPECT_FALSE(late.has_value()) << "its certificate is of a CA that nobody believes any more";
}

TEST_F(TransportRotationTest, StepsHaveAnOrderAndSayIt) {
  EXPECT_EQ(b.switch_ca(names, clock.now(), rng).error().code, Errc::kState);
  EXPECT_EQ(b.finish_rotation().error().code, Errc::kState);
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  EXPECT_EQ(b.start_rotation("third", clock.now(), rng).error().code, Errc::kConflict);
  EXPECT_EQ(b.finish_rotation().error().code, Errc::kState);
  ASSERT_TRUE(b.switch_ca(names, clock.now(), rng).has_value());
  EXPECT_EQ(b.start_rotation("third", clock.now(), rng).error().code, Errc::kConflict);
  EXPECT_EQ(b.switch_ca(names, clock.now(), rng).error().code, Errc::kState);
  ASSERT_TRUE(b.finish_rotation().has_value());
  ASSERT_TRUE(b.start_rotation("third", clock.now(), rng).has_value());
}

TEST_F(TransportRotationTest, ACertificateIsRenewedWhenAThirdOfItsLifeIsLeft) {
  const std::string before = text("phone", "transport.cert.pem");
  const TransportFiles files(folder / "phone");
  const auto keep_up_after = [&](std::int64_t days) {
    const auto http = client("phone").connect({.via = {}, .demo_key_log = {}, .now = {}}).value();
    return keep_up(files, *http, clock.now() + days * kDay, rng);
  };
  EXPECT_EQ(keep_up_after(kdo::kClientDays * 2 / 3 - 3), false);
  EXPECT_EQ(text("phone", "transport.cert.pem"), before);
  const std::string key_before = text("phone", "transport.key.pem");
  EXPECT_EQ(keep_up_after(kdo::kClientDays * 2 / 3 + 3), true);
  EXPECT_NE(text("phone", "transport.cert.pem"), before);
  EXPECT_NE(text("phone", "transport.key.pem"), key_before);
  EXPECT_EQ(crypto::certificate_facts(text("phone", "transport.cert.pem"))->common_name,
            "device:phone");
  EXPECT_EQ(ask("phone", false), 204);
}

// Answers what it is told, in the place of a distributor.
class Liar final : public delivery::HttpClient {
 public:
  explicit Liar(std::function<delivery::HttpResponse(const HttpRequest&)> answer)
      : answer_(std::move(answer)) {}
  Result<delivery::HttpResponse> send(const HttpRequest& request) override {
    return answer_(request);
  }

 private:
  std::function<delivery::HttpResponse(const HttpRequest&)> answer_;
};

TEST_F(TransportRotationTest, RootsThatNobodyKnewAndCertificatesForOthersAreRefused) {
  const TransportFiles files(folder / "phone");
  const auto ours = roots("phone");
  const auto key = crypto::EcPrivateKey::generate(rng).value();
  const auto other = kdo::create_transport_ca("other", clock.now(), rng).value();
  const auto before = [&] {
    return text("phone", "transport.ca.pem") + text("phone", "transport.cert.pem") +
           text("phone", "transport.key.pem");
  };
  const std::string files_before = before();
  const auto told = [&](const delivery::TransportRoots& given, const std::string& issued,
                        std::string subject = "device:phone") {
    Liar liar([&](const HttpRequest& request) {
      delivery::HttpResponse response;
      response.body = request.method == HttpMethod::kGet
                          ? to_json(given)
                          : to_json(delivery::IssuedCertificate{subject, issued});
      return response;
    });
    const auto kept = keep_up(files, liar, clock.now() + kdo::kClientDays * kDay, rng);
    EXPECT_EQ(before(), files_before);
    return kept.error().code;
  };
  EXPECT_EQ(told({{other.certificate_pem()}}, ""), Errc::kUntrusted);
  EXPECT_EQ(told({{"nonsense"}}, ""), Errc::kEncoding);
  EXPECT_EQ(told({{ours[0], ours[0]}}, ""), Errc::kValue);
  const std::string foreign_key =
      b.load_ca()
          ->issue_client({delivery::Party::kDevice, "phone"},
                         crypto::certificate_request(key, "device:phone").value(), clock.now(), 5,
                         rng)
          .value();
  EXPECT_EQ(told({ours}, foreign_key), Errc::kUntrusted);
  EXPECT_EQ(told({ours}, foreign_key, "device:other"), Errc::kUntrusted);
  EXPECT_EQ(ask("phone", false), 204);
}

TEST_F(TransportRotationTest, ADistributorThatKnowsNoRootsIsLeftAlone) {
  const TransportFiles files(folder / "phone");
  Liar old([](const HttpRequest&) {
    delivery::HttpResponse response;
    response.status = 404;
    return response;
  });
  EXPECT_EQ(keep_up(files, old, clock.now(), rng), false);
}

#ifdef KAGIBIN_TEST_HOOKS

// In a child that is killed at this point; false when it never came there.
bool cut_at(const std::string& point, const std::function<void()>& step) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("KAGIBIN_CRASH_AT", point.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): alone
    step();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST_F(TransportRotationTest, ADistributorsStepThatWasCutServesAndIsDoneAgain) {
  const std::string first = b.load_ca()->certificate_pem();
  const auto start_it = [&] { static_cast<void>(b.start_rotation("second", clock.now(), rng)); };
  ASSERT_TRUE(cut_at("distributor.rotation.after_key", start_it));
  EXPECT_EQ(b.load_ca()->roots(), (std::vector{first}));
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  ASSERT_EQ(ask("phone"), 204);
  const std::string second = b.load_ca()->roots().at(1);
  const auto switch_it = [&] { static_cast<void>(b.switch_ca(names, clock.now(), rng)); };
  for (const char* point :
       {"distributor.rotation.after_previous", "distributor.rotation.between",
        "distributor.rotation.after_both", "distributor.server_key.after_write"}) {
    stop();
    ASSERT_TRUE(cut_at(point, switch_it)) << point;
    const auto roots = b.load_ca()->roots();
    EXPECT_EQ(std::set<std::string>(roots.begin(), roots.end()), (std::set{first, second}))
        << point;
    if (std::string_view(point) != "distributor.server_key.after_write") {
      start();
      EXPECT_EQ(ask("phone"), 204) << point;
    }
  }
  ASSERT_TRUE(b.switch_ca(names, clock.now(), rng).has_value());
  EXPECT_EQ(b.load_ca()->roots(), (std::vector{second, first}));
  restart();
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_TRUE(issued_by("phone", second));
}

TEST_F(TransportRotationTest, ARenewalThatWasCutAnywhereIsFinishedAtTheNextStart) {
  const TransportFiles files(folder / "phone");
  for (const char* point : {"transport.renewal.after_key", "transport.renewal.after_answer",
                            "transport.renewal.after_certificate", "transport.renewal.between",
                            "transport.renewal.after_both"}) {
    const std::string before = text("phone", "transport.cert.pem");
    ASSERT_TRUE(cut_at(point, [&] {
      const auto http = client("phone").connect({.via = {}, .demo_key_log = {}, .now = {}}).value();
      static_cast<void>(keep_up(files, *http, clock.now() + kdo::kClientDays * kDay, rng));
    })) << point;
    EXPECT_EQ(ask("phone", false), 204) << point;
    const auto http = client("phone").connect({.via = {}, .demo_key_log = {}, .now = {}}).value();
    ASSERT_TRUE(keep_up(files, *http, clock.now() + kdo::kClientDays * kDay, rng).value()) << point;
    EXPECT_NE(text("phone", "transport.cert.pem"), before) << point;
    EXPECT_EQ(ask("phone", false), 204) << point;
    EXPECT_FALSE(std::filesystem::exists(files.next_key()));
    EXPECT_FALSE(std::filesystem::exists(files.next_certificate()));
  }
}

#endif

}  // namespace
}  // namespace kagibin::cli
