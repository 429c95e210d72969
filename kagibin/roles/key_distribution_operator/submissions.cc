// SPDX-License-Identifier: Apache-2.0
// Many orders at once: each as if it came alone, all in one transaction.
#include <algorithm>
#include <utility>

#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/submission.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/order_book.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRow;
using delivery::HttpResponse;
using delivery::OrderRow;
using delivery::SubmissionResult;
using delivery::SubmittedOrder;

Result<SubmissionResult> OrderBook::submit(const Spid& provider,
                                           const SubmittedOrder& order,
                                           std::vector<std::string>& wakes) {
  Opened<OrderRow> opened = KB_TRY(open_order({.provider = provider, .id = order.id}, order.order));
  const Opened<AttemptRow> attempt = KB_TRY(open_attempt(opened.row, 1, order.opening));
  if (attempt.anew) {
    wakes.push_back(topic_of(opened.row.device));
  }
  return SubmissionResult{
      .id = order.id, .status = attempt.anew ? 201 : 200, .state = opened.row.state};
}

Result<HttpResponse> OrderBook::post_orders(const Call& call) {
  const Spid& provider = *call.provider;
  delivery::SubmissionResults answer;
  std::vector<std::string> wakes;
  std::optional<std::uint32_t> retry_after;
  for (const SubmittedOrder& order : call.submission.orders) {
    if (const auto refused = KB_TRY(over_limit({.provider = provider, .id = order.id}))) {
      answer.results.push_back(
          {.id = order.id, .status = refused->problem.status, .problem = refused->problem});
      retry_after = std::max(retry_after.value_or(0), refused->retry_after_seconds);
      continue;
    }
    KB_TRY(store_.mark());
    Result<SubmissionResult> result = submit(provider, order, wakes);
    if (!result) {
      if (delivery::spoils_transaction(result.error().code)) {
        return std::unexpected(result.error());
      }
      KB_TRY(store_.roll_back_to_mark());
      const delivery::Problem problem = delivery::problem_of(result.error());
      result = SubmissionResult{.id = order.id, .status = problem.status, .problem = problem};
    }
    answer.results.push_back(std::move(*result));
  }
  HttpResponse response = json(200, to_json(answer));
  if (!wakes.empty()) {
    wakes.push_back(topic_of(provider));
  }
  response.wakes = std::move(wakes);
  response.retry_after_seconds = retry_after;
  return response;
}

}  // namespace kagibin::roles::key_distribution_operator
