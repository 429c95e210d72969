// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/distributor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/audit/log_answers.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_desk.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_run.h"
#include "kagibin/roles/key_distribution_operator/expectation.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/order_book.h"
#include "kagibin/roles/key_distribution_operator/tenants/kept_answers.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::HttpRequest;
using delivery::HttpResponse;

namespace {

constexpr std::uint32_t kExpiredATick = 200;
constexpr std::uint32_t kForgottenATick = 2'000;  // of kept answers
constexpr int kExtensionsATick = 8;               // of the audit log
constexpr int kCampaignStepsATick = 256;
constexpr std::int64_t kCampaignMsATick = 200;
constexpr int kTries = 3;                     // of a batch that others were in the way of,
constexpr std::int64_t kTryAgainSeconds = 2;  // and not once this has passed
constexpr std::uint32_t kRetryWhenNotReady = 5;
constexpr std::int64_t kLongestSilenceMs = 8'000;  // of the store, for one that is ready

// All that a stranger may know of it.
HttpResponse not_ready() {
  HttpResponse response = json(503, R"({"status":"not ready"})");
  response.retry_after_seconds = kRetryWhenNotReady;
  return response;
}

// The process lives; of its store it says nothing.
HttpResponse health() { return json(200, R"({"status":"ok"})"); }

// A request that names no route: 405 where its path takes other methods (RFC 9110, 15.5.6).
HttpResponse refusal(const HttpRequest& request, const Error& error) {
  const bool routed = find_route(request.method, request.target).route != nullptr;
  std::string allow = routed ? std::string() : allowed_methods(request.target);
  if (allow.empty()) {
    return delivery::problem_response(error);
  }
  delivery::Problem problem = problem_of(delivery::Refusal::kMethod, "");
  problem.detail = "this path takes " + allow;
  HttpResponse response = problem_response(problem);
  response.allow = std::move(allow);
  return response;
}

// Of the store as a whole, outside of a batch's transaction.
bool is_of_the_whole(RouteId id) {
  return id == RouteId::kMetrics || id == RouteId::kAuditCheckpoint || id == RouteId::kAuditTile;
}

}  // namespace

Result<HttpResponse> Distributor::answer(delivery::OrderTransaction& store, const Call& call) {
  const std::int64_t now = parts_.clock.now();
  OrderBook book(store, now);
  switch (call.route->id) {
    case RouteId::kHealth:
      return health();
    case RouteId::kReady:
      return readiness(true);
    case RouteId::kMetrics:
    case RouteId::kAuditCheckpoint:
    case RouteId::kAuditTile:
      break;  // of the store as a whole, outside of this transaction: together()
    case RouteId::kListOrders:
    case RouteId::kListProvider:
      return book.list(call);
    case RouteId::kPostOrders:
      return book.post_orders(call);
    case RouteId::kPutOrder:
      return book.put_order(call);
    case RouteId::kGetOrder:
    case RouteId::kGetProviderOrder:
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
    case RouteId::kGetHistory:
    case RouteId::kGetProviderHistory:
      return book.get_history(call);
    case RouteId::kPutCampaign:
      return CampaignDesk(store, now).put_campaign(call);
    case RouteId::kGetCampaign:
    case RouteId::kGetProviderCampaign:
      return CampaignDesk(store, now).get_campaign(call);
    case RouteId::kListCampaigns:
    case RouteId::kListProviderCampaigns:
      return CampaignDesk(store, now).list_campaigns(call);
    case RouteId::kPutCampaignState:
    case RouteId::kPutProviderCampaignState:
      return CampaignDesk(store, now).put_state(call);
    case RouteId::kGetWork:
      return book.get_work(call);
    case RouteId::kRedeemInvitation:
      return redeem(store, parts_.ca, call, now, parts_.rng);
    case RouteId::kGetRoots:
      return json(200, to_json(parts_.ca.roots()));
    case RouteId::kRenewCertificate:
      return renew(parts_.ca, call, now, parts_.rng);
  }
  return fail(Errc::kNotFound, "there is no such path");
}

Result<HttpResponse> Distributor::answer_once(delivery::OrderTransaction& store, const Call& call) {
  if (!call.once) {
    return answer(store, call);
  }
  KeptAnswers kept(store, parts_.clock.now());
  if (auto again = KB_TRY(kept.instead_of(*call.once))) {
    return std::move(*again);
  }
  HttpResponse response = KB_TRY(answer(store, call));
  KB_TRY(kept.keep(*call.once, response));
  return response;
}

Result<std::vector<HttpResponse>> Distributor::together(std::span<const HttpRequest> requests,
                                                        bool again) {
  auto transaction = KB_TRY(parts_.store.begin());
  std::vector<Result<Call>> calls;
  delivery::Expectation expectation;
  calls.reserve(requests.size());
  for (const HttpRequest& request : requests) {
    calls.push_back(route(request));
    if (calls.back()) {
      add_expectation(*calls.back(), expectation);
    }
  }
  expectation.hold_tenants = again;
  KB_TRY(transaction->expect(expectation));
  std::vector<HttpResponse> responses;
  std::vector<const Route*> handled;
  responses.reserve(requests.size());
  for (const Result<Call>& call : calls) {
    if (!call) {
      responses.push_back(refusal(requests[responses.size()], call.error()));
      continue;
    }
    if (is_of_the_whole(call->route->id)) {
      responses.emplace_back();
      continue;
    }
    KB_TRY(transaction->mark());
    Result<HttpResponse> response = answer_once(*transaction, *call);
    if (response) {
      KB_CRASH_POINT("distributor." + std::string(call->route->name) + ".before_commit");
      handled.push_back(call->route);
      responses.push_back(std::move(*response));
      continue;
    }
    if (delivery::spoils_transaction(response.error().code)) {
      return std::unexpected(response.error());
    }
    KB_TRY(transaction->roll_back_to_mark());
    responses.push_back(delivery::problem_response(response.error()));
  }
  bool changes = false;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    transaction->announce(responses[i].wakes);
    changes = changes || !responses[i].wakes.empty() ||
              (requests[i].method != delivery::HttpMethod::kGet && responses[i].status < 300);
  }
  if (parts_.observer != nullptr) {
    parts_.observer->committing();
  }
  KB_TRY(transaction->commit());
  if (parts_.observer != nullptr) {
    parts_.observer->committed(requests.size(), changes);
  }
  for (const Route* route : handled) {
    KB_CRASH_POINT("distributor." + std::string(route->name) + ".after_commit");
    static_cast<void>(route);
  }
  transaction.reset();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i] && is_of_the_whole(calls[i]->route->id)) {
      KB_CRASH_POINT("distributor." + std::string(calls[i]->route->name) + ".before_read");
      responses[i] = of_the_whole(*calls[i]);
      KB_CRASH_POINT("distributor." + std::string(calls[i]->route->name) + ".after_read");
    }
  }
  return responses;
}

// A failure to commit whose outcome is unknown is one of these: every request may be made twice.
Result<std::vector<HttpResponse>> Distributor::together_again(
    std::span<const HttpRequest> requests) {
  const std::int64_t until = parts_.clock.now() + kTryAgainSeconds;
  for (int tried = 1;; ++tried) {
    auto responses = together(requests, tried > 1);
    if (responses || responses.error().code != Errc::kInterrupted || tried == kTries ||
        parts_.clock.now() >= until) {
      return responses;
    }
  }
}

HttpResponse Distributor::readiness(bool store_answers) const {
  const bool ends = parts_.draining && parts_.draining();
  return ends || !store_answers ? not_ready() : json(200, R"({"status":"ready"})");
}

std::optional<HttpResponse> Distributor::at_once(const HttpRequest& request) const {
  const Route* asked = find_route(request.method, request.target).route;
  const bool is_health = asked != nullptr && asked->id == RouteId::kHealth;
  const bool is_readiness = asked != nullptr && asked->id == RouteId::kReady;
  if ((!is_health && !is_readiness) || !route(request)) {
    return std::nullopt;
  }
  if (is_health) {
    return health();
  }
  const std::int64_t answered = store_answered_ms_;
  return readiness(answered != kLost && parts_.clock.uptime_ms() - answered <= kLongestSilenceMs);
}

// Of a store that does not answer there are none, of this process there are.
HttpResponse Distributor::metrics() {
  if (!parts_.metrics) {
    return delivery::problem_response({Errc::kNotFound, "this distributor counts nothing"});
  }
  const auto figures = [&]() -> Result<delivery::StoreFigures> {
    const auto snapshot = KB_TRY(parts_.store.snapshot());
    return snapshot->figures();
  }();
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = parts_.metrics(figures ? &*figures : nullptr);
  return response;
}

HttpResponse Distributor::of_the_whole(const Call& call) {
  if (call.route->id == RouteId::kMetrics) {
    return metrics();
  }
  const auto answer = [&]() -> Result<HttpResponse> {
    const auto snapshot = KB_TRY(parts_.store.snapshot());
    return call.route->id == RouteId::kAuditTile ? answer_with_tile(*snapshot, call.tile)
                                                 : answer_with_checkpoint(*snapshot);
  }();
  return answer ? *answer : delivery::problem_response(answer.error());
}

HttpResponse Distributor::not_committed(const HttpRequest& request, const Error& why) {
  if (parts_.observer != nullptr) {
    parts_.observer->not_committed(1, why);
  }
  const auto call = route(request);
  if (call && call->route->id == RouteId::kHealth) {
    return health();
  }
  if (call && call->route->id == RouteId::kReady) {
    return not_ready();
  }
  if (call && call->route->id == RouteId::kMetrics) {
    return metrics();
  }
  return delivery::problem_response(why);
}

HttpResponse Distributor::handle(const HttpRequest& request) {
  auto responses = together_again(std::span(&request, 1));
  return responses ? std::move(responses->front()) : not_committed(request, responses.error());
}

std::vector<HttpResponse> Distributor::handle_batch(std::span<const HttpRequest> requests) {
  std::vector<HttpResponse> answers;
  if (auto responses = together_again(requests)) {
    answers = std::move(*responses);
  } else if (requests.size() == 1) {
    answers = {not_committed(requests.front(), responses.error())};
  } else {
    answers.reserve(requests.size());
    for (const HttpRequest& request : requests) {
      answers.push_back(handle(request));
    }
  }
  const std::int64_t now = parts_.clock.now();
  for (const HttpResponse& answer : answers) {
    if (answer.wait && answer.wait->seconds > 0) {
      std::int64_t& until = awaited_[answer.wait->topic];
      until = std::max(until, now + answer.wait->seconds);
    }
  }
  if (!answers.empty()) {
    std::ranges::move(news(), std::back_inserter(answers.back().wakes));
  }
  return answers;
}

std::size_t Distributor::weight(const HttpRequest& request) const {
  // {"order":"a","device":"d","notAfter":0,"request":"AA=="}
  constexpr std::size_t kShortestOrder = 56;
  const Route* route = find_route(request.method, request.target).route;
  if (route == nullptr || route->id != RouteId::kPostOrders || !request.subject) {
    return 1;
  }
  // Who may not submit is refused at once, and stands in nobody's way.
  const auto subject = delivery::Subject::parse(*request.subject);
  return subject && admits(route->callers, *subject)
             ? std::min(delivery::kMaxSubmitted, 1 + request.body.size() / kShortestOrder)
             : 1;
}

// Of other distributors. When they may have said more than was heard, everybody who waits has news.
std::vector<std::string> Distributor::news() {
  delivery::News news = parts_.store.news();
  if (news.missed) {
    for (const auto& [topic, until] : awaited_) {
      news.topics.push_back(topic);
    }
  }
  return std::move(news.topics);
}

Result<void> Distributor::forget_answers() {
  const auto transaction = KB_TRY(parts_.store.begin());
  KB_TRY(KeptAnswers(*transaction, parts_.clock.now()).forget(kForgottenATick));
  return transaction->commit();
}

Result<void> Distributor::extend_log() {
  for (int i = 0; parts_.log != nullptr && i < kExtensionsATick; ++i) {
    const auto transaction = KB_TRY(parts_.store.begin());
    const std::size_t placed = KB_TRY(parts_.log->extend(*transaction));
    if (placed == 0) {
      break;
    }
    KB_CRASH_POINT("distributor.audit.before_commit");
    KB_TRY(transaction->commit());
    KB_CRASH_POINT("distributor.audit.after_commit");
    parts_.log->committed();
    if (parts_.observer != nullptr) {
      parts_.observer->log_extended(placed);
    }
    if (placed < kPlacesATime) {
      break;
    }
  }
  return {};
}

Result<void> Distributor::put_off(const delivery::CampaignKey& campaign, std::int64_t now) {
  const auto transaction = KB_TRY(parts_.store.begin());
  KB_TRY(CampaignRun(*transaction, now, watch_).put_off(campaign));
  return transaction->commit();
}

// Each step by itself: a campaign that cannot be taken on does not stop the others.
Result<void> Distributor::run_campaigns(std::int64_t now, std::vector<std::string>& topics) {
  Result<void> failed;
  const std::int64_t begin = parts_.clock.uptime_ms();
  for (int i = 0; i < kCampaignStepsATick && parts_.clock.uptime_ms() < begin + kCampaignMsATick;
       ++i) {
    auto transaction = KB_TRY(parts_.store.begin());
    CampaignRun run(*transaction, now, watch_);
    const auto stepped = run.step();
    if (!stepped && run.campaign() && stepped.error().code != Errc::kInterrupted) {
      const delivery::CampaignKey campaign = *run.campaign();
      failed = std::unexpected(stepped.error());
      transaction.reset();
      KB_TRY(put_off(campaign, now));
      continue;
    }
    if (!stepped) {
      return std::unexpected(stepped.error());
    }
    const std::optional<std::vector<std::string>>& woken = *stepped;
    if (!woken) {
      break;
    }
    transaction->announce(*woken);
    if (run.has_released()) {
      KB_CRASH_POINT("distributor.release.before_commit");
    } else if (run.has_cancelled()) {
      KB_CRASH_POINT("distributor.cancel.before_commit");
    }
    if (const auto committed = transaction->commit(); !committed) {
      if (committed.error().code == Errc::kInterrupted) {
        return committed;
      }
      const delivery::CampaignKey campaign = *run.campaign();
      failed = committed;
      transaction.reset();
      KB_TRY(put_off(campaign, now));
      continue;
    }
    if (run.has_released()) {
      KB_CRASH_POINT("distributor.release.after_commit");
    } else if (run.has_cancelled()) {
      KB_CRASH_POINT("distributor.cancel.after_commit");
    }
    std::ranges::copy(*woken, std::back_inserter(topics));
  }
  return failed;
}

void Distributor::tell_log(const Result<void>& extended) {
  const auto why = extended ? std::nullopt : std::optional(extended.error().code);
  if (why == std::exchange(told_, why)) {
    return;
  }
  if (parts_.observer != nullptr) {
    parts_.observer->log_stands(extended ? nullptr : &extended.error());
  }
}

std::vector<std::string> Distributor::tick() {
  const std::int64_t now = parts_.clock.now();
  std::erase_if(awaited_, [&](const auto& entry) { return entry.second < now; });
  const auto expired = [&]() -> Result<std::vector<std::string>> {
    const auto transaction = KB_TRY(parts_.store.begin());
    OrderBook book(*transaction, now);
    std::vector<std::string> topics = KB_TRY(book.expire(kExpiredATick));
    transaction->announce(topics);
    KB_CRASH_POINT("distributor.expire.before_commit");
    KB_TRY(transaction->commit());
    KB_CRASH_POINT("distributor.expire.after_commit");
    return topics;
  }();
  // A full disk is an answer: what is there is read.
  const bool answers = expired || expired.error().code == Errc::kNoSpace;
  store_answered_ms_ = answers ? parts_.clock.uptime_ms() : kLost;
  std::vector<std::string> topics = expired.value_or(std::vector<std::string>{});
  const Result<void> ran = expired ? run_campaigns(now, topics) : Result<void>();
  static_cast<void>(forget_answers());
  tell_log(extend_log());
  if (parts_.observer != nullptr) {
    if (!expired) {
      parts_.observer->not_committed(0, expired.error());
    } else if (!expired->empty()) {
      parts_.observer->expired(expired->size());
    }
    if (!ran) {
      parts_.observer->not_committed(0, ran.error());
    }
    parts_.observer->ticked();
  }
  std::ranges::move(news(), std::back_inserter(topics));
  return topics;
}

}  // namespace kagibin::roles::key_distribution_operator
