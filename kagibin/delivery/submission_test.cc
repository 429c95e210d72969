// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/submission.h"

#include <string>

#include <gtest/gtest.h>

namespace kagibin::delivery {
namespace {

SubmittedOrder an_order(const std::string& name, AttemptRequest::Kind kind) {
  return {.id = OrderId::from(name).value(),
          .order = {.device = DeviceId::from("phone").value(), .not_after = 1'900'000'000},
          .opening = {kind, {0xE0, 0x00, 0xFF}}};
}

Submission a_submission() {
  return {{an_order("first", AttemptRequest::Kind::kRequest),
           an_order("second", AttemptRequest::Kind::kDeliver)}};
}

TEST(SubmissionTest, ReadsBackAndRefusesEveryCutText) {
  const std::string text = to_json(a_submission());
  EXPECT_EQ(submission_from_json(text).value(), a_submission());
  EXPECT_EQ(to_json(submission_from_json(text).value()), text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(submission_from_json(text.substr(0, length)).has_value()) << length;
  }
}

TEST(SubmissionTest, RefusesWhatIsMissingUnknownTwiceOrEmpty) {
  const auto refused = [](std::string_view text) {
    return submission_from_json(text).error().code;
  };
  const std::string whole = to_json(a_submission());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = whole;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(refused(R"({"orders":[]})"), Errc::kValue);
  EXPECT_EQ(refused("{}"), Errc::kEncoding);
  EXPECT_EQ(refused(R"({"orders":[7]})"), Errc::kEncoding);
  EXPECT_EQ(refused(with(R"("second")", R"("first")")), Errc::kConflict);
  EXPECT_EQ(refused(with(R"("request")", R"("deliver2")")), Errc::kEncoding);
  EXPECT_EQ(refused(with(R"("request":)", R"("deliver":"AA==","request":)")), Errc::kEncoding);
  EXPECT_EQ(refused(with(R"("notAfter":1900000000)", R"("notAfter":-1)")), Errc::kValue);
  EXPECT_EQ(refused(with(R"("request":"4AD/")", R"("request":"")")), Errc::kValue);
  EXPECT_EQ(refused(with(R"({"orders":)", R"({"more":1,"orders":)")), Errc::kEncoding);
}

TEST(SubmissionTest, TakesAsManyAsTheLimitAndNoMore) {
  Submission most;
  for (std::size_t i = 0; i < kMaxSubmitted; ++i) {
    most.orders.push_back(an_order("o" + std::to_string(i), AttemptRequest::Kind::kRequest));
  }
  EXPECT_EQ(submission_from_json(to_json(most)).value(), most);
  most.orders.push_back(an_order("more", AttemptRequest::Kind::kRequest));
  EXPECT_EQ(submission_from_json(to_json(most)).error().code, Errc::kLimit);
}

TEST(SubmissionTest, ResultsReadBackAndRefuseEveryCutText) {
  SubmissionResults results;
  results.results.push_back(
      {.id = OrderId::from("first").value(), .status = 201, .state = State::kOrdered});
  results.results.push_back({.id = OrderId::from("second").value(),
                             .status = 409,
                             .problem = problem_of({Errc::kConflict, "taken"})});
  const std::string text = to_json(results);
  EXPECT_EQ(submission_results_from_json(text).value(), results);
  EXPECT_EQ(to_json(submission_results_from_json(text).value()), text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(submission_results_from_json(text.substr(0, length)).has_value()) << length;
  }
  results.results[1].status = 410;
  EXPECT_EQ(submission_results_from_json(to_json(results)).error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::delivery
