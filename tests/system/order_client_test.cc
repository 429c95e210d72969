// SPDX-License-Identifier: Apache-2.0
// The service provider's client, the distributor's handler and the agent in one process: orders
// from submission to verdict, with every message lost, every journal change failing, and everything
// sent twice (promises, I1 to I4 and I7).
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/system/order_network.h"

namespace kagibin::test {
namespace {

using delivery::State;

bool new_keys_open(Network& net) {
  const auto keys = must(net.world.keys->channel_keys(net.card.seid, Deployment::domain_aid(),
                                                      Deployment::kNewKeyVersion));
  return keys && net.world.opens_with(net.card, Deployment::kNewKeyVersion, *keys);
}

TEST(OrderClientTest, AnOrderGoesFromSubmissionToConfirmed) {
  Network net("order client");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  ASSERT_EQ(must(net.run_agent()).enrolled, 1);
  const auto sealed = must(net.client().run_once());
  ASSERT_EQ(sealed.events.size(), 1U);
  EXPECT_EQ(sealed.events[0].state, State::kSealed);
  ASSERT_EQ(must(net.run_agent()).delivered, 1);
  const auto judged = must(net.client().run_once());
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_EQ(judged.events[0].state, State::kConfirmed) << judged.events[0].text;
  EXPECT_FALSE(judged.events[0].trouble);
  EXPECT_EQ(net.at_the_operator(order.id), State::kConfirmed);
  EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
  EXPECT_TRUE(must(net.client().run_once()).events.empty());
  EXPECT_TRUE(new_keys_open(net));
}

TEST(OrderClientTest, EveryRequestAndEveryAnswerLostOnceStillEndsConfirmed) {
  std::size_t faults = 0;
  for (const bool at_provider : {true, false}) {
    for (const Fault fault : {Fault::kRequestLost, Fault::kAnswerLost, Fault::kSentTwice}) {
      for (std::size_t nth = 1;; ++nth) {
        Network net("lossy");
        FaultyHttp& http = at_provider ? net.provider_http : net.device_http;
        http.fault = fault;
        http.nth = nth;
        const auto order = net.world.open_order("order-1", net.card);
        static_cast<void>(net.client().submit(order.id));
        ASSERT_EQ(net.run(order.id), State::kConfirmed) << "fault at request " << nth;
        const bool reached = http.requests() >= nth;
        http.fault = Fault::kNone;
        EXPECT_EQ(must(net.world.flow->find(order.id)).current_attempt, 1U);
        ASSERT_TRUE(net.client().run_once());
        EXPECT_EQ(net.at_the_operator(order.id), State::kConfirmed) << "fault at request " << nth;
        if (!reached) {
          break;
        }
        ++faults;
      }
    }
  }
  fmt::print("{} single faults of the network\n", faults);
  EXPECT_GT(faults, 30U);
}

TEST(OrderClientTest, EverythingSentTwiceInstallsOnce) {
  Network net("twice");
  net.provider_http.fault = net.device_http.fault = Fault::kSentTwice;
  net.provider_http.every = net.device_http.every = true;
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  EXPECT_EQ(net.run(order.id), State::kConfirmed);
  EXPECT_EQ(must(net.world.flow->find(order.id)).current_attempt, 1U);
  EXPECT_TRUE(new_keys_open(net));
}

TEST(OrderClientTest, EveryChangeOfTheJournalThatFailsOnceLosesNothing) {
  std::size_t failures = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    Network net("full disk");
    const auto payload = must(provider::PayloadFile::parse(Deployment::payload_text()));
    const provider::OrderWish wish{.id = must(delivery::OrderId::from("order-1")),
                                   .device = net.card.device,
                                   .payload = payload,
                                   .csv = net.world.csv,
                                   .validity_minutes = Deployment::kValidityMinutes};
    const std::uint64_t before = net.world.journal.changes();
    net.world.journal.fail_at(nth);
    auto order = net.world.flow->open(wish);
    if (!order) {
      EXPECT_EQ(order.error().code, Errc::kNoSpace);
      order = net.world.flow->open(wish);
    }
    ASSERT_TRUE(order);
    if (!net.client().submit(order->id)) {
      ASSERT_TRUE(net.client().submit(order->id)) << "change " << nth;
    }
    ASSERT_EQ(net.run(order->id), State::kConfirmed) << "change " << nth;
    EXPECT_EQ(must(net.world.flow->find(order->id)).seq, 1U);
    EXPECT_EQ(must(net.world.flow->find(order->id)).current_attempt, 1U);
    ASSERT_TRUE(net.client().run_once());
    EXPECT_EQ(net.at_the_operator(order->id), State::kConfirmed) << "change " << nth;
    if (net.world.journal.changes() - before < nth) {
      break;
    }
    ++failures;
  }
  fmt::print("{} failed changes of the journal\n", failures);
  EXPECT_GT(failures, 10U);
}

// The process that follows the orders is the one whose journal failed, and it goes on.
TEST(OrderClientTest, AnOrderWhoseFirstAttemptDidNotGetIntoTheJournalIsSubmittedByTheSameProcess) {
  for (std::uint64_t change = 1;; ++change) {
    Network net("forgotten meanwhile");
    provider::ProviderClient client = net.client();
    static_cast<void>(must(client.run_once()));
    const auto order = net.world.open_order("order-1", net.card);
    net.world.journal.fail_at(change);
    if (client.submit(order.id)) {
      EXPECT_GT(change, 3U) << "order, attempt, request";
      break;
    }
    for (int round = 0; round < 3; ++round) {
      static_cast<void>(must(client.run_once()));
      static_cast<void>(must(net.run_agent()));
    }
    static_cast<void>(must(client.run_once()));
    EXPECT_EQ(must(net.world.flow->find(order.id)).state, State::kConfirmed) << change;
  }
}

// The same of an attempt behind the first: it was opened, and its request was never made.
TEST(OrderClientTest, AFurtherAttemptThatWasOpenedAndNotRequestedIsTheNextOne) {
  for (const bool cancels : {false, true}) {
    Network net("opened only");
    const auto order = net.world.open_order("order-1", net.card);
    ASSERT_TRUE(net.client().submit(order.id));
    ASSERT_EQ(must(net.run_agent()).enrolled, 1);
    static_cast<void>(must(net.client().run_once()));  // sealed
    net.world.journal.fail_at(2);                      // behind the change that opens the attempt
    const auto fails = cancels ? net.client().cancel(order.id) : net.client().retry(order.id);
    ASSERT_FALSE(fails) << fails.has_value();
    ASSERT_EQ(must(net.world.flow->find(order.id)).current_attempt, 2U);
    const auto again = cancels ? net.client().cancel(order.id) : net.client().retry(order.id);
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(must(net.world.flow->find(order.id)).current_attempt, 2U) << "no number is left out";
    net.run(order.id);
    EXPECT_EQ(net.at_the_operator(order.id), cancels ? State::kCancelled : State::kConfirmed);
  }
}

TEST(OrderClientTest, ARefusedAnswerEndsTheOrderAndTellsTheOperatorNoMoreThanTheKind) {
  Network net("refused");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  must(net.run_agent());
  net.world.policy.kda_code_hashes = {crypto::Digest256{}};
  const auto report = must(net.client().run_once());
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_TRUE(report.events[0].trouble);
  EXPECT_NE(report.events[0].text.find("allow-list"), std::string::npos);
  const auto status = must(net.provider_api.order(order.id));
  EXPECT_EQ(status.state, State::kRefused);
  ASSERT_TRUE(status.attempts.at(0).verdict);
  const std::string reason = status.attempts[0].verdict->reason;
  EXPECT_EQ(reason.find(net.card.seid.hex()), std::string::npos) << reason;
  EXPECT_EQ(reason.find("hash"), std::string::npos) << reason;
  EXPECT_EQ(must(net.world.flow->find(order.id)).state, State::kRefused);
}

TEST(OrderClientTest, MissingChannelKeysLeaveTheOrderWaitingUntilTheyAreThere) {
  Network net("pending");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  must(net.run_agent());
  const auto keys = Deployment::channel_keys(net.card.domain_keys);
  must(net.world.keys->forget_channel_keys(net.card.seid, Deployment::domain_aid(),
                                           Deployment::kDomainKeyVersion));
  for (int again = 0; again < 2; ++again) {
    const auto waiting = must(net.client().run_once());
    ASSERT_EQ(waiting.events.size(), 1U);
    EXPECT_NE(waiting.events[0].text.find("Import"), std::string::npos);
  }
  must(net.world.keys->put_channel_keys(net.card.seid, Deployment::domain_aid(),
                                        Deployment::kDomainKeyVersion, keys));
  EXPECT_EQ(net.run(order.id), State::kConfirmed);
}

TEST(OrderClientTest, AnOrderIsTakenBackBeforeAndAfterItsEnvelopeWentOut) {
  Network net("taken back");
  const auto early = net.world.open_order("early", net.card);
  ASSERT_TRUE(net.client().submit(early.id));
  must(net.run_agent());
  ASSERT_TRUE(net.client().cancel(early.id));
  EXPECT_EQ(must(net.world.flow->find(early.id)).state, State::kCancelled);
  must(net.client().run_once());
  EXPECT_EQ(net.at_the_operator(early.id), State::kCancelled);

  const auto late = net.world.open_order("late", net.card);
  ASSERT_TRUE(net.client().submit(late.id));
  must(net.run_agent());
  must(net.client().run_once());
  ASSERT_EQ(net.at_the_operator(late.id), State::kSealed);
  ASSERT_TRUE(net.client().cancel(late.id));
  EXPECT_NE(must(net.world.flow->find(late.id)).state, State::kCancelled)
      << "only the element's word ends an order whose envelope went out";
  must(net.run_agent());
  must(net.client().run_once());
  EXPECT_EQ(must(net.world.flow->find(late.id)).state, State::kCancelled);
  EXPECT_EQ(net.at_the_operator(late.id), State::kCancelled);
  EXPECT_TRUE(net.world.opens_with(net.card, Deployment::kDomainKeyVersion,
                                   Deployment::channel_keys(net.card.domain_keys)));
}

TEST(OrderClientTest, TheRunWaitsAtTheOperatorAsLongAsItIsTold) {
  Network net("waits");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  EXPECT_TRUE(must(net.client().run_once(17)).news);
  EXPECT_EQ(net.provider_http.last.target, "/v1/orders?limit=100&wait=17");
  EXPECT_TRUE(net.provider_http.last.waits) << "may be given up when the program is to end";
  const auto idle = must(net.client().run_once(17));
  EXPECT_FALSE(idle.news);
  EXPECT_TRUE(idle.retry_after_seconds.has_value());
  EXPECT_NE(net.provider_http.last.target.find("&wait=17&after="), std::string::npos);
}

// The cursor moves behind a whole page: on a line that fails often, long ones would never end.
TEST(OrderClientTest, AnOutageInsideAPageMakesTheNextOnesShorter) {
  Network net("outages");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  ASSERT_EQ(must(net.run_agent()).enrolled, 1);
  std::vector<std::string> pages;
  net.provider_http.before_send = [&](const delivery::HttpRequest& request) {
    constexpr std::string_view kListing = "/v1/orders?limit=";
    if (request.target.starts_with(kListing)) {
      pages.push_back(
          request.target.substr(kListing.size(), request.target.find('&') - kListing.size()));
    }
  };
  provider::ProviderClient client = net.client();
  net.provider_http.fault = Fault::kAnswerLost;
  for (int i = 0; i < 5; ++i) {
    net.provider_http.nth = net.provider_http.requests() + 2;  // the enrolment, behind the listing
    EXPECT_FALSE(client.run_once());
  }
  net.provider_http.fault = Fault::kNone;
  ASSERT_EQ(must(client.run_once()).events.size(), 1U);
  ASSERT_TRUE(client.run_once());
  EXPECT_EQ(pages, (std::vector<std::string>{"100", "25", "6", "1", "1", "1", "2"}));
  EXPECT_EQ(net.at_the_operator(order.id), State::kSealed);
}

TEST(OrderClientTest, TheOperatorsClockEndsNoOrderBeforeOurs) {
  Network net("fast operator");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  net.operator_clock.skew_seconds = 7200;
  net.tick();
  ASSERT_EQ(net.at_the_operator(order.id), State::kExpired);
  const auto told = must(net.client().run_once());
  ASSERT_EQ(told.events.size(), 1U);
  EXPECT_EQ(told.events[0].state, State::kOrdered);
  EXPECT_TRUE(told.events[0].trouble);
  EXPECT_NE(told.events[0].text.find("by our own clock"), std::string::npos);
  EXPECT_EQ(must(net.world.flow->find(order.id)).state, State::kOrdered);
  EXPECT_TRUE(must(net.client().run_once()).events.empty()) << "said once";
  net.world.clock.set_now(order.not_after);
  EXPECT_TRUE(must(net.client().run_once()).events.empty()) << "notAfter itself is in time";
  net.world.clock.advance_seconds(1);
  const auto over = must(net.client().run_once());
  ASSERT_EQ(over.events.size(), 1U);
  EXPECT_EQ(over.events[0].state, State::kExpired);
  EXPECT_NE(over.events[0].text.find("Make a new order"), std::string::npos) << "what to do";
  EXPECT_EQ(must(net.world.flow->find(order.id)).state, State::kExpired);
}

TEST(OrderClientTest, OurClockEndsAnOrderThatTheOperatorNeverDoes) {
  Network net("slow operator");
  const auto idle = net.world.open_order("idle", net.card);
  ASSERT_TRUE(net.client().submit(idle.id));
  must(net.client().run_once());
  net.world.clock.advance_seconds(7200);
  net.operator_clock.skew_seconds = -7200;
  ASSERT_EQ(must(net.client().run_once()).events.size(), 1U);
  EXPECT_EQ(must(net.world.flow->find(idle.id)).state, State::kExpired);
  EXPECT_EQ(net.at_the_operator(idle.id), State::kOrdered);
  must(net.run_agent());
  must(net.client().run_once());
  EXPECT_EQ(net.at_the_operator(idle.id), State::kCancelled) << "nothing is sealed for it";
  EXPECT_EQ(must(net.world.flow->find(idle.id)).state, State::kExpired);
}

// A second receipt arrives between our reading of the first and our verdict on it.
TEST(OrderClientTest, AVerdictThatALaterReceiptOvertookIsMadeAgain) {
  Network net("overtaken");
  const auto order = net.world.open_order("order-1", net.card);
  ASSERT_TRUE(net.client().submit(order.id));
  must(net.run_agent());
  must(net.client().run_once());
  must(net.run_agent());
  bool done = false;
  net.provider_http.before_send = [&](const delivery::HttpRequest& request) {
    if (!done && request.target.ends_with("/verdict")) {
      done = true;
      Bytes later = must(net.provider_api.receipt(order.id, 1)).receipt;
      later.back() ^= 1U;
      must(net.device_api.put_receipt({.provider = net.spid(), .id = order.id}, 1,
                                      {.receipt = later, .revision = {}}));
    }
  };
  const auto first = must(net.client().run_once());
  ASSERT_TRUE(done);
  ASSERT_EQ(first.events.size(), 1U);
  EXPECT_EQ(first.events[0].state, State::kConfirmed);
  EXPECT_EQ(net.at_the_operator(order.id), State::kReported) << "the verdict was on the first one";
  const auto second = must(net.client().run_once());
  EXPECT_EQ(net.at_the_operator(order.id), State::kConfirmed);
  EXPECT_EQ(must(net.provider_api.order(order.id)).attempts.at(0).verdict->revision, 2U);
  for (const auto& event : second.events) {
    EXPECT_FALSE(event.trouble) << event.text;
  }
  EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
  EXPECT_EQ(must(net.world.flow->find(order.id)).state, State::kConfirmed);
}

TEST(OrderClientTest, TimeThatRunsOutIsExpiredBeforeSealingAndUnknownAfterwards) {
  Network net("expiry");
  const auto idle = net.world.open_order("idle", net.card);
  ASSERT_TRUE(net.client().submit(idle.id));
  net.world.clock.advance_seconds(7200);
  net.tick();
  must(net.client().run_once());
  EXPECT_EQ(must(net.world.flow->find(idle.id)).state, State::kExpired);

  const auto sealed = net.world.open_order("sealed", net.card);
  ASSERT_TRUE(net.client().submit(sealed.id));
  must(net.run_agent());
  must(net.client().run_once());
  net.world.clock.advance_seconds(7200);
  net.tick();
  must(net.client().run_once());
  EXPECT_EQ(must(net.world.flow->find(sealed.id)).state, State::kUnknown);
}

}  // namespace
}  // namespace kagibin::test
