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
    wait_for_another_second();  // CAs are told apart by when they begin
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
  void join(const char* name, bool again = false) {
    const auto store = store::open_order_store({.path = b.orders()}).value();
    const auto subject = delivery::Subject{delivery::Party::kDevice, name};
    const SecretBytes file =
        kdo::invite(*store, b.load_ca().value(), {subject, "localhost", port}, clock.now(), rng)
            .value();
    const auto at = folder / (std::string(name) + ".invitation").c_str();
    ASSERT_TRUE(crypto::write_file(at, file.expose(), true).has_value());
    ASSERT_EQ(client(name).join(at, {}, again).value(), subject.common_name());
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
  // The phone's look after its files, so much later.
  bool keep_up_after(std::int64_t days) {
    const auto http =
        client("phone").connect({.via = {}, .demo_key_log = {}, .now = clock.now()}).value();
    return keep_up(TransportFiles(folder / "phone"), *http, clock.now() + days * kDay, rng)
        .has_value();
  }
  // Certificates count seconds.
  static void wait_for_another_second() { std::this_thread::sleep_for(std::chrono::seconds(1)); }
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

TEST_F(TransportRotationTest, WhoComesByBeforeTheEndComesThroughAndWhoSleptThroughJoinsAgain) {
  const std::string first = b.load_ca()->certificate_pem();
  copy("phone", "slept-until-the-end");
  copy("phone", "slept-until-the-switch");
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  const std::string second = b.load_ca()->roots().pem.at(1);
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{first, second}));
  EXPECT_TRUE(issued_by("phone", first)) << "nothing was renewed yet";
  join("tablet");
  EXPECT_EQ(roots("tablet"), (std::vector{first, second})) << "who joins now learns both";

  ASSERT_TRUE(b.switch_ca(clock.now()).has_value());
  EXPECT_FALSE(std::filesystem::exists(folder / "b" / "next.ca.key.pem"));
  restart();
  EXPECT_EQ(b.load_ca()->roots().pem, (std::vector{second, first}));
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{second, first}));
  EXPECT_TRUE(issued_by("phone", second)) << "it was renewed";
  EXPECT_EQ(ask("phone"), 204) << "with the new certificate";
  EXPECT_EQ(ask("tablet", false), 204) << "the old one is good still";
  EXPECT_EQ(ask("slept-until-the-switch"), 204) << "the server still shows what it knew";
  EXPECT_TRUE(issued_by("slept-until-the-switch", second));
  join("late");
  EXPECT_TRUE(issued_by("late", second));
  EXPECT_EQ(ask("late", false), 204);

  ASSERT_TRUE(b.finish_rotation({}, clock.now(), rng).has_value());
  restart();
  EXPECT_EQ(b.load_ca()->roots().pem, (std::vector{second}));
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_EQ(roots("phone"), (std::vector{second}));
  EXPECT_EQ(ask("late"), 204);
  EXPECT_EQ(ask("slept-until-the-end").error().code, Errc::kTls)
      << "it never heard of the root that the server has now";
  join("slept-until-the-end", true);
  EXPECT_EQ(ask("slept-until-the-end"), 204);
}

TEST_F(TransportRotationTest, StepsHaveAnOrderAndSayIt) {
  EXPECT_EQ(b.switch_ca(clock.now()).error().code, Errc::kState);
  EXPECT_EQ(b.finish_rotation({}, clock.now(), rng).error().code, Errc::kState);
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  EXPECT_EQ(b.start_rotation("third", clock.now(), rng).error().code, Errc::kConflict);
  EXPECT_EQ(b.finish_rotation({}, clock.now(), rng).error().code, Errc::kState);
  ASSERT_TRUE(b.switch_ca(clock.now()).has_value());
  EXPECT_EQ(b.start_rotation("third", clock.now(), rng).error().code, Errc::kConflict);
  EXPECT_EQ(b.switch_ca(clock.now()).error().code, Errc::kState);
  ASSERT_TRUE(b.finish_rotation({}, clock.now(), rng).has_value());
  EXPECT_EQ(crypto::server_names(text("b", "server.cert.pem"))->dns_names, names.dns_names);
  ASSERT_TRUE(b.start_rotation("third", clock.now(), rng).has_value());
}

TEST_F(TransportRotationTest, ASwitchTouchesNothingBeforeItHasLookedAtEverything) {
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  const std::string key = text("b", "ca.key.pem");
  EXPECT_EQ(b.switch_ca(clock.now() - 7'200).error().code, Errc::kExpired);
  const auto replaced = [&](const char* file, const std::string& with) {
    const std::string before = text("b", file);
    EXPECT_TRUE(crypto::write_file(folder / "b" / file, ascii(with), true).has_value());
    EXPECT_EQ(b.switch_ca(clock.now()).error().code, Errc::kUntrusted) << file;
    EXPECT_EQ(text("b", "ca.key.pem"), key) << file;
    EXPECT_TRUE(crypto::write_file(folder / "b" / file, ascii(before), true).has_value());
  };
  replaced("next.ca.key.pem", key);
  const auto other = kdo::create_transport_ca("other", clock.now(), rng).value();
  replaced("next.ca.cert.pem", other.certificate_pem());
  replaced("next.ca.signature", "nonsense");
  EXPECT_TRUE(b.switch_ca(clock.now()).has_value());
}

TEST_F(TransportRotationTest, ACertificateIsRenewedWhenAThirdOfItsLifeIsLeft) {
  const std::string before = text("phone", "transport.cert.pem");
  const std::string key_before = text("phone", "transport.key.pem");
  EXPECT_TRUE(keep_up_after(kdo::kClientDays * 2 / 3 - 3));
  EXPECT_EQ(text("phone", "transport.cert.pem"), before);
  wait_for_another_second();
  EXPECT_TRUE(keep_up_after(kdo::kClientDays * 2 / 3 + 3));
  EXPECT_NE(text("phone", "transport.cert.pem"), before);
  EXPECT_NE(text("phone", "transport.key.pem"), key_before);
  EXPECT_EQ(crypto::certificate_facts(text("phone", "transport.cert.pem"))->common_name,
            "device:phone");
  EXPECT_EQ(ask("phone", false), 204);
}

TEST_F(TransportRotationTest, OneConnectionLivesThroughARotationThatAnotherProcessHeardOf) {
  const auto http =
      client("phone").connect({.via = {}, .demo_key_log = {}, .now = clock.now()}).value();
  const HttpRequest request{.method = HttpMethod::kGet, .target = "/v1/devices/self/work?wait=0"};
  EXPECT_EQ(http->send(request)->status, 204);
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  EXPECT_EQ(ask("phone"), 204) << "another process of this home";
  ASSERT_TRUE(b.switch_ca(clock.now()).has_value());
  restart();
  EXPECT_EQ(ask("phone"), 204);
  ASSERT_TRUE(b.finish_rotation({}, clock.now(), rng).has_value());
  restart();
  const auto answer = http->send(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().detail.text();
  EXPECT_EQ(answer->status, 204);
}

TEST_F(TransportRotationTest, ProcessesOfOneHomeNeverMixTheirRenewals) {
  constexpr int kProcesses = 6;
  wait_for_another_second();
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(fork());
    if (children.back() == 0) {
      for (int round = 0; round < 3; ++round) {
        static_cast<void>(keep_up_after(kdo::kClientDays));
      }
      _exit(ask("phone", false) == 204 ? 0 : 1);
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
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

TEST_F(TransportRotationTest, RootsThatNobodySignedAndWorseCertificatesAreRefused) {
  const TransportFiles files(folder / "phone");
  const auto ours = roots("phone");
  const auto key = crypto::EcPrivateKey::generate(rng).value();
  const auto other = kdo::create_transport_ca("other", clock.now(), rng).value();
  const auto before = [&] {
    return text("phone", "transport.ca.pem") + text("phone", "transport.cert.pem") +
           text("phone", "transport.key.pem");
  };
  const std::string files_before = before();
  const auto told = [&](const delivery::TransportRoots& given,
                        const std::function<std::string(const std::string&)>& issue) {
    Liar liar([&](const HttpRequest& request) {
      delivery::HttpResponse response;
      if (request.method == HttpMethod::kGet) {
        response.body = to_json(given);
      } else {
        const auto asked = delivery::certificate_request_from_json(request.body).value();
        response.body = to_json(delivery::IssuedCertificate{"device:phone", issue(asked.pem)});
      }
      return response;
    });
    const auto kept = keep_up(files, liar, clock.now() + kdo::kClientDays * kDay, rng);
    EXPECT_EQ(before(), files_before);
    return kept.has_value() ? Errc::kState : kept.error().code;
  };
  const auto none = [](const std::string&) { return std::string(); };
  const Bytes word = crypto::sign_successor(other.key(), other.certificate_pem(), rng).value();
  EXPECT_EQ(told({{other.certificate_pem()}, {}}, none), Errc::kUntrusted);
  EXPECT_EQ(told({{ours[0], other.certificate_pem()}, {}}, none), Errc::kUntrusted)
      << "beside a known one, but nobody signed it";
  EXPECT_EQ(told({{ours[0], other.certificate_pem()}, word}, none), Errc::kUntrusted);
  EXPECT_EQ(told({{"nonsense"}, {}}, none), Errc::kEncoding);
  EXPECT_EQ(told({{ours[0], ours[0]}, {}}, none), Errc::kValue);

  const kdo::TransportCa ca = b.load_ca().value();
  const delivery::Subject phone{delivery::Party::kDevice, "phone"};
  const auto issuing = [&](const kdo::TransportCa& by, const delivery::Subject& subject,
                           std::int64_t now, int days) {
    return [&, subject, now, days](const std::string& request) {
      return by.issue_client(subject, request, now, days, rng).value();
    };
  };
  EXPECT_EQ(told({ours, {}}, issuing(other, phone, clock.now(), 900)), Errc::kUntrusted);
  EXPECT_EQ(told({ours, {}}, issuing(ca, {delivery::Party::kDevice, "x"}, clock.now(), 900)),
            Errc::kUntrusted);
  EXPECT_EQ(told({ours, {}},
                 [&](const std::string&) {
                   const auto own = crypto::certificate_request(key, "device:phone").value();
                   return ca.issue_client(phone, own, clock.now(), 900, rng).value();
                 }),
            Errc::kUntrusted);
  EXPECT_EQ(told({ours, {}}, issuing(ca, phone, clock.now(), 30)), Errc::kExpired);
  EXPECT_EQ(told({ours, {}}, issuing(ca, phone, clock.now() + 900 * kDay, 900)), Errc::kExpired)
      << "of a distributor whose clock is years ahead";
  EXPECT_EQ(ask("phone", false), 204);
}

TEST_F(TransportRotationTest, ADistributorThatLagsTakesNoRootAway) {
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  ASSERT_EQ(ask("phone"), 204);
  const auto both = roots("phone");
  ASSERT_EQ(both.size(), 2U);
  const TransportFiles files(folder / "phone");
  Liar lagging([&](const HttpRequest&) {
    delivery::HttpResponse response;
    response.body = to_json(delivery::TransportRoots{{both[0]}, {}});
    return response;
  });
  EXPECT_TRUE(keep_up(files, lagging, clock.now(), rng).has_value());
  EXPECT_EQ(roots("phone"), both);
}

TEST_F(TransportRotationTest, ADistributorThatKnowsNoRootsIsLeftAlone) {
  const TransportFiles files(folder / "phone");
  Liar old([](const HttpRequest&) {
    delivery::HttpResponse response;
    response.status = 404;
    return response;
  });
  const std::string before = text("phone", "transport.ca.pem");
  EXPECT_TRUE(keep_up(files, old, clock.now(), rng).has_value());
  EXPECT_EQ(text("phone", "transport.ca.pem"), before);
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
  EXPECT_EQ(b.load_ca()->roots().pem, (std::vector{first}));
  ASSERT_TRUE(b.start_rotation("second", clock.now(), rng).has_value());
  restart();
  ASSERT_EQ(ask("phone"), 204);
  const std::string second = b.load_ca()->roots().pem.at(1);
  const auto switch_it = [&] { static_cast<void>(b.switch_ca(clock.now())); };
  for (const char* point : {"distributor.rotation.after_previous", "distributor.rotation.between",
                            "distributor.rotation.after_both"}) {
    stop();
    ASSERT_TRUE(cut_at(point, switch_it)) << point;
    const auto good = b.load_ca()->roots().pem;
    EXPECT_EQ(std::set<std::string>(good.begin(), good.end()), (std::set{first, second})) << point;
    start();
    EXPECT_EQ(ask("phone"), 204) << point;
  }
  ASSERT_TRUE(b.switch_ca(clock.now()).has_value());
  EXPECT_EQ(b.load_ca()->roots().pem, (std::vector{second, first}));
  restart();
  EXPECT_EQ(ask("phone"), 204);
  EXPECT_TRUE(issued_by("phone", second));
  stop();
  const auto finish_it = [&] { static_cast<void>(b.finish_rotation({}, clock.now(), rng)); };
  ASSERT_TRUE(cut_at("distributor.rotation.after_server", finish_it));
  start();
  EXPECT_EQ(ask("phone"), 204);
  ASSERT_TRUE(cut_at("distributor.server_key.after_write", finish_it)) << "serves not; done again";
  ASSERT_TRUE(b.finish_rotation({}, clock.now(), rng).has_value());
  restart();
  EXPECT_EQ(ask("phone"), 204);
}

TEST_F(TransportRotationTest, ARenewalThatWasCutAnywhereIsFinishedAtTheNextStart) {
  const TransportFiles files(folder / "phone");
  for (const char* point : {"transport.renewal.after_key", "transport.renewal.after_answer",
                            "transport.renewal.after_certificate", "transport.renewal.between",
                            "transport.renewal.after_both"}) {
    const std::string before = text("phone", "transport.cert.pem");
    wait_for_another_second();
    ASSERT_TRUE(cut_at(point, [&] { static_cast<void>(keep_up_after(kdo::kClientDays)); }))
        << point;
    EXPECT_EQ(ask("phone", false), 204) << point;
    wait_for_another_second();
    EXPECT_TRUE(keep_up_after(kdo::kClientDays)) << point;
    EXPECT_NE(text("phone", "transport.cert.pem"), before) << point;
    EXPECT_EQ(ask("phone", false), 204) << point;
    EXPECT_FALSE(std::filesystem::exists(files.next_key()));
    EXPECT_FALSE(std::filesystem::exists(files.next_certificate()));
  }
}

#endif

}  // namespace
}  // namespace kagibin::cli
