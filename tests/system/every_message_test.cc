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

#include "kagibin/envelope/delivery_message.h"

#include "tests/system/order_network.h"

namespace kagibin::test {
namespace {

using delivery::State;

constexpr std::array kFaults = {Fault::kSentTwice, Fault::kAgainBehindTheNext,
                                Fault::kAgainAtTheEnd, Fault::kLateBehindTheNext,
                                Fault::kLateAtTheEnd};
constexpr int kRounds = 12;

delivery::OrderId submitted(Network& net,
                            const std::string& name,
                            const std::string& payload = Deployment::payload_text()) {
  const auto order = net.world.open_order(name, net.card, payload);
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

DeploymentOptions by_certificates() {
  DeploymentOptions out;
  out.by_certificates = true;
  return out;
}

// The receipt of a delivery carries the next enrolment.
DeploymentOptions keeping(DeploymentOptions out = {}) {
  out.policy_members = R"(, "keep_enrolment_minutes": 60)";
  return out;
}

struct Play {
  std::string name;
  DeploymentOptions options{};
  std::uint8_t level = 1;                  // of the receipt, where the order is confirmed
  std::function<void(Network&)> before{};  // undisturbed
  std::uint32_t seq = 1;
  State ends = State::kConfirmed;
  bool installs = true;
  std::uint8_t puts = Deployment::kNewKeyVersion;
  delivery::AttemptNumber attempts = 1;
  bool may_be_late = false;  // then it is confirmed, and the element says so, too
  bool takes_one_visit = false;
  std::function<delivery::OrderId(Network&)> play{};
};

delivery::OrderId delivered_as(Network& net, const std::string& name, const std::string& payload) {
  const auto order = submitted(net, name, payload);
  work_until(net, order, State::kConfirmed);
  return order;
}

delivery::OrderId delivered(Network& net) {
  return delivered_as(net, "order", Deployment::payload_text());
}

delivery::OrderId delivered_at_rl2(Network& net) {
  net.world.policy.minimum_level = 2;
  net.world.policy.accept_rl1.reset();
  return delivered_as(net, "order", Deployment::payload_by_certificates());
}

// From now on under the set that the provider alone put.
void begun_at_rl2(Network& net) {
  static_cast<void>(delivered_at_rl2(net));
  net.world.policy.minimum_level = 3;
  net.world.renew_flow();
}

// What was put before opens the channel and goes.
constexpr std::uint8_t kSecondKeyVersion = Deployment::kNewKeyVersion + 1;

std::string second_payload() {
  return fmt::format(
      R"({{"target":"{0}","channel":{{"key_version":"{1:02X}"}},"actions":[{{"put_key":{{)"
      R"("replace":"{1:02X}","key_version":"{2:02X}","key_identifier":"01",)"
      R"("keys":[{{"random":16}},{{"random":16}},{{"random":16}}]}}}}]}})",
      Deployment::domain_aid().hex(), Deployment::kNewKeyVersion, kSecondKeyVersion);
}

delivery::OrderId delivered_second(Network& net) {
  return delivered_as(net, "second", second_payload());
}

// The first receipt, which announces, comes twice, late or overtaken, too.
delivery::OrderId delivered_both(Network& net) {
  static_cast<void>(delivered(net));
  return delivered_second(net);
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
      Play{.name = "RL2", .options = by_certificates(), .level = 2, .play = delivered_at_rl2},
      Play{.name = "RL3",
           .options = by_certificates(),
           .level = 3,
           .before = begun_at_rl2,
           .seq = 2,
           .puts = kSecondKeyVersion,
           .play = delivered_second},
      Play{.name = "OneVisit",
           .options = keeping(),
           .seq = 2,
           .puts = kSecondKeyVersion,
           .takes_one_visit = true,
           .play = delivered_both},
      Play{.name = "OneVisitAtRL3",
           .options = keeping(by_certificates()),
           .level = 3,
           .before = begun_at_rl2,
           .seq = 2,
           .puts = kSecondKeyVersion,
           .takes_one_visit = true,
           .play = delivered_second},
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
    Network net(play().name, play().options);
    if (play().before) {
      play().before(net);
    }
    FaultyHttp& http = at_provider ? net.provider_http : net.device_http;
    http.fault = fault;
    http.nth = http.requests() + nth;
    const delivery::OrderId order = play().play(net);
    const bool reached = http.requests() >= http.nth;
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
    EXPECT_EQ(ended.seq, play().seq);
    EXPECT_EQ(ended.current_attempt, play().attempts);
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    const auto keys =
        must(net.world.keys->channel_keys(net.card.seid, Deployment::domain_aid(), play().puts));
    const bool opens = keys && net.world.opens_with(net.card, play().puts, *keys);
    EXPECT_EQ(opens, late || play().installs);
    if (play().installs) {
      const auto receipt = must(
          net.world.journal.find_entry(order, play().attempts, delivery::JournalStep::kReceipt));
      EXPECT_EQ(must(envelope::Receipt::decode(receipt.value().message)).level, play().level);
    }
    const auto opening =
        must(net.world.journal.find_entry(order, play().attempts, delivery::JournalStep::kRequest));
    EXPECT_EQ(opening && delivery::is_envelope(opening->message), play().takes_one_visit);
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
                         [](const auto& one) { return plays().at(one.param).name; });

}  // namespace
}  // namespace kagibin::test
