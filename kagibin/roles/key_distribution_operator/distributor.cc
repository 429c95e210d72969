// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/distributor.h"

#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/order_book.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::HttpRequest;
using delivery::HttpResponse;

namespace {

constexpr std::uint32_t kExpiredATick = 200;

// After these the store's transaction may be gone; none of its answers may leave.
bool spoils_transaction(Errc code) {
  return code == Errc::kNoSpace || code == Errc::kIo || code == Errc::kStore ||
         code == Errc::kInterrupted;
}

}  // namespace

Result<HttpResponse> Distributor::answer(delivery::OrderTransaction& store, const Call& call) {
  const std::int64_t now = parts_.clock.now();
  OrderBook book(store, now);
  switch (call.route->id) {
    case RouteId::kHealth:
      return json(200, R"({"status":"ok"})");
    case RouteId::kListOrders:
      return book.list(call);
    case RouteId::kPutOrder:
      return book.put_order(call);
    case RouteId::kGetOrder:
      return book.get_order(call);
    case RouteId::kPutAttempt:
      return book.put_attempt(call);
    case RouteId::kGetEnrolment:
      return book.get_enrolment(call);
    case RouteId::kPutEnrolment:
      return book.put_enrolment(call);
    case RouteId::kPutDelivery:
      return book.put_delivery(call);
    case RouteId::kGetReceipt:
      return book.get_receipt(call);
    case RouteId::kPutReceipt:
      return book.put_receipt(call);
    case RouteId::kPutVerdict:
      return book.put_verdict(call);
    case RouteId::kPutWithdrawal:
      return book.put_withdrawal(call);
    case RouteId::kGetWork:
      return book.get_work(call);
    case RouteId::kRedeemInvitation:
      return redeem(store, parts_.ca, call, now, parts_.rng);
  }
  return fail(Errc::kNotFound, "there is no such path");
}

Result<std::vector<HttpResponse>> Distributor::together(std::span<const HttpRequest> requests) {
  const auto transaction = KB_TRY(parts_.store.begin());
  std::vector<HttpResponse> responses;
  std::vector<const Route*> handled;
  responses.reserve(requests.size());
  for (const HttpRequest& request : requests) {
    const Result<Call> call = route(request);
    if (!call) {
      responses.push_back(delivery::problem_response(call.error()));
      continue;
    }
    KB_TRY(transaction->mark());
    Result<HttpResponse> response = answer(*transaction, *call);
    if (response) {
      KB_CRASH_POINT("distributor." + std::string(call->route->name) + ".before_commit");
      handled.push_back(call->route);
      responses.push_back(std::move(*response));
      continue;
    }
    if (spoils_transaction(response.error().code)) {
      return std::unexpected(response.error());
    }
    KB_TRY(transaction->roll_back_to_mark());
    responses.push_back(delivery::problem_response(response.error()));
  }
  KB_TRY(transaction->commit());
  for (const Route* route : handled) {
    KB_CRASH_POINT("distributor." + std::string(route->name) + ".after_commit");
    static_cast<void>(route);
  }
  return responses;
}

HttpResponse Distributor::handle(const HttpRequest& request) {
  auto responses = together(std::span(&request, 1));
  return responses ? std::move(responses->front()) : delivery::problem_response(responses.error());
}

std::vector<HttpResponse> Distributor::handle_batch(std::span<const HttpRequest> requests) {
  auto responses = together(requests);
  if (responses) {
    return std::move(*responses);
  }
  if (requests.size() == 1) {
    return {delivery::problem_response(responses.error())};
  }
  std::vector<HttpResponse> alone;
  alone.reserve(requests.size());
  for (const HttpRequest& request : requests) {
    alone.push_back(handle(request));
  }
  return alone;
}

std::vector<std::string> Distributor::tick() {
  const auto expired = [&]() -> Result<std::vector<std::string>> {
    const auto transaction = KB_TRY(parts_.store.begin());
    OrderBook book(*transaction, parts_.clock.now());
    std::vector<std::string> topics = KB_TRY(book.expire(kExpiredATick));
    KB_CRASH_POINT("distributor.expire.before_commit");
    KB_TRY(transaction->commit());
    KB_CRASH_POINT("distributor.expire.after_commit");
    return topics;
  }();
  return expired.value_or(std::vector<std::string>{});
}

}  // namespace kagibin::roles::key_distribution_operator
