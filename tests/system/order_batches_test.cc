// SPDX-License-Identifier: Apache-2.0
// Many orders at once between the service provider's client and the distributor's handler: opened
// in one commit, sent in one request, with answers lost, some refused, some over the operator's
// limit, the journal failing (promises, I1, I2 and I7).
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_client.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/service_provider/client/operator_refusal.h"

#include "tests/system/order_batch.h"

namespace kagibin::test {
namespace {

using delivery::OrderId;
using delivery::State;

TEST(OrderBatchesTest, AnyNumberOfOrdersIsOpenedAndSentInFewRequests) {
  for (const std::size_t count : {1U, 64U, 65U, 300U}) {
    Network net("many orders");
    Orders orders(net, count);
    const auto opened = orders.open();
    ASSERT_TRUE(opened) << opened.error().text;
    ASSERT_EQ(opened->orders.size(), count);
    EXPECT_FALSE(opened->refused);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(opened->orders[i].id, orders.ids[i]);
      EXPECT_EQ(opened->orders[i].seq, i + 1);
    }
    EXPECT_EQ(net.provider_http.requests(), 0U);
    const auto sent = orders.send();
    ASSERT_TRUE(sent) << sent.error().text;
    EXPECT_EQ(sent->taken, count);
    EXPECT_LE(net.provider_http.requests(), count / 40 + 1) << count << " orders";
    EXPECT_TRUE(orders.report.events.empty());
    orders.all_are_at_the_operator_once();
  }
}

TEST(OrderBatchesTest, LongOrdersGoInAsManyRequestsAsTheirBodiesNeed) {
  Network net("long orders");
  const auto spring = must(delivery::CampaignId::from("spring"));
  const std::int64_t end = net.world.clock.now() + 86'400;
  const auto terms = must(delivery::campaign_terms_from_json(
      fmt::format(R"({{"notAfter":{},"rollout":{{"kind":"constant","perMinute":60}}}})", end)));
  must(delivery::CampaignApi(net.provider_http).put_campaign(spring, terms));
  Orders orders(net, 64);
  for (provider::OrderWish& wish : orders.wishes) {
    wish.campaign = spring;
    for (std::size_t i = 0; i < delivery::kMaxAttributes; ++i) {
      wish.attributes.emplace(std::string(delivery::kMaxAttributeKey - 1, 'k') + std::to_string(i),
                              std::string(delivery::kMaxAttributeValue, 'v'));
    }
  }
  ASSERT_TRUE(orders.open());
  const std::size_t before = net.provider_http.requests();
  EXPECT_EQ(must(orders.send()).taken, 64U);
  EXPECT_GE(net.provider_http.requests() - before, 2U);
  EXPECT_LE(net.provider_http.requests() - before, 4U) << "none goes by itself";
  orders.all_are_at_the_operator_once();
}

TEST(OrderBatchesTest, TheSameAgainChangesNothingAndSendsNothing) {
  Network net("twice");
  Orders orders(net, 70);
  ASSERT_TRUE(orders.open());
  ASSERT_TRUE(orders.send());
  const std::size_t requests = net.provider_http.requests();
  const std::size_t rows = net.world.journal.state().entries.size();
  const auto again = must(orders.open());
  EXPECT_EQ(again.orders.size(), 70U);
  EXPECT_EQ(must(orders.send()).taken, 70U);
  EXPECT_EQ(net.provider_http.requests(), requests);
  EXPECT_EQ(net.world.journal.state().entries.size(), rows);
  EXPECT_EQ(must(net.world.flow->find(orders.ids.back())).seq, 70U);
}

TEST(OrderBatchesTest, AnOrderOfThatNameForAnotherDeviceStopsBehindThoseBeforeIt) {
  Network net("conflict");
  Orders orders(net, 3);
  net.world.add_card("phone-2");
  Orders others(net, 0);
  others.wishes.push_back(orders.wishes[0]);
  const provider::OrderWish& first = orders.wishes[1];
  others.wishes.push_back({.id = first.id,
                           .device = must(delivery::DeviceId::from("phone-2")),
                           .payload = first.payload,
                           .csv = first.csv,
                           .validity_minutes = first.validity_minutes});
  others.wishes.push_back(orders.wishes[2]);
  ASSERT_TRUE(must(net.client().open(std::span(orders.wishes).subspan(1, 1), orders.report))
                  .orders.size() == 1);
  const auto opened = must(others.open());
  ASSERT_EQ(opened.orders.size(), 1U);
  ASSERT_TRUE(opened.refused);
  EXPECT_EQ(opened.refused->code, Errc::kConflict);
  EXPECT_TRUE(net.world.flow->find(orders.ids[0]));
  EXPECT_FALSE(net.world.flow->find(orders.ids[2]));
}

TEST(OrderBatchesTest, EveryRequestAndEveryAnswerLostOnceIsSentAgainByTheNextRun) {
  for (const Fault fault : {Fault::kRequestLost, Fault::kAnswerLost, Fault::kSentTwice}) {
    for (std::size_t nth = 1; nth <= 3; ++nth) {
      Network net("lossy");
      Orders orders(net, 130);
      ASSERT_TRUE(orders.open());
      net.provider_http.fault = fault;
      net.provider_http.nth = nth;
      const auto sent = orders.send();
      if (fault != Fault::kSentTwice) {
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().code, Errc::kNetwork);
        // An order and its attempt each; what a request took before stays taken.
        EXPECT_GE(must(net.world.journal.unacknowledged()).size(), 2U);
        EXPECT_EQ(must(net.world.journal.unacknowledged()).size() == 260U, nth == 1);
      }
      EXPECT_TRUE(must(net.client().run_once()).events.empty());
      orders.all_are_at_the_operator_once();
    }
  }
}

TEST(OrderBatchesTest, OneThatTheOperatorRefusesStopsNoOther) {
  Network net("refused");
  Orders orders(net, 5);
  must(net.provider_api.put_order(orders.ids[2],
                                  {.device = net.card.device, .not_after = 1'999'999'999}));
  ASSERT_TRUE(orders.open());
  const auto sent = must(orders.send());
  EXPECT_EQ(sent.taken, 4U);
  EXPECT_EQ(sent.turned_down, 1U);
  ASSERT_EQ(orders.report.events.size(), 1U);
  EXPECT_EQ(orders.report.events[0].order, orders.ids[2]);
  EXPECT_TRUE(orders.report.events[0].trouble);
  EXPECT_NE(orders.report.events[0].text.find("turned our order down"), std::string::npos);
  EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
  EXPECT_TRUE(must(net.client().run_once()).events.empty()) << "it is not sent again";
}

TEST(OrderBatchesTest, WhatWasTurnedDownIsSaidByEveryRepetitionAndIsNeverCountedAsTaken) {
  for (const bool by_the_run : {false, true}) {
    Network net("turned down");
    Orders orders(net, 3);
    must(net.provider_api.put_order(orders.ids[1],
                                    {.device = net.card.device, .not_after = 1'999'999'999}));
    ASSERT_TRUE(orders.open());
    if (by_the_run) {
      EXPECT_EQ(must(net.client().run_once()).events.size(), 1U);
    } else {
      EXPECT_EQ(must(orders.send()).turned_down, 1U);
    }
    for (int again = 0; again < 2; ++again) {
      orders.report = {};
      const std::size_t requests = net.provider_http.requests();
      const auto sent = must(orders.send());
      EXPECT_EQ(sent.taken, 2U);
      EXPECT_EQ(sent.turned_down, 1U);
      EXPECT_EQ(net.provider_http.requests(), requests) << "it is not sent again";
      ASSERT_EQ(orders.report.events.size(), 1U);
      EXPECT_EQ(orders.report.events[0].order, orders.ids[1]);
      EXPECT_TRUE(orders.report.events[0].trouble);
      EXPECT_NE(orders.report.events[0].text.find("(conflict)"), std::string::npos);
    }
  }
}

TEST(OrderBatchesTest, WhatExpiredInOurJournalIsNotSent) {
  for (const bool by_the_run : {false, true}) {
    Network net("expired");
    Orders orders(net, 3);
    ASSERT_TRUE(orders.open());
    must(net.world.journal.set_state(orders.ids[1], State::kExpired));
    if (by_the_run) {
      ASSERT_TRUE(net.client().run_once());
    } else {
      const auto sent = must(orders.send());
      EXPECT_EQ(sent.taken, 2U);
      EXPECT_EQ(sent.expired, std::vector{orders.ids[1]});
      EXPECT_EQ(sent.turned_down, 0U);
    }
    for (int again = 0; again < 2; ++again) {
      const auto sent = must(orders.send());
      EXPECT_EQ(sent.taken, 2U);
      EXPECT_EQ(sent.expired, std::vector{orders.ids[1]}) << "it was never sent";
    }
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    EXPECT_EQ(net.provider_api.order(orders.ids[1]).error().code, Errc::kNotFound);
    EXPECT_EQ(net.at_the_operator(orders.ids[2]), State::kOrdered);
  }
}

TEST(OrderBatchesTest, WhatWasSentAndExpiredAfterwardsCountsAsTaken) {
  Network net("expired later");
  Orders orders(net, 2);
  ASSERT_TRUE(orders.open());
  ASSERT_TRUE(orders.send());
  must(net.world.journal.set_state(orders.ids[1], State::kExpired));
  const auto sent = must(orders.send());
  EXPECT_EQ(sent.taken, 2U);
  EXPECT_TRUE(sent.expired.empty());
}

TEST(OrderBatchesTest, OrdersOverTheLimitWaitAndAreSentAgain) {
  Network net("limited");
  net.limit({.max_open = {}, .rate = delivery::TenantRate{.per_minute = 60, .burst = 10}});
  Orders orders(net, 100);
  ASSERT_TRUE(orders.open());
  const auto first = must(orders.send());
  EXPECT_EQ(first.taken, 10U);
  EXPECT_EQ(first.over_limit, 90U);
  EXPECT_EQ(first.turned_down, 0U);
  EXPECT_GE(first.retry_after_seconds, 1U);
  EXPECT_TRUE(orders.report.events.empty());
  EXPECT_EQ(must(net.world.journal.unacknowledged()).size(), 180U);
  provider::ProviderClient client = net.client();
  std::size_t before = 90;
  for (int round = 0; round < 200 && before > 0; ++round) {
    const auto report = must(client.run_once());
    EXPECT_TRUE(report.events.empty()) << report.events[0].text;
    EXPECT_LE(report.over_limit, before);
    before = report.over_limit;
    net.world.clock.advance_seconds(2);
  }
  EXPECT_EQ(before, 0U);
  orders.all_are_at_the_operator_once();
}

TEST(OrderBatchesTest, WhileOrdersAreOverTheLimitTheRestGoesOnAndNothingIsAskedBeforeItsTime) {
  Network net("goes on");
  const auto early = net.world.open_order("early", net.card);
  provider::ProviderClient client = net.client();
  ASSERT_TRUE(client.submit(early.id));
  net.limit({.max_open = 1, .rate = {}});
  Orders orders(net, 3);
  ASSERT_TRUE(orders.open());
  EXPECT_EQ(must(net.run_agent()).enrolled, 1);
  EXPECT_EQ(must(client.run_once()).over_limit, 3U);
  EXPECT_EQ(must(net.world.flow->find(early.id)).state, State::kSealed)
      << "the limit does not keep an order from its end";
  std::size_t posts = 0;
  net.provider_http.before_send = [&](const delivery::HttpRequest& request) {
    posts += request.method == delivery::HttpMethod::kPost ? 1U : 0U;
  };
  EXPECT_EQ(must(client.run_once(30)).over_limit, 3U);
  EXPECT_EQ(posts, 0U) << "Retry-After is not over";
  EXPECT_EQ(must(net.run_agent()).delivered, 1);
  must(client.run_once());
  EXPECT_EQ(must(net.world.flow->find(early.id)).state, State::kConfirmed);
  net.world.clock.advance_seconds(60);
  EXPECT_EQ(must(client.run_once()).over_limit, 2U) << "one has ended, so one is taken";
  EXPECT_EQ(posts, 2U) << "the one, and whether there is room for more";
}

// One that was refused waits for room for its second attempt; another one goes on meanwhile.
TEST(OrderBatchesTest, AFurtherAttemptOverTheLimitKeepsNoOtherOrderFromItsEnd) {
  for (const bool by_rate : {true, false}) {
    Network net("further attempt");
    const auto refused = net.world.open_order("refused", net.card);
    provider::ProviderClient client = net.client();
    ASSERT_TRUE(client.submit(refused.id));
    must(net.run_agent());
    const auto hashes = std::exchange(net.world.policy.kda_code_hashes, {crypto::Digest256{}});
    must(client.run_once());
    net.world.policy.kda_code_hashes = hashes;
    ASSERT_EQ(net.at_the_operator(refused.id), State::kRefused);
    const auto early = net.world.open_order("early", net.card);
    if (by_rate) {
      net.limit({.max_open = {}, .rate = delivery::TenantRate{.per_minute = 1, .burst = 1}});
    }
    ASSERT_TRUE(client.submit(early.id));
    if (!by_rate) {
      net.limit({.max_open = 1, .rate = {}});
    }
    ASSERT_EQ(must(net.run_agent()).enrolled, 1);
    const auto retried = client.retry(refused.id);
    ASSERT_FALSE(retried);
    EXPECT_EQ(retried.error().code, Errc::kInterrupted);
    Orders orders(net, 2);
    ASSERT_TRUE(orders.open());
    for (const State state : {State::kSealed, State::kConfirmed}) {
      const auto report = client.run_once();
      ASSERT_TRUE(report) << report.error().text;
      EXPECT_EQ(report->over_limit, 3U);
      EXPECT_EQ(must(net.world.flow->find(early.id)).state, state);
      must(net.run_agent());
    }
    EXPECT_EQ(must(net.provider_api.order(refused.id)).attempts.size(), 1U);
    net.world.clock.advance_seconds(60);
    EXPECT_EQ(must(client.run_once()).over_limit, 2U);
    EXPECT_EQ(must(net.provider_api.order(refused.id)).attempts.size(), 2U)
        << "it goes before orders that nobody has seen";
  }
}

TEST(OrderBatchesTest, EveryChangeOfTheJournalThatFailsOnceLosesNothing) {
  std::size_t failures = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    Network net("full disk");
    Orders orders(net, 3);
    const std::uint64_t before = net.world.journal.changes();
    net.world.journal.fail_at(nth);
    if (const auto opened = orders.open(); !opened) {
      EXPECT_EQ(opened.error().code, Errc::kNoSpace);
      EXPECT_TRUE(net.world.journal.state().orders.empty()) << "change " << nth << ": all or none";
      EXPECT_TRUE(net.world.journal.state().attempts.empty());
      EXPECT_TRUE(net.world.journal.state().entries.empty());
      ASSERT_TRUE(orders.open());
    }
    if (const auto sent = orders.send(); !sent) {
      EXPECT_EQ(must(net.world.journal.unacknowledged()).size(), 6U) << "change " << nth;
      ASSERT_TRUE(orders.send());
    }
    orders.all_are_at_the_operator_once();
    if (net.world.journal.changes() - before < nth) {
      break;
    }
    ++failures;
  }
  fmt::print("{} failed changes of the journal\n", failures);
  EXPECT_GE(failures, 20U);
}

// An operator that takes all orders of a list but the first.
class OddResult final : public delivery::HttpClient {
 public:
  explicit OddResult(int status) : status_(status) {}
  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override {
    delivery::SubmissionResults results;
    for (const auto& order : must(delivery::submission_from_json(request.body)).orders) {
      results.results.push_back({.id = order.id, .status = 201, .state = State::kOrdered});
    }
    results.results[0].status = status_;
    results.results[0].state = {};
    results.results[0].problem =
        delivery::Problem{.status = status_, .type = "about:blank", .title = "Odd", .detail = ""};
    return delivery::HttpResponse{.status = 200, .body = to_json(results)};
  }

 private:
  int status_;
};

TEST(OrderBatchesTest, AnOperatorThatTakesNoListGetsEveryOrderByItself) {
  for (const int status : {400, 404, 405, 409, 413, 501}) {
    Network net("no lists");
    WithoutLists http(net.provider_http, status);
    delivery::ProviderApi api(http);
    provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
    Orders orders(net, 4);
    must(net.provider_api.put_order(orders.ids[1],
                                    {.device = net.card.device, .not_after = 1'999'999'999}));
    ASSERT_TRUE(orders.open());
    for (int again = 0; again < 2; ++again) {
      provider::RunReport report;
      const auto sent = must(client.send_orders(orders.ids, report));
      EXPECT_EQ(sent.taken, 3U) << status;
      EXPECT_EQ(sent.turned_down, 1U);
      EXPECT_EQ(report.events.size(), 1U);
    }
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    EXPECT_EQ(net.at_the_operator(orders.ids[3]), State::kOrdered);
    EXPECT_TRUE(must(net.provider_api.order(orders.ids[1])).attempts.empty())
        << "that order is another's";
  }
}

TEST(OrderBatchesTest, WithoutListsTheLimitEndsThemAtTheFirstThatIsOverIt) {
  Network net("no lists, limited");
  net.limit({.max_open = 2, .rate = {}});
  WithoutLists http(net.provider_http);
  delivery::ProviderApi api(http);
  provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
  Orders orders(net, 5);
  ASSERT_TRUE(orders.open());
  const auto sent = must(client.send_orders(orders.ids, orders.report));
  EXPECT_EQ(sent.taken, 2U);
  EXPECT_EQ(sent.over_limit, 3U);
  EXPECT_GE(sent.retry_after_seconds, 1U);
  EXPECT_EQ(must(net.world.journal.unacknowledged()).size(), 6U);
}

TEST(OrderBatchesTest, AnOddNoToOneOrderIsItsEndAndAFailureIsNot) {
  for (const int status : {400, 403, 418, 422, 451, 499, 501, 408, 500, 503, 599}) {
    Network net("odd");
    OddResult http(status);
    delivery::ProviderApi api(http);
    provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
    Orders orders(net, 3);
    ASSERT_TRUE(orders.open());
    const auto sent = client.send_orders(orders.ids, orders.report);
    if (status == 408 || (status >= 500 && status != 501)) {
      ASSERT_FALSE(sent) << status;
      EXPECT_TRUE(provider::is_outage(sent.error().code)) << status;
      EXPECT_EQ(must(net.world.journal.unacknowledged()).size(), 2U) << status;
      continue;
    }
    ASSERT_TRUE(sent) << status << sent.error().text;
    EXPECT_EQ(sent->taken, 2U);
    EXPECT_EQ(sent->turned_down, 1U) << status;
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty()) << status;
  }
}

TEST(OrderBatchesTest, AListThatIsNotLookedAtStaysAsItWas) {
  struct Case {
    int status;
    Errc code;
  };
  for (const auto& [status, code] :
       {Case{403, Errc::kUntrusted}, Case{410, Errc::kExpired}, Case{200, Errc::kHttp},
        Case{500, Errc::kHttp}, Case{503, Errc::kInterrupted}, Case{429, Errc::kInterrupted}}) {
    Network net("not looked at");
    WithoutLists http(net.provider_http, status);
    delivery::ProviderApi api(http);
    provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
    Orders orders(net, 3);
    ASSERT_TRUE(orders.open());
    const auto sent = client.send_orders(orders.ids, orders.report);
    const auto run = client.run_once();
    if (status == 429) {
      EXPECT_EQ(must(sent).over_limit, 3U);
      EXPECT_EQ(must(run).over_limit, 3U);
    } else {
      ASSERT_FALSE(sent) << status;
      EXPECT_EQ(sent.error().code, code) << status << sent.error().text;
      EXPECT_EQ(sent.error().text.find("not sent again"), std::string::npos) << status;
      EXPECT_EQ(run.error().code, code) << status;
    }
    EXPECT_EQ(must(net.world.journal.unacknowledged()).size(), 6U) << status;
    EXPECT_TRUE(orders.report.events.empty());
    EXPECT_EQ(must(orders.send()).taken, 3U) << "with another certificate, or later";
    orders.all_are_at_the_operator_once();
  }
}

TEST(OrderBatchesTest, OneOfManyGoesFromItsListToConfirmed) {
  Network net("confirmed");
  Orders orders(net, 1);
  ASSERT_TRUE(orders.open());
  ASSERT_TRUE(orders.send());
  EXPECT_EQ(net.run(orders.ids[0]), State::kConfirmed);
}

}  // namespace
}  // namespace kagibin::test
