// SPDX-License-Identifier: Apache-2.0
// Small fleets, each a whole deployment under load, and fleets that were tampered with behind the
// back of their checks.
#include "kagibin/cli/fleet/fleet.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/cli/fleet/live_view.h"
#include "kagibin/cli/fleet/report/svg_plot.h"
#include "kagibin/cli/fleet/report/text_report.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::cli::fleet {
namespace {

class FleetTest : public testing::Test {
 protected:
  // In memory where the system has such a folder: what is tested here is not the disk.
  FleetTest() {
    std::error_code none;
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path parent = std::filesystem::is_directory(memory, none)
                                             ? memory
                                             : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "kagibin-fleet-XXXXXX").string();
    KB_CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~FleetTest() override { std::filesystem::remove_all(folder_); }

  // Made, measured and loaded; not checked yet.
  std::unique_ptr<Fleet> loaded(const FleetOptions& options, const std::stop_token& stop = {}) {
    auto fleet = Fleet::create(options, folder_, clock_, rng_);
    EXPECT_TRUE(fleet.has_value()) << fleet.error().text;
    const auto done = [&]() -> Checked<void> {
      KB_TRY((*fleet)->make({}, [](std::uint32_t) {}));
      KB_TRY((*fleet)->measure_alone());
      return (*fleet)->load(stop);
    }();
    EXPECT_TRUE(done.has_value()) << done.error().text;
    return std::move(*fleet);
  }
  static RunFigures checked(Fleet& fleet) {
    const auto done = fleet.check();
    EXPECT_TRUE(done.has_value()) << done.error().text;
    return fleet.figures();
  }
  static void expect_all_delivered(const RunFigures& figures, std::uint32_t elements) {
    for (const std::string& one : figures.first_violations) {
      ADD_FAILURE() << one;
    }
    EXPECT_EQ(figures.violations, 0U);
    EXPECT_EQ(figures.ordered, elements);
    EXPECT_EQ(figures.confirmed, elements);
    EXPECT_EQ(figures.by_receipt, elements);
    EXPECT_EQ(figures.read_back, elements);
    EXPECT_EQ(figures.latencies.size(), elements);
    EXPECT_FALSE(figures.interrupted);
  }

  SystemClock clock_;
  crypto::SystemRng rng_;
  std::filesystem::path folder_;
};

TEST_F(FleetTest, EveryFailureEndsInExactlyOneInstallAndOneVerdict) {
  const auto fleet =
      loaded({.elements = 200,
              .over_tls = false,
              .failures = FailureMix::parse("lost-request=0.03,lost-answer=0.03,twice=0.05,"
                                            "power-cut=0.5,agent-killed=0.5")
                              .value(),
              .seed = 7,
              .alone = 2});
  const RunFigures figures = checked(*fleet);
  expect_all_delivered(figures, 200);
  ASSERT_EQ(figures.failures.size(), kFailureKinds);
  for (const auto& [failure, count] : figures.failures) {
    EXPECT_GT(count, 20U) << failure;
  }
}

TEST_F(FleetTest, DeliversOverTlsWithACertificateForEachDevice) {
  const auto fleet = loaded({.elements = 30, .devices_at_once = 8, .alone = 3});
  const RunFigures figures = checked(*fleet);
  expect_all_delivered(figures, 30);
  EXPECT_GE(figures.visits, 30U);
  EXPECT_GT(figures.alone.handshake_us, 0);
  EXPECT_GT(figures.alone.request_us, 0);
  EXPECT_GE(figures.alone.requests, 10);
  for (const Player player :
       {Player::kProvider, Player::kDistributor, Player::kDevice, Player::kElement}) {
    EXPECT_GT(figures.alone.cpu_us.at(static_cast<std::size_t>(player)), 0) << name(player);
    EXPECT_GT(figures.cpu_us.at(static_cast<std::size_t>(player)), 0) << name(player);
  }
  EXPECT_GT(figures.ceiling(), 0);
  EXPECT_GT(figures.share_of_ceiling(), 0);
  EXPECT_GT(figures.element_octets, 1'000U);
}

TEST_F(FleetTest, DeliversWithPostgreSqlAndCountsTheServersWork) {
  store::TestCluster::shared().empty_database();
  const auto fleet = loaded({.elements = 30,
                             .over_tls = false,
                             .store = store::TestCluster::shared().address(),
                             .alone = 3});
  const RunFigures figures = checked(*fleet);
  expect_all_delivered(figures, 30);
  EXPECT_EQ(figures.store_name, "PostgreSQL");
  EXPECT_GT(figures.alone.cpu_us.at(static_cast<std::size_t>(Player::kDatabase)), 0);
}

TEST_F(FleetTest, SeveralProvidersDeliverAtRl2AtRandomTimes) {
  const auto fleet = loaded({.elements = 30,
                             .providers = 3,
                             .over_tls = false,
                             .by_certificates = true,
                             .arrival = ArrivalPattern::parse("poisson:200").value(),
                             .alone = 1});
  expect_all_delivered(checked(*fleet), 30);
}

TEST_F(FleetTest, NoMoreOrdersAreInFlightThanWereAskedFor) {
  const auto fleet = loaded({.elements = 20,
                             .over_tls = false,
                             .arrival = ArrivalPattern::parse("in-flight:1").value(),
                             .alone = 0});
  expect_all_delivered(checked(*fleet), 20);
  std::vector<OrderTimes> orders = fleet->board().all();
  std::ranges::sort(orders, {}, &OrderTimes::due);
  for (std::size_t i = 1; i < orders.size(); ++i) {
    EXPECT_GE(orders[i].due, orders[i - 1].verdict) << i;
  }
}

TEST_F(FleetTest, AnInterruptedRunIsCheckedForWhatWasDone) {
  std::stop_source stop;
  const std::jthread ctrl_c([&] {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    stop.request_stop();
  });
  const auto fleet = loaded({.elements = 100,
                             .over_tls = false,
                             .arrival = ArrivalPattern::parse("rate:10").value(),
                             .alone = 0},
                            stop.get_token());
  const RunFigures figures = checked(*fleet);
  EXPECT_TRUE(figures.interrupted);
  EXPECT_EQ(figures.violations, 0U);
  EXPECT_EQ(figures.read_back, 100U);
  EXPECT_LT(figures.confirmed, 100U);
}

TEST_F(FleetTest, WithoutAnythingNewTheRunIsGivenUpAndTheOpenOrdersAreViolations) {
  const auto fleet = loaded({.elements = 3,
                             .over_tls = false,
                             .failures = FailureMix::parse("lost-request=1").value(),
                             .alone = 0,
                             .patience = std::chrono::seconds(2)});
  const RunFigures figures = checked(*fleet);
  EXPECT_EQ(figures.violations, 3U);
  ASSERT_FALSE(figures.first_violations.empty());
  EXPECT_NE(figures.first_violations.front().find("I7"), std::string::npos);
}

TEST_F(FleetTest, AnElementThatForgotItsKeysIsFound) {
  const FleetOptions options{.elements = 5, .over_tls = false, .alone = 0};
  auto made = Fleet::create(options, folder_, clock_, rng_);
  ASSERT_TRUE(made.has_value());
  Fleet& fleet = **made;
  ASSERT_TRUE(fleet.make({}, [](std::uint32_t) {}).has_value());
  const Bytes before = fleet.device(3).memory->content;
  ASSERT_TRUE(fleet.measure_alone().has_value());
  ASSERT_TRUE(fleet.load({}).has_value());
  fleet.device(3).memory->content = before;
  const RunFigures figures = checked(fleet);
  ASSERT_GE(figures.violations, 2U);
  for (const std::string& one : figures.first_violations) {
    EXPECT_TRUE(one.starts_with("order 3: ")) << one;
  }
}

// A PUT KEY of its own under the new keys, as a second install of the same order would be.
TEST_F(FleetTest, AnElementThatInstalledTwiceIsFound) {
  const auto fleet = loaded({.elements = 5, .over_tls = false, .alone = 0});
  VirtualDevice& device = fleet->device(2);
  const auto put = [&]() -> Checked<void> {
    const auto keys = KB_TRY(fleet->evidence_of(2)).new_keys;
    const auto element = KB_TRY(ElementInUse::wake(device, fleet->silicon()));
    const auto channel = KB_TRY(apdu::ChannelLink::open(*element));
    const Aid domain = domain_aid();
    const gp::Select select{.name = Bytes(domain.view().begin(), domain.view().end())};
    KB_TRY(apdu::exchange(*channel, select.encode()));
    const auto set = KB_TRY(scp::Scp03KeySet::create(keys->enc.duplicate(), keys->mac.duplicate(),
                                                     keys->dek.duplicate()));
    scp::Scp03Link session =
        KB_TRY(scp::Scp03Link::open(*channel, set, {.key_version_number = kNewKeyVersion},
                                    scp::highest_level(scp::Scp03Parameter{kDomainScp03}), rng_));
    gp::PutKey put_key{
        .old_version = kNewKeyVersion, .new_version = kNewKeyVersion, .first_identifier = 1};
    for (const SecretBytes* key : {&keys->enc, &keys->enc, &keys->enc}) {
      const SecretBytes padded = KB_TRY(gp::pad_key_value(*key));
      Bytes octets = KB_TRY(session.host().encrypt_sensitive(padded.expose()));
      const gp::KeyCheckValue kcv = KB_TRY(crypto::aes_kcv(key->expose()));
      put_key.keys.push_back(
          gp::encrypted_key(gp::key_type::kAes, std::move(octets), key->size(), kcv));
    }
    const apdu::CommandApdu command = KB_TRY(put_key.encode());
    KB_TRY(session.send(command));
    return {};
  }();
  ASSERT_TRUE(put.has_value()) << put.error().text;
  const RunFigures figures = checked(*fleet);
  ASSERT_GE(figures.violations, 1U);
  EXPECT_TRUE(figures.first_violations.front().starts_with("order 2: I1: "))
      << figures.first_violations.front();
}

TEST_F(FleetTest, TheReportsTellTheSameInThreeForms) {
  const auto fleet = loaded({.elements = 12, .over_tls = false, .alone = 1});
  const RunFigures figures = checked(*fleet);
  const std::string text = text_report(figures);
  EXPECT_NE(text.find("orders         12, 12 confirmed; 12 by receipt"), std::string::npos) << text;
  EXPECT_NE(text.find("12 elements in"), std::string::npos) << text;
  const boost::json::object json = json_report(figures);
  EXPECT_EQ(json.at("confirmed").to_number<int>(), 12);
  EXPECT_EQ(json.at("states").at("confirmed").to_number<int>(), 12);
  EXPECT_GT(json.at("latency_seconds").at("p99").as_double(), 0);
  EXPECT_GT(json.at("alone").at("cpu_us").at("element").as_double(), 0);
  const std::string svg = svg_plot(figures);
  EXPECT_TRUE(svg.starts_with("<svg ")) << svg;
  EXPECT_NE(svg.find("12 confirmed"), std::string::npos);
  const std::string line = live_line(fleet->progress(), figures.latencies, 12);
  EXPECT_NE(line.find("12 of 12 ordered, 12 ended (12 confirmed)"), std::string::npos) << line;
}

}  // namespace
}  // namespace kagibin::cli::fleet
