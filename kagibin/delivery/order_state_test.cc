// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/order_state.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace kagibin::delivery {
namespace {

std::optional<State> run(State state, const std::vector<Event>& events) {
  for (const Event event : events) {
    const std::optional<State> after = next_state(state, event);
    if (!after) {
      return std::nullopt;
    }
    state = *after;
  }
  return state;
}

// The protocol's prose, written a second time as "state event -> state"; everything that is not
// listed must be refused.
const std::map<std::pair<std::string, std::string>, std::string> kAllowed = {
    {{"ordered", "enrolment"}, "enrolled"},
    {{"ordered", "expire"}, "expired"},
    {{"ordered", "withdraw"}, "cancelled"},
    {{"ordered", "supersede"}, "cancelled"},
    {{"enrolled", "delivery"}, "sealed"},
    {{"enrolled", "verdict_refused"}, "refused"},
    {{"enrolled", "expire"}, "expired"},
    {{"enrolled", "withdraw"}, "cancelled"},
    {{"enrolled", "supersede"}, "cancelled"},
    {{"sealed", "hand_over"}, "handed_over"},
    {{"sealed", "expire"}, "expired"},
    {{"sealed", "withdraw"}, "cancelled"},
    {{"sealed", "supersede"}, "cancelled"},
    {{"handed_over", "hand_over"}, "handed_over"},
    {{"handed_over", "receipt"}, "reported"},
    {{"handed_over", "verdict_unknown"}, "unknown"},
    {{"handed_over", "expire"}, "expired"},
    {{"handed_over", "supersede"}, "handed_over"},
    {{"reported", "receipt"}, "reported"},
    {{"reported", "verdict_confirmed"}, "confirmed"},
    {{"reported", "verdict_refused"}, "refused"},
    {{"reported", "verdict_unknown"}, "unknown"},
    {{"reported", "verdict_cancelled"}, "cancelled"},
    {{"reported", "supersede"}, "reported"},
    {{"refused", "supersede"}, "refused"},
    {{"unknown", "receipt"}, "reported"},
    {{"unknown", "verdict_confirmed"}, "confirmed"},
    {{"unknown", "verdict_refused"}, "refused"},
    {{"unknown", "verdict_unknown"}, "unknown"},
    {{"unknown", "verdict_cancelled"}, "cancelled"},
    {{"unknown", "supersede"}, "unknown"},
    {{"expired", "receipt"}, "reported"},
    {{"expired", "verdict_refused"}, "refused"},
    {{"expired", "verdict_unknown"}, "unknown"},
};

TEST(OrderStateTest, EveryStateTakesExactlyTheEventsOfTheProtocol) {
  for (std::size_t s = 0; s < kStateCount; ++s) {
    for (std::size_t e = 0; e < kEventCount; ++e) {
      const auto state = static_cast<State>(s);
      const auto event = static_cast<Event>(e);
      const auto expected = kAllowed.find({std::string(name(state)), std::string(name(event))});
      const std::optional<State> after = next_state(state, event);
      ASSERT_EQ(after.has_value(), expected != kAllowed.end()) << name(state) << " " << name(event);
      if (after) {
        EXPECT_EQ(name(*after), expected->second) << name(state) << " " << name(event);
      }
    }
  }
}

TEST(OrderStateTest, AnUneventfulDeliveryEndsConfirmed) {
  EXPECT_EQ(run(State::kOrdered, {Event::kEnrolment, Event::kDelivery, Event::kHandOver,
                                  Event::kReceipt, Event::kVerdictConfirmed}),
            State::kConfirmed);
}

TEST(OrderStateTest, ALateReceiptOfAnExpiredDeliveryIsStillHeard) {
  EXPECT_EQ(
      run(State::kSealed, {Event::kHandOver, Event::kExpire, Event::kReceipt,
                           Event::kVerdictUnknown, Event::kReceipt, Event::kVerdictConfirmed}),
      State::kConfirmed);
}

TEST(OrderStateTest, NothingIsConfirmedWithoutAReceiptOrReadingBack) {
  EXPECT_EQ(run(State::kSealed, {Event::kHandOver, Event::kVerdictConfirmed}), std::nullopt);
  EXPECT_EQ(run(State::kSealed, {Event::kHandOver, Event::kExpire, Event::kVerdictConfirmed}),
            std::nullopt);
}

TEST(OrderStateTest, EndsAreFinalAndUnknownIsNot) {
  EXPECT_TRUE(is_final(State::kConfirmed));
  EXPECT_TRUE(is_final(State::kRefused));
  EXPECT_TRUE(is_final(State::kCancelled));
  EXPECT_FALSE(is_final(State::kUnknown));
  EXPECT_FALSE(is_final(State::kExpired));
  EXPECT_FALSE(allows_next_attempt(State::kConfirmed));
  EXPECT_TRUE(allows_next_attempt(State::kUnknown));
}

TEST(OrderStateTest, NamesReadBackAndForeignNamesAreRefused) {
  for (std::size_t s = 0; s < kStateCount; ++s) {
    EXPECT_EQ(state_by_name(name(static_cast<State>(s))).value(), static_cast<State>(s));
  }
  EXPECT_EQ(state_by_name("Ordered").error().code, Errc::kValue);
  EXPECT_EQ(state_by_name("").error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::delivery
