// SPDX-License-Identifier: Apache-2.0
// Orders that are taken back before, while and after they are sent, between the service provider's
// client and the distributor's handler: none of them is left at the operator, whatever is lost.
#include <vector>

#include <gtest/gtest.h>

#include "tests/system/order_batch.h"

namespace kagibin::test {
namespace {

using delivery::OrderId;
using delivery::State;

// Whether by the list or by the run; the operator may be away when it is taken back.
TEST(TakenBackOrdersTest, WhatWasTakenBackBeforeItWasSentIsNeverSent) {
  for (const bool by_the_run : {false, true}) {
    for (const bool away : {false, true}) {
      Network net("taken back");
      Orders orders(net, 3);
      ASSERT_TRUE(orders.open());
      net.provider_http.fault = Fault::kRequestLost;
      net.provider_http.every = away;
      EXPECT_EQ(net.client().cancel(orders.ids[1]).has_value(), !away);
      net.provider_http.every = false;
      if (by_the_run) {
        ASSERT_TRUE(net.client().run_once());
      } else {
        const auto sent = must(orders.send());
        EXPECT_EQ(sent.taken, 2U);
        EXPECT_EQ(sent.cancelled, std::vector{orders.ids[1]});
      }
      EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
      EXPECT_EQ(net.provider_api.order(orders.ids[1]).error().code, Errc::kNotFound);
      EXPECT_EQ(net.at_the_operator(orders.ids[2]), State::kOrdered);
      const auto again = must(orders.send());
      EXPECT_EQ(again.taken, 2U);
      EXPECT_EQ(again.cancelled, std::vector{orders.ids[1]});
      EXPECT_EQ(must(net.world.flow->find(orders.ids[1])).state, State::kCancelled);
    }
  }
}

// The answer was lost, so that nobody knows; or it is taken back just while it is sent.
TEST(TakenBackOrdersTest, WhatIsTakenBackOnItsWayIsWithdrawnBehindIt) {
  for (const bool answer_lost : {false, true}) {
    for (const bool with_lists : {true, false}) {
      Network net("on its way");
      WithoutLists http(net.provider_http);
      delivery::ProviderApi api(with_lists ? static_cast<delivery::HttpClient&>(net.provider_http)
                                           : http);
      provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
      Orders orders(net, 2);
      ASSERT_TRUE(orders.open());
      const OrderId& id = orders.ids[1];
      if (answer_lost) {
        net.provider_http.fault = Fault::kAnswerLost;
        net.provider_http.nth = with_lists ? 1 : 4;
        EXPECT_FALSE(client.send_orders(orders.ids, orders.report));
        net.provider_http.fault = Fault::kRequestLost;
        net.provider_http.every = true;
        EXPECT_FALSE(client.cancel(id));
        net.provider_http.every = false;
        net.provider_http.fault = Fault::kNone;
      } else {
        net.provider_http.before_send = [&](const delivery::HttpRequest&) {
          must(net.world.journal.set_state(id, State::kCancelled));
        };
      }
      must(client.send_orders(orders.ids, orders.report));
      EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
      EXPECT_EQ(net.at_the_operator(id), State::kCancelled);
      EXPECT_EQ(net.at_the_operator(orders.ids[0]), State::kOrdered);
      EXPECT_EQ(must(net.run_agent()).enrolled, 1) << "the device hears of one of them";
    }
  }
}

// The process may have ended there as well: what was sent is not acknowledged before.
TEST(TakenBackOrdersTest, AWithdrawalThatIsLostIsMadeByTheNextRun) {
  for (const bool with_lists : {true, false}) {
    Network net("withdrawal lost");
    WithoutLists http(net.provider_http);
    delivery::ProviderApi api(with_lists ? static_cast<delivery::HttpClient&>(net.provider_http)
                                         : http);
    provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
    Orders orders(net, 3);
    ASSERT_TRUE(orders.open());
    net.provider_http.before_send = [&](const delivery::HttpRequest& request) {
      const bool attempt_went = with_lists || request.target.ends_with("/attempts/1");
      for (std::size_t i = 0; attempt_went && i < 2; ++i) {
        must(net.world.journal.set_state(orders.ids[i], State::kCancelled));
      }
    };
    net.provider_http.fault = Fault::kRequestLost;
    net.provider_http.nth = with_lists ? 2 : 3;
    const auto sent = client.send_orders(orders.ids, orders.report);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, Errc::kNetwork);
    EXPECT_EQ(net.at_the_operator(orders.ids[0]), State::kOrdered);
    ASSERT_TRUE(client.run_once());
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    EXPECT_EQ(net.at_the_operator(orders.ids[0]), State::kCancelled);
    if (with_lists) {
      EXPECT_EQ(net.at_the_operator(orders.ids[1]), State::kCancelled);
    } else {
      EXPECT_FALSE(net.provider_api.order(orders.ids[1])) << "it was never sent";
    }
    EXPECT_EQ(net.at_the_operator(orders.ids[2]), State::kOrdered);
  }
}

// An operator that lets us order and take nothing back.
class WithoutWithdrawals final : public delivery::HttpClient {
 public:
  explicit WithoutWithdrawals(delivery::HttpClient& real) : real_(real) {}
  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override {
    if (request.target.ends_with("/withdrawal")) {
      return delivery::HttpResponse{.status = 403};
    }
    return real_.send(request);
  }

 private:
  delivery::HttpClient& real_;
};

TEST(TakenBackOrdersTest, WhatWeMayNotTakeBackStaysAsItIs) {
  for (const bool with_lists : {true, false}) {
    for (const bool answer_lost : {true, false}) {
      Network net("may not take back");
      WithoutLists singly(net.provider_http);
      WithoutWithdrawals http(with_lists ? static_cast<delivery::HttpClient&>(net.provider_http)
                                         : singly);
      delivery::ProviderApi api(http);
      provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
      Orders orders(net, 1);
      const OrderId& id = orders.ids[0];
      ASSERT_TRUE(orders.open());
      if (answer_lost) {
        net.provider_http.fault = Fault::kAnswerLost;
        net.provider_http.nth = with_lists ? 1 : 2;
        EXPECT_FALSE(client.send_orders(orders.ids, orders.report));
        EXPECT_EQ(client.cancel(id).error().code, Errc::kPolicy);
      } else {
        net.provider_http.before_send = [&](const delivery::HttpRequest&) {
          must(net.world.journal.set_state(id, State::kCancelled));
        };
      }
      for (int again = 0; again < 2; ++again) {
        const auto sent = client.send_orders(orders.ids, orders.report);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().code, Errc::kPolicy) << sent.error().text;
        EXPECT_EQ(client.run_once().error().code, Errc::kPolicy);
      }
      EXPECT_FALSE(must(net.world.journal.unacknowledged()).empty());
      EXPECT_TRUE(orders.report.events.empty()) << "it was not turned down";
      EXPECT_EQ(net.at_the_operator(id), State::kOrdered);
      ASSERT_TRUE(net.client().run_once()) << "with another certificate";
      EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
      EXPECT_EQ(net.at_the_operator(id), State::kCancelled);
    }
  }
}

// It may be another order of ours by this name, which a restored journal knows nothing of.
TEST(TakenBackOrdersTest, WhatWasTurnedDownIsNotWithdrawn) {
  Network net("turned down and taken back");
  Orders orders(net, 1);
  const OrderId& id = orders.ids[0];
  ASSERT_TRUE(orders.open());
  const auto entry = must(net.world.journal.find_entry(id, 1, delivery::JournalStep::kRequest));
  must(net.provider_api.put_order(id, {.device = net.card.device, .not_after = 1'999'999'999}));
  must(net.provider_api.put_attempt(
      id, 1, {.kind = delivery::AttemptRequest::Kind::kRequest, .message = entry->message}));
  net.provider_http.before_send = [&](const delivery::HttpRequest&) {
    must(net.world.journal.set_state(id, State::kCancelled));
  };
  EXPECT_EQ(must(orders.send()).turned_down, 1U);
  EXPECT_EQ(net.at_the_operator(id), State::kOrdered);
}

TEST(TakenBackOrdersTest, AWithdrawalBehindTheListLeavesTheListsRetryAfter) {
  Network net("limited and taken back");
  net.limit({.max_open = {}, .rate = delivery::TenantRate{.per_minute = 60, .burst = 1}});
  Orders orders(net, 2);
  ASSERT_TRUE(orders.open());
  net.provider_http.before_send = [&](const delivery::HttpRequest&) {
    must(net.world.journal.set_state(orders.ids[0], State::kCancelled));
  };
  const auto sent = must(orders.send());
  EXPECT_EQ(net.at_the_operator(orders.ids[0]), State::kCancelled);
  EXPECT_EQ(sent.taken, 1U);
  EXPECT_EQ(sent.over_limit, 1U);
  EXPECT_LE(sent.retry_after_seconds, 2U);
}

// The order alone went, by itself, and its answer was lost: there is no attempt to withdraw.
TEST(TakenBackOrdersTest, AnOrderThatStandsWithoutItsAttemptIsTakenBackWithIt) {
  for (const bool by_the_run : {false, true}) {
    for (const bool with_lists : {true, false}) {
      Network net("no attempt");
      WithoutLists http(net.provider_http);
      delivery::ProviderApi api(with_lists ? static_cast<delivery::HttpClient&>(net.provider_http)
                                           : http);
      provider::ProviderClient client(*net.world.flow, api, net.world.journal, {});
      Orders orders(net, 1);
      const OrderId& id = orders.ids[0];
      ASSERT_TRUE(orders.open());
      net.provider_http.fault = Fault::kAnswerLost;
      net.provider_http.nth = 1;
      EXPECT_FALSE(client.submit(id));
      ASSERT_TRUE(client.cancel(id));
      EXPECT_TRUE(must(net.provider_api.order(id)).attempts.empty());
      if (by_the_run) {
        ASSERT_TRUE(client.run_once());
      } else {
        EXPECT_EQ(must(client.send_orders(orders.ids, orders.report)).taken, 1U);
      }
      EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
      EXPECT_EQ(net.at_the_operator(id), State::kCancelled);
    }
  }
}

TEST(TakenBackOrdersTest, WhatEndedUnsentDoesNotWaitForTheLimit) {
  Network net("ended over the limit");
  net.limit({.max_open = 0, .rate = {}});
  Orders orders(net, 4);
  ASSERT_TRUE(orders.open());
  provider::ProviderClient client = net.client();
  EXPECT_EQ(must(client.run_once()).over_limit, 4U);
  ASSERT_TRUE(client.cancel(orders.ids[1]));
  must(net.world.journal.set_state(orders.ids[2], State::kExpired));
  EXPECT_EQ(must(client.run_once()).over_limit, 2U);
  const auto waiting = must(net.world.journal.unacknowledged());
  ASSERT_EQ(waiting.size(), 4U);
  EXPECT_EQ(waiting[0].order, orders.ids[0]);
  EXPECT_EQ(waiting[2].order, orders.ids[3]);
  EXPECT_EQ(must(client.run_once()).over_limit, 2U);
}

}  // namespace
}  // namespace kagibin::test
