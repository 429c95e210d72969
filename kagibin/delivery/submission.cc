// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/submission.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/delivery/message_fields.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

Result<SubmittedOrder> read_submitted(ObjectReader& in) {
  const OrderId id = KB_TRY(read_order(in));
  const OrderRequest request_of_order = KB_TRY(read_order_members(in));
  SubmittedOrder order{.id = id, .order = request_of_order};
  const bool request = in.has("request");
  order.opening.kind = request ? AttemptRequest::Kind::kRequest : AttemptRequest::Kind::kDeliver;
  order.opening.message = KB_TRY(read_relayed(in, request ? "request" : "deliver"));
  KB_TRY(in.finish());
  return order;
}

Result<SubmissionResult> read_result(ObjectReader& in) {
  const OrderId id = KB_TRY(read_order(in));
  SubmissionResult result{.id = id};
  const std::int64_t status = KB_TRY(in.integer("status", 200, 599));
  result.status = static_cast<int>(status);
  if (result.status < 400) {
    const State state = KB_TRY(read_state(in));
    result.state = state;
  } else {
    const json::value* problem = KB_TRY(in.value("problem"));
    Problem read = KB_TRY(problem_from_json(json::serialize(*problem)));
    if (read.status != result.status) {
      return fail(Errc::kValue, "a result and its problem have different statuses");
    }
    result.problem = std::move(read);
  }
  KB_TRY(in.finish());
  return result;
}

}  // namespace

std::string to_json(const Submission& message) {
  json::array orders;
  for (const SubmittedOrder& order : message.orders) {
    const bool request = order.opening.kind == AttemptRequest::Kind::kRequest;
    json::object one{{"order", text_of(order.id.text())}};
    for (const auto& member : order_members(order.order)) {
      one.emplace(member.key(), member.value());
    }
    one.emplace(request ? "request" : "deliver", base64_of(order.opening.message));
    orders.push_back(std::move(one));
  }
  return json::serialize(json::object{{"orders", std::move(orders)}});
}

Result<Submission> submission_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const json::array* orders = KB_TRY(in.array("orders", kMaxSubmitted));
  KB_TRY(in.finish());
  if (orders->empty()) {
    return fail(Errc::kValue, "a submission has at least one order");
  }
  Submission submission;
  submission.orders.reserve(orders->size());
  for (const json::value& element : *orders) {
    ObjectReader one = KB_TRY(ObjectReader::of(element));
    SubmittedOrder order = KB_TRY(read_submitted(one));
    const bool twice = std::ranges::any_of(
        submission.orders, [&](const SubmittedOrder& other) { return other.id == order.id; });
    if (twice) {
      return fail(Errc::kConflict, "a submission names an order twice");
    }
    submission.orders.push_back(std::move(order));
  }
  return submission;
}

std::string to_json(const SubmissionResults& message) {
  json::array results;
  for (const SubmissionResult& result : message.results) {
    json::object out{{"order", text_of(result.id.text())}, {"status", result.status}};
    if (result.state) {
      out.emplace("state", text_of(name(*result.state)));
    }
    if (result.problem) {
      out.emplace("problem", json::parse(to_json(*result.problem)));
    }
    results.push_back(std::move(out));
  }
  return json::serialize(json::object{{"results", std::move(results)}});
}

Result<SubmissionResults> submission_results_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 2 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const json::array* results = KB_TRY(in.array("results", kMaxSubmitted));
  KB_TRY(in.finish());
  SubmissionResults message;
  for (const json::value& element : *results) {
    ObjectReader one = KB_TRY(ObjectReader::of(element));
    SubmissionResult result = KB_TRY(read_result(one));
    message.results.push_back(std::move(result));
  }
  return message;
}

}  // namespace kagibin::delivery
