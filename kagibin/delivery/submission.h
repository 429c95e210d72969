// SPDX-License-Identifier: Apache-2.0
// Many orders in one request, for campaigns: POST /v1/orders (doc/openapi.yaml), as structures with
// JSON codecs, strict as those of messages.h.
//
//   { "orders": [ { "order", and the members of OrderRequest, and one of "request": E0, "deliver":
//   E2 }, ... ] } { "results": [ { "order", "status": 201, "state" } or { "order", "status": 409,
//   "problem" } ]
//   }
//
// Each stands for PUT /v1/orders/{order} and PUT .../attempts/1 with the same content, by itself:
// what is refused of one stops no other, and an order whose attempt is refused is not opened. A
// body that cannot be read as such a list is refused whole: JSON, names, times, base64. 1 to
// kMaxSubmitted orders, kMaxBodyBytes in all; no name twice. Results come in the order of the
// orders. May be sent again whole: what stands already answers 200.
//
//   const std::string body = to_json(Submission{{{order, {device, when}, {kind, e0}}}});
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/problem.h"

namespace kagibin::delivery {

inline constexpr std::size_t kMaxSubmitted = 64;

struct SubmittedOrder {
  OrderId id;
  OrderRequest order;
  AttemptRequest opening{};  // of attempt 1
  friend bool operator==(const SubmittedOrder&, const SubmittedOrder&) = default;
};
struct Submission {
  std::vector<SubmittedOrder> orders{};
  friend bool operator==(const Submission&, const Submission&) = default;
};
std::string to_json(const Submission& message);
Result<Submission> submission_from_json(std::string_view text);

struct SubmissionResult {
  OrderId id;
  int status = 0;                    // as the two requests by themselves would have had
  std::optional<State> state{};      // of the order; below 400
  std::optional<Problem> problem{};  // from 400
  friend bool operator==(const SubmissionResult&, const SubmissionResult&) = default;
};
struct SubmissionResults {
  std::vector<SubmissionResult> results{};
  friend bool operator==(const SubmissionResults&, const SubmissionResults&) = default;
};
std::string to_json(const SubmissionResults& message);
Result<SubmissionResults> submission_results_from_json(std::string_view text);

}  // namespace kagibin::delivery
