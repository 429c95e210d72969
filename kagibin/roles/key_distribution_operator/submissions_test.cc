// SPDX-License-Identifier: Apache-2.0
// Many orders in one request: each as if it came alone, all durable or none.
#include <gtest/gtest.h>

#include "kagibin/delivery/submission.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::Submission;
using delivery::SubmittedOrder;

SubmittedOrder an_order(const std::string& name, Bytes e0 = a_request(kSpid, 1)) {
  return {.id = id(name),
          .order = {.device = device("phone"), .not_after = kNow + 600},
          .opening = request(std::move(e0))};
}

std::vector<int> statuses(const delivery::SubmissionResults& results) {
  std::vector<int> out;
  for (const auto& result : results.results) {
    out.push_back(result.status);
  }
  return out;
}

using SubmissionsTest = DistributorTest;

TEST_F(SubmissionsTest, EveryOrderStandsAsIfItCameAlone) {
  SubmittedOrder at_once = an_order("at-once");
  at_once.opening = deliver(an_envelope(kSpid, 7));
  const Submission submission{{an_order("one"), at_once}};
  const auto results = a().submit(submission).value();
  EXPECT_EQ(statuses(results), (std::vector{201, 201}));
  EXPECT_EQ(results.results[0].state, State::kOrdered);
  EXPECT_EQ(results.results[1].state, State::kSealed);
  EXPECT_EQ(a().order(id("one"))->attempts.size(), 1U);
  EXPECT_EQ(a().put_order(id("one"), {device("phone"), kNow + 600})->state, State::kOrdered);
  EXPECT_EQ(a().put_attempt(id("one"), 1, request(a_request(kSpid, 1)))->state, State::kOrdered);
  EXPECT_EQ(agent().work("", 0).value().value().order, ours(id("one")));
  EXPECT_EQ(a().list({}, "")->attempts.size(), 2U);
}

TEST_F(SubmissionsTest, SentAgainWholeOrInPartChangesNothing) {
  const Submission one{{an_order("one")}};
  const Submission both{{an_order("one"), an_order("two", a_request(kSpid, 2))}};
  EXPECT_EQ(statuses(a().submit(one).value()), (std::vector{201}));
  EXPECT_EQ(statuses(a().submit(both).value()), (std::vector{200, 201}));
  reopen();
  EXPECT_EQ(statuses(a().submit(both).value()), (std::vector{200, 200}));
  EXPECT_EQ(a().list({}, "")->attempts.size(), 2U);
  // An order that was opened alone and waits for its attempt gets it.
  ASSERT_TRUE(a().put_order(id("three"), {device("phone"), kNow + 600}).has_value());
  EXPECT_EQ(statuses(a().submit({{an_order("three", a_request(kSpid, 3))}}).value()),
            (std::vector{201}));
}

TEST_F(SubmissionsTest, WhatIsWrongWithOneStopsNoOther) {
  ASSERT_TRUE(a().put_order(id("taken"), {device("tablet"), kNow + 600}).has_value());
  SubmittedOrder late = an_order("late");
  late.order.not_after = kNow - 1;
  const Submission submission{{an_order("first"), an_order("taken"), late,
                               an_order("foreign", a_request(kOtherSpid, 1)),
                               an_order("nonsense", {0xE0, 0x00}), an_order("last")}};
  const auto results = a().submit(submission).value();
  EXPECT_EQ(statuses(results), (std::vector{201, 409, 410, 400, 400, 201}));
  EXPECT_EQ(results.results[1].problem->type, "urn:kagibin:problem:conflict");
  EXPECT_EQ(a().order(id("taken"))->device, device("tablet"));
  for (const char* refused : {"late", "foreign", "nonsense"}) {
    EXPECT_EQ(a().order(id(refused)).error().code, Errc::kNotFound) << refused;
  }
  EXPECT_EQ(a().list({}, "")->attempts.size(), 2U);
  reopen();
  EXPECT_EQ(a().order(id("last"))->state, State::kOrdered);
}

TEST_F(SubmissionsTest, OthersMayNotAndSeeNothing) {
  const std::string body = to_json(Submission{{an_order("one")}});
  EXPECT_EQ(send(HttpMethod::kPost, "/v1/orders", "device:phone", body).status, 403);
  EXPECT_EQ(send(HttpMethod::kPost, "/v1/orders", std::nullopt, body).status, 403);
  EXPECT_EQ(send(HttpMethod::kPost, "/v1/orders?after=1",
                 delivery::provider_subject(kSpid).common_name(), body)
                .status,
            400);
  EXPECT_EQ(
      send(HttpMethod::kPost, "/v1/orders", delivery::provider_subject(kSpid).common_name(), "{}")
          .status,
      400);
  // The same name of another provider is another order.
  EXPECT_EQ(statuses(other.submit({{an_order("one", a_request(kOtherSpid, 1))}}).value()),
            (std::vector{201}));
  EXPECT_EQ(a().order(id("one")).error().code, Errc::kNotFound);
}

TEST_F(SubmissionsTest, AFullDiskTakesNoneOfThem) {
  Submission many;
  for (int i = 0; i < 40; ++i) {
    many.orders.push_back(an_order("order-" + std::to_string(i)));
  }
  reopen(40);  // pages
  bool full = false;
  std::size_t taken = 0;
  for (int round = 0; round < 20 && !full; ++round) {
    for (SubmittedOrder& order : many.orders) {
      order.id = id(std::to_string(round) + "-" + order.id.text());
    }
    const auto results = a().submit(many);
    full = !results.has_value();
    taken += full ? 0 : results->results.size();
  }
  ASSERT_TRUE(full);
  EXPECT_EQ(a().submit(many).error().code, Errc::kNoSpace);
  EXPECT_EQ(a().order(many.orders.front().id).error().code, Errc::kNotFound) << "reads go on";
  reopen();
  EXPECT_EQ(a().list({}, "", 1'000)->attempts.size(), taken);
  EXPECT_EQ(a().submit(many)->results.size(), many.orders.size());
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
