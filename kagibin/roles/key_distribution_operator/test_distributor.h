// SPDX-License-Identifier: Apache-2.0
// For the distributor's tests: a distributor with a real store and no sockets, two service
// providers and two devices that speak the typed API to it.
#pragma once

#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"
#include "kagibin/store/database.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/test_folder.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRequest;
using delivery::AttemptStatus;
using delivery::DeviceApi;
using delivery::DeviceId;
using delivery::HttpMethod;
using delivery::HttpRequest;
using delivery::HttpResponse;
using delivery::LocalHttp;
using delivery::OrderId;
using delivery::OrderKey;
using delivery::ProviderApi;
using delivery::State;
using delivery::Verdict;
using delivery::Work;
using envelope::ActionResult;

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr Spid kSpid{{0xAA}};
inline constexpr Spid kOtherSpid{{0xBB}};

inline OrderId id(std::string_view text) { return OrderId::from(text).value(); }
inline DeviceId device(std::string_view text) { return DeviceId::from(text).value(); }
// As a device names an order of kSpid.
inline OrderKey ours(const OrderId& order) { return {.provider = kSpid, .id = order}; }
inline AttemptRequest request(Bytes e0) { return {AttemptRequest::Kind::kRequest, std::move(e0)}; }
inline AttemptRequest deliver(Bytes e2) { return {AttemptRequest::Kind::kDeliver, std::move(e2)}; }

struct DistributorTest : testing::Test {
  void reopen(std::optional<std::uint32_t> max_pages = {}) {
    distributor.reset();
    store.reset();
    store = store::open_order_store({.path = folder / "orders", .max_pages = max_pages}).value();
    distributor.emplace(Distributor::Parts{
        .store = *store, .ca = ca, .clock = clock, .rng = rng, .log = &log_keeper});
  }
  DistributorTest() { reopen(); }

  HttpResponse send(HttpMethod method,
                    std::string target,
                    std::optional<std::string> subject,
                    std::string body = {}) {
    return distributor->handle({.method = method,
                                .target = std::move(target),
                                .body = std::move(body),
                                .subject = std::move(subject)});
  }
  // Brings an order's first attempt to handed_over.
  void hand_over(const OrderId& order, std::uint8_t handle) {
    ASSERT_TRUE(a().put_order(order, {device("phone"), kNow + 600}).has_value());
    ASSERT_TRUE(a().put_attempt(order, 1, deliver(an_envelope(kSpid, handle))).has_value());
    ASSERT_TRUE(agent().work("", 0).value().has_value());
  }
  // Of the store, with the log.
  LogReport audit(AuditQuestion question = {}, bool compare = true) {
    const auto snapshot = store->snapshot().value();
    StoreLog log(*snapshot);
    question.store = compare ? snapshot.get() : nullptr;
    return LogAudit(log, log_keeper.verifier()).run(question).value();
  }
  void behind_its_back(const std::string& script) {
    store::Database db = store::Database::open({.path = folder / "orders",
                                                .application_id = store::kOrderApplicationId,
                                                .migrations = store::kOrderMigrations})
                             .value();
    ASSERT_TRUE(db.run(script.c_str()).has_value()) << script;
  }
  // Runs each script on a copy of the store and returns what the audit found.
  std::vector<std::string> found_after(const std::string& script) {
    distributor.reset();
    store.reset();
    const auto path = folder / "orders";
    std::filesystem::copy_file(path, folder / "kept",
                               std::filesystem::copy_options::overwrite_existing);
    behind_its_back(script);
    reopen();
    std::vector<std::string> found = audit().findings.sentences();
    distributor.reset();
    store.reset();
    std::filesystem::copy_file(folder / "kept", path,
                               std::filesystem::copy_options::overwrite_existing);
    reopen();
    return found;
  }
  ProviderApi& a() { return provider_api; }
  DeviceApi& agent() { return device_api; }

  store::TestFolder folder;
  test::FakeClock clock{kNow};
  test::FixedRng rng{"distributor"};
  TransportCa ca = create_transport_ca("test", kNow, rng).value();
  test::FixedRng log_rng{"log"};
  crypto::Ed25519PrivateKey log_key = crypto::Ed25519PrivateKey::generate(log_rng).value();
  LogKeeper log_keeper{log_key};
  std::unique_ptr<delivery::OrderStore> store;
  std::optional<Distributor> distributor;

  // The distributor of now, so that these outlive a reopen.
  struct Current final : delivery::HttpClient {
    Current(DistributorTest& owner, std::string name) : test(owner), subject(std::move(name)) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
      return test.send(request.method, request.target, subject, request.body);
    }
    DistributorTest& test;
    std::string subject;
  };
  Current provider_http{*this, delivery::provider_subject(kSpid).common_name()};
  Current other_http{*this, delivery::provider_subject(kOtherSpid).common_name()};
  Current device_http{*this, "device:phone"};
  Current thief_http{*this, "device:thief"};
  ProviderApi provider_api{provider_http};
  ProviderApi other{other_http};
  DeviceApi device_api{device_http};
  DeviceApi thief{thief_http};
};

}  // namespace kagibin::roles::key_distribution_operator
