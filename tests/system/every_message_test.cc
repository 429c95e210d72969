// SPDX-License-Identifier: Apache-2.0
// Every single message between provider, distributor and agent comes twice, late, or behind the one
// that was sent after it: in a delivery of every kind, each message in turn (promises, network).
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/system/order_network.h"

namespace kagibin::test {
namespace {

using delivery::State;

constexpr std::array kFaults = {Fault::kSentTwice, Fault::kAgainBehindTheNext,
                                Fault::kAgainAtTheEnd, Fault::kLateBehindTheNext,
                                Fault::kLateAtTheEnd};
constexpr int kRounds = 12;

delivery::OrderId submitted(Network& net, const std::string& name) {
  const auto order = net.world.open_order(name, net.card);
  static_cast<void>(net.client().submit(order.id));  // what did not go out is sent again
  return order.id;
}

// Client and agent in turn until the provider's journal says so.
void work_until(Network& net,
                const delivery::OrderId& order,
                const std::function<bool(const delivery::JournalOrder&)>& so) {
  for (int round = 0; round < kRounds && !so(must(net.world.flow->find(order))); ++round) {
    static_cast<void>(net.run_agent());
    net.world.reopen(net.card);
    static_cast<void>(net.client().run_once());
  }
}

void work_until(Network& net, const delivery::OrderId& order, State state) {
  work_until(net, order, [&](const delivery::JournalOrder& now) { return now.state == state; });
}

struct Play {
  std::string name;
  bool by_certificates = false;
  State ends = State::kConfirmed;
  bool installs = true;
  delivery::AttemptNumber attempts = 1;
  bool may_be_late = false;  // then it is confirmed, and the element says so, too
  std::function<delivery::OrderId(Network&)> play{};
};

delivery::OrderId delivered(Network& net) {
  const auto order = submitted(net, "order");
  work_until(net, order, State::kConfirmed);
  return order;
}

delivery::OrderId taken_back_early(Network& net) {
  const auto order = submitted(net, "order");
  for (int round = 0; round < kRounds && !net.client().cancel(order); ++round) {
  }
  work_until(net, order, State::kCancelled);
  return order;
}

delivery::OrderId taken_back_late(Network& net) {
  const auto order = submitted(net, "order");
  work_until(net, order, State::kSealed);
  static_cast<void>(net.client().cancel(order));
  work_until(net, order, State::kCancelled);
  return order;
}

delivery::OrderId declined(Network& net) {
  net.world.policy.kda_code_hashes = {crypto::Digest256{}};
  const auto order = submitted(net, "order");
  work_until(net, order, State::kRefused);
  return order;
}

delivery::OrderId tried_again(Network& net) {
  const auto allowed = net.world.policy.kda_code_hashes;
  const auto order = declined(net);
  net.world.policy.kda_code_hashes = allowed;
  static_cast<void>(net.client().retry(order));
  work_until(net, order, State::kConfirmed);
  return order;
}

const std::vector<Play>& plays() {
  static const std::vector<Play> all = {
      Play{.name = "RL1", .play = delivered},
      Play{.name = "RL2", .by_certificates = true, .play = delivered},
      Play{.name = "TakenBackEarly",
           .ends = State::kCancelled,
           .installs = false,
           .play = taken_back_early},
      Play{.name = "TakenBackLate",
           .ends = State::kCancelled,
           .installs = false,
           .attempts = 2,
           .may_be_late = true,
           .play = taken_back_late},
      Play{.name = "Declined", .ends = State::kRefused, .installs = false, .play = declined},
      Play{.name = "TriedAgain", .attempts = 2, .play = tried_again},
  };
  return all;
}

class EveryMessageTest : public testing::TestWithParam<std::size_t> {
 protected:
  const Play& play() const { return plays().at(GetParam()); }

  // False when there was no such message any more.
  bool goes_well(bool at_provider, Fault fault, std::size_t nth) {
    Network net(play().name, {.by_certificates = play().by_certificates});
    FaultyHttp& http = at_provider ? net.provider_http : net.device_http;
    http.fault = fault;
    http.nth = nth;
    const delivery::OrderId order = play().play(net);
    const bool reached = http.requests() >= nth;
    http.end();
    http.fault = Fault::kNone;
    for (int round = 0; round < 3; ++round) {  // what arrived late has no say any more
      EXPECT_TRUE(net.client().run_once());
      EXPECT_TRUE(net.run_agent());
      net.world.reopen(net.card);
    }
    const auto ended = must(net.world.flow->find(order));
    const bool late = play().may_be_late && ended.state == State::kConfirmed;
    EXPECT_EQ(ended.state, late ? State::kConfirmed : play().ends);
    EXPECT_EQ(net.at_the_operator(order), ended.state);
    EXPECT_EQ(ended.seq, 1U);
    EXPECT_EQ(ended.current_attempt, play().attempts);
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    const auto keys = must(net.world.keys->channel_keys(net.card.seid, Deployment::domain_aid(),
                                                        Deployment::kNewKeyVersion));
    const bool opens = keys && net.world.opens_with(net.card, Deployment::kNewKeyVersion, *keys);
    EXPECT_EQ(opens, late || play().installs);
    return reached;
  }
};

// promises, network: every single message duplicated
TEST_P(EveryMessageTest, TwiceLateOrOvertakenChangesNothing) {
  std::size_t messages = 0;
  for (const bool at_provider : {true, false}) {
    for (const Fault fault : kFaults) {
      for (std::size_t nth = 1;; ++nth) {
        SCOPED_TRACE(fmt::format("{} message {}, fault {}", at_provider ? "provider's" : "agent's",
                                 nth, static_cast<int>(fault)));
        if (!goes_well(at_provider, fault, nth)) {
          break;
        }
        ++messages;
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  fmt::print("{}: {} messages came twice, late or overtaken\n", play().name, messages);
  EXPECT_GE(messages, 3 * kFaults.size()) << "an order, its attempt, and what becomes of it";
}

INSTANTIATE_TEST_SUITE_P(Plays,
                         EveryMessageTest,
                         testing::Range<std::size_t>(0, plays().size()),
                         [](const auto& info) { return plays().at(info.param).name; });

}  // namespace
}  // namespace kagibin::test
