// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service_watch.h"

#include <algorithm>
#include <utility>

#include "kagibin/delivery/names.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;
using Level = EventLog::Level;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

std::string_view kind_of(const std::optional<std::string>& subject) {
  if (!subject) {
    return "nobody";
  }
  const std::string_view text = *subject;
  return delivery::Subject::parse(text) ? text.substr(0, text.find(':')) : "unknown";
}

}  // namespace

ServiceWatch::ServiceWatch(EventLog& log,
                           ServiceMetrics& metrics,
                           ServiceManager& manager,
                           Options options)
    : log_(log), metrics_(metrics), manager_(manager), options_(std::move(options)) {}

void ServiceWatch::connection_refused() {
  metrics_.connection_refused();
  ++connections_refused_;
}

void ServiceWatch::handshake(bool succeeded) {
  metrics_.handshake(succeeded);
  handshakes_failed_ += succeeded ? 0 : 1;
}

void ServiceWatch::answered(const net::AnsweredRequest& request) {
  metrics_.answered(request);
  if (request.status >= 500) {
    ++refused_[request.status];
  }
  if (!options_.access || !log_.writes(Level::kInfo)) {
    return;
  }
  const kdo::RouteMatch found = kdo::find_route(request.method, request.target);
  boost::json::object fields = {{"subject", kind_of(request.subject)},
                                {"method", kdo::name(request.method)},
                                {"route", found.route != nullptr ? found.route->name : "none"},
                                {"status", request.status},
                                {"microseconds", duration_cast<microseconds>(request.took).count()},
                                {"waited", request.waited}};
  if (log_.writes(Level::kDebug) && delivery::OrderId::from(found.order)) {
    fields["order"] = found.order;
  }
  log_.write(Level::kInfo, "access", fields);
}

void ServiceWatch::beat() {
  for (const auto& [status, count] : std::exchange(refused_, {})) {
    log_.write(Level::kWarning, "refused", {{"status", status}, {"count", count}});
  }
  if (const std::uint64_t count = std::exchange(connections_refused_, 0); count != 0) {
    log_.write(Level::kWarning, "connections_refused",
               {{"count", count}, {"advice", "raise --max-connections, or add a distributor"}});
  }
  if (const std::uint64_t count = std::exchange(handshakes_failed_, 0); count != 0) {
    log_.write(Level::kInfo, "handshakes_failed", {{"count", count}});
  }
  manager_.server_is_alive();
}

void ServiceWatch::committing() {
  metrics_.committing();
  commit_begun_ = Clock::now();
}

void ServiceWatch::committed(std::size_t requests, bool changes) {
  metrics_.committed(requests, changes);
  const Clock::time_point now = Clock::now();
  const auto commit = now - commit_begun_;
  if (store_lost_) {
    const auto away = now - *std::exchange(store_lost_, std::nullopt);
    log_.write(Level::kInfo, "store_found",
               {{"milliseconds", duration_cast<milliseconds>(away).count()}});
  }
  if (changes && commit >= options_.slow_commit) {
    ++slow_commits_;
    slowest_ = std::max<std::chrono::nanoseconds>(slowest_, commit);
  }
}

void ServiceWatch::not_committed(std::size_t requests, const Error& why) {
  metrics_.not_committed(requests, why);
  if (why.code != Errc::kInterrupted) {
    Failures& failures = failures_[why.code];
    failures.count += std::max<std::size_t>(requests, 1);
    failures.detail = why.detail.text();
  } else if (!store_lost_) {
    store_lost_ = Clock::now();
    log_.write(Level::kError, "store_lost", {{"detail", why.detail.text()}});
  }
}

void ServiceWatch::expired(std::size_t count) {
  metrics_.expired(count);
  log_.write(Level::kInfo, "expired", {{"count", count}});
}

void ServiceWatch::log_stands(const Error* why) {
  metrics_.log_stands(why);
  const auto code = why == nullptr ? std::nullopt : std::optional(why->code);
  if (code == std::exchange(log_stands_, code)) {
    return;
  }
  if (why == nullptr) {
    log_.write(Level::kInfo, "audit_log_goes_on", {});
    return;
  }
  boost::json::object fields = {
      {"detail", why->detail.text()},
      {"meaning", "entries are written and get no places until that ends; orders are served"}};
  if (why->code == Errc::kAuthentication || why->code == Errc::kConflict) {
    fields["advice"] = options_.log_advice;
  }
  log_.write(Level::kError, "audit_log_stands", fields);
}

void ServiceWatch::ticked() {
  metrics_.ticked();
  for (const auto& [code, failures] : std::exchange(failures_, {})) {
    log_.write(Level::kError, "commits_failed",
               {{"code", name(code)}, {"detail", failures.detail}, {"count", failures.count}});
  }
  if (const std::uint64_t count = std::exchange(slow_commits_, 0); count != 0) {
    log_.write(
        Level::kWarning, "slow_commits",
        {{"count", count}, {"slowestMilliseconds", duration_cast<milliseconds>(slowest_).count()}});
    slowest_ = {};
  }
  manager_.handler_is_alive();
}

}  // namespace kagibin::cli
