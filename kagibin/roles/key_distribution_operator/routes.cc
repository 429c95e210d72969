// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::HttpMethod;
using delivery::Party;

constexpr std::array kRoutes = {
    Route{RouteId::kHealth, HttpMethod::kGet, "/healthz", kAnybody, "health"},
    Route{RouteId::kReady, HttpMethod::kGet, "/readyz", kAnybody, "ready"},
    Route{RouteId::kMetrics, HttpMethod::kGet, "/metrics", kOperators | kAuditors, "metrics"},
    Route{RouteId::kListOrders, HttpMethod::kGet, "/v1/orders", kProviders, "list"},
    Route{RouteId::kPostOrders, HttpMethod::kPost, "/v1/orders", kSubmitters, "submission"},
    Route{RouteId::kPutOrder, HttpMethod::kPut, "/v1/orders/{order}", kSubmitters, "order"},
    Route{RouteId::kGetOrder, HttpMethod::kGet, "/v1/orders/{order}", kProviders, "status"},
    Route{RouteId::kPutAttempt, HttpMethod::kPut, "/v1/orders/{order}/attempts/{attempt}",
          kSubmitters, "attempt"},
    Route{RouteId::kGetEnrolment, HttpMethod::kGet,
          "/v1/orders/{order}/attempts/{attempt}/enrolment", kSubmitters | kReaders,
          "read_enrolment"},
    Route{RouteId::kPutEnrolment, HttpMethod::kPut,
          "/v1/providers/{provider}/orders/{order}/attempts/{attempt}/enrolment", kDevices,
          "enrolment"},
    Route{RouteId::kPutDelivery, HttpMethod::kPut, "/v1/orders/{order}/attempts/{attempt}/delivery",
          kSubmitters, "delivery"},
    Route{RouteId::kGetReceipt, HttpMethod::kGet, "/v1/orders/{order}/attempts/{attempt}/receipt",
          kSubmitters | kReaders, "read_receipt"},
    Route{RouteId::kPutReceipt, HttpMethod::kPut,
          "/v1/providers/{provider}/orders/{order}/attempts/{attempt}/receipt", kDevices,
          "receipt"},
    Route{RouteId::kPutVerdict, HttpMethod::kPut, "/v1/orders/{order}/attempts/{attempt}/verdict",
          kSubmitters, "verdict"},
    Route{RouteId::kPutWithdrawal, HttpMethod::kPut,
          "/v1/orders/{order}/attempts/{attempt}/withdrawal", kSubmitters | kStewards,
          "withdrawal"},
    Route{RouteId::kGetHistory, HttpMethod::kGet, "/v1/orders/{order}/history", kProviders,
          "history"},
    Route{RouteId::kGetProviderHistory, HttpMethod::kGet,
          "/v1/providers/{provider}/orders/{order}/history", kOperators | kAuditors,
          "provider_history"},
    Route{RouteId::kListCampaigns, HttpMethod::kGet, "/v1/campaigns", kProviders, "campaigns"},
    Route{RouteId::kPutCampaign, HttpMethod::kPut, "/v1/campaigns/{campaign}", kSubmitters,
          "campaign"},
    Route{RouteId::kGetCampaign, HttpMethod::kGet, "/v1/campaigns/{campaign}", kProviders,
          "campaign_status"},
    Route{RouteId::kPutCampaignState, HttpMethod::kPut, "/v1/campaigns/{campaign}/state",
          kSubmitters | kStewards, "campaign_state"},
    Route{RouteId::kListProviderCampaigns, HttpMethod::kGet, "/v1/providers/{provider}/campaigns",
          kOperators | kAuditors, "provider_campaigns"},
    Route{RouteId::kGetProviderCampaign, HttpMethod::kGet,
          "/v1/providers/{provider}/campaigns/{campaign}", kOperators | kAuditors,
          "provider_campaign"},
    Route{RouteId::kPutProviderCampaignState, HttpMethod::kPut,
          "/v1/providers/{provider}/campaigns/{campaign}/state", kOperators,
          "provider_campaign_state"},
    Route{RouteId::kListProvider, HttpMethod::kGet, "/v1/providers/{provider}/orders",
          kOperators | kAuditors, "list_provider"},
    Route{RouteId::kGetProviderOrder, HttpMethod::kGet, "/v1/providers/{provider}/orders/{order}",
          kOperators | kAuditors, "provider_order"},
    Route{RouteId::kGetWork, HttpMethod::kGet, "/v1/devices/self/work", kDevices, "work"},
    Route{RouteId::kRedeemInvitation, HttpMethod::kPut, "/v1/invitations/self/certificate",
          kInvited, "invitation"},
    Route{RouteId::kGetRoots, HttpMethod::kGet, "/v1/transport/roots", kMembers, "roots"},
    Route{RouteId::kRenewCertificate, HttpMethod::kPut, "/v1/transport/certificate", kMembers,
          "renewal"},
    Route{RouteId::kAuditCheckpoint, HttpMethod::kGet, "/v1/audit/checkpoint", kAuditors,
          "audit_checkpoint"},
    // The rest of the path, with its slashes.
    Route{RouteId::kAuditTile, HttpMethod::kGet, "/v1/audit/tile/{tile}", kAuditors, "audit_tile"},
};

// Cuts off what stands before the next `separator`, or all of it.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view head = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return head;
}

template <typename T>
Result<T> number(std::string_view text, T max) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool canonical = text == "0" || !text.starts_with('0');
  if (error != std::errc() || end != text.data() + text.size() || !canonical || value > max) {
    return fail(Errc::kValue, "a number in the request's target is not one, or is out of range");
  }
  return value;
}

// Its texts when the path has the pattern's segments; which of them may be empty `whole` says.
std::optional<RouteMatch> match(std::string_view pattern, std::string_view path) {
  RouteMatch found;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = take_until(pattern, '/');
    if (expected == "{tile}") {
      found.tile = std::exchange(path, {});
      break;
    }
    const std::string_view segment = take_until(path, '/');
    if (expected == "{provider}") {
      found.provider = segment;
    } else if (expected == "{order}") {
      found.order = segment;
    } else if (expected == "{attempt}") {
      found.attempt = segment;
    } else if (expected == "{campaign}") {
      found.campaign = segment;
    } else if (expected != segment) {
      return std::nullopt;
    }
    found.whole = found.whole && (segment == expected || !segment.empty());
  }
  return pattern.empty() && path.empty() ? std::optional(found) : std::nullopt;
}

Result<void> read_parameter(Call& call, std::string_view key, std::string_view text) {
  const RouteId id = call.route->id;
  const bool list = id == RouteId::kListOrders || id == RouteId::kListProvider;
  const bool campaigns = id == RouteId::kListCampaigns || id == RouteId::kListProviderCampaigns;
  const bool history = id == RouteId::kGetHistory || id == RouteId::kGetProviderHistory;
  if (key == "after" && campaigns) {
    KB_TRY(delivery::CampaignId::from(text));
    call.after_name = text;
  } else if (key == "after") {
    call.after = KB_TRY(number<std::uint64_t>(text, INT64_MAX));
  } else if (key == "wait" && !campaigns && !history) {
    const std::uint32_t seconds = KB_TRY(number<std::uint32_t>(text, UINT32_MAX));
    call.wait_seconds = std::min(seconds, kMaxWaitSeconds);
  } else if (key == "limit" && (list || campaigns || history)) {
    const std::uint32_t limit = KB_TRY(number<std::uint32_t>(text, kMaxLimit));
    call.limit = std::max<std::uint32_t>(limit, 1);
  } else if (key == "state" && list) {
    call.state = KB_TRY(delivery::state_by_name(text));
  } else {
    return fail(Errc::kValue, "a query parameter that is not known here");
  }
  return {};
}

Result<void> read_query(Call& call, std::string_view query) {
  constexpr std::array kWithQuery = {
      RouteId::kListOrders,           RouteId::kListProvider,       RouteId::kGetWork,
      RouteId::kGetHistory,           RouteId::kGetProviderHistory, RouteId::kListCampaigns,
      RouteId::kListProviderCampaigns};
  const bool takes_query = std::ranges::find(kWithQuery, call.route->id) != kWithQuery.end();
  if (!takes_query && !query.empty()) {
    return fail(Errc::kValue, "this path takes no query");
  }
  std::array<std::string_view, 4> seen{};
  std::size_t count = 0;
  while (!query.empty()) {
    std::string_view text = take_until(query, '&');
    const std::string_view key = take_until(text, '=');
    if (count == seen.size() || std::ranges::find(seen, key) != seen.end()) {
      return fail(Errc::kValue, "a query parameter stands twice");
    }
    seen.at(count++) = key;
    KB_TRY(read_parameter(call, key, text));
  }
  return {};
}

Result<void> authorise(Call& call, const std::optional<std::string>& common_name) {
  if (call.route->callers == kAnybody) {
    return {};
  }
  if (!common_name) {
    return fail(Errc::kUntrusted, "a client certificate of this distributor is needed");
  }
  const auto subject = delivery::Subject::parse(*common_name);
  if (!subject) {
    return fail(Errc::kUntrusted, "this certificate's subject is none of this distributor's");
  }
  if (!admits(call.route->callers, *subject)) {
    return fail(Errc::kUntrusted, who_may(call.route->callers));
  }
  call.subject = *subject;
  return {};
}

// Whose orders the call is about.
Result<void> take_provider(Call& call, const RouteMatch& found) {
  if (!found.provider.empty()) {
    call.provider = KB_TRY(delivery::spid_from_name(found.provider));
  } else if (call.subject && call.subject->party == Party::kProvider) {
    call.provider = KB_TRY(delivery::spid_from_name(call.subject->id));
  }
  return {};
}

struct Explained {
  Callers callers;
  Detail who;
};
// A row for each set of callers that a route names.
constexpr std::array kExplained = {
    Explained{kSubmitters,
              "this is for a provider's certificate with the role submit; ask the operator for an "
              "invitation to one"},
    Explained{kSubmitters | kStewards,
              "this is for a provider's certificate with the role submit or operate; ask the "
              "operator for an invitation to one"},
    Explained{
        kSubmitters | kReaders,
        "this is for a provider's certificate with the role submit or audit; ask the operator "
        "for an invitation to one"},
    Explained{kProviders, "this is for a provider's certificate: submit, operate or audit"},
    Explained{kDevices, "this is for a device's certificate"},
    Explained{kInvited, "this is for the certificate in an invitation"},
    Explained{kOperators | kAuditors,
              "this is for a certificate of this distributor's own operator or auditor"},
    Explained{kOperators, "this is for a certificate of this distributor's own operator"},
    Explained{kAuditors, "this is for a certificate of this distributor's own auditor"},
    Explained{kMembers,
              "this is for the certificate of a provider, a device, an operator or an auditor; an "
              "invitation has to be redeemed first"},
};

}  // namespace

Callers callers_of(const delivery::Subject& subject) {
  switch (subject.party) {
    case Party::kProvider: {
      Callers callers;
      const auto add = [&](delivery::Role role, Callers as) {
        callers = subject.roles.has(role) ? callers | as : callers;
      };
      add(delivery::Role::kSubmit, kSubmitters);
      add(delivery::Role::kOperate, kStewards);
      add(delivery::Role::kAudit, kReaders);
      return callers;
    }
    case Party::kDevice:
      return kDevices;
    case Party::kOperator:
      return kOperators;
    case Party::kAuditor:
      return kAuditors;
    case Party::kInvitation:
      break;
  }
  return kInvited;
}

bool admits(Callers callers, const delivery::Subject& subject) {
  return (callers.bits & (callers_of(subject) | kAnybody).bits) != 0;
}

Detail who_may(Callers callers) {
  for (const Explained& row : kExplained) {
    if (row.callers == callers) {
      return row.who;
    }
  }
  return "this certificate's subject may not call this";
}

std::span<const Route> routes() { return kRoutes; }

RouteMatch find_route(HttpMethod method, std::string_view target) {
  const std::string_view path = take_until(target, '?');
  if (path.ends_with('/')) {
    return {};  // a last segment that is empty
  }
  for (const Route& candidate : kRoutes) {
    const std::string_view fixed =
        candidate.pattern.substr(0, candidate.pattern.find('{'));  // all, or up to its first place
    if (candidate.method != method || !path.starts_with(fixed)) {
      continue;
    }
    if (std::optional<RouteMatch> found = match(candidate.pattern, path)) {
      found->route = &candidate;
      return *found;
    }
  }
  return {};
}

std::string allowed_methods(std::string_view target) {
  std::string allowed;
  for (const HttpMethod method :
       {HttpMethod::kGet, HttpMethod::kPut, HttpMethod::kPost, HttpMethod::kDelete}) {
    const RouteMatch found = find_route(method, target);
    if (found.route != nullptr && found.whole) {
      allowed += allowed.empty() ? "" : ", ";
      std::ranges::transform(name(method), std::back_inserter(allowed),
                             [](char c) { return static_cast<char>(c - ('a' - 'A')); });
    }
  }
  return allowed;
}

std::string_view name(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "get";
    case HttpMethod::kPut:
      return "put";
    case HttpMethod::kPost:
      return "post";
    case HttpMethod::kDelete:
      return "delete";
    case HttpMethod::kOther:
      break;
  }
  return "other";
}

Result<Call> route(const delivery::HttpRequest& request) {
  std::string_view query = request.target;
  static_cast<void>(take_until(query, '?'));
  const RouteMatch found = find_route(request.method, request.target);
  Call call;
  call.route = found.route;
  if (call.route == nullptr) {
    return fail(Errc::kNotFound, "there is no such path with this method");
  }
  // Who asks comes before what is asked: a stranger learns nothing about names.
  KB_TRY(authorise(call, request.subject));
  if (!found.whole) {
    return fail(Errc::kNotFound, "there is no such path with this method");
  }
  KB_TRY(take_provider(call, found));
  if (!found.order.empty()) {
    const delivery::OrderId id = KB_TRY(delivery::OrderId::from(found.order));
    call.order = delivery::OrderKey{.provider = *call.provider, .id = id};
  }
  if (!found.campaign.empty()) {
    const delivery::CampaignId id = KB_TRY(delivery::CampaignId::from(found.campaign));
    call.campaign = delivery::CampaignKey{.provider = *call.provider, .id = id};
  }
  if (!found.attempt.empty()) {
    call.attempt = KB_TRY(number<delivery::AttemptNumber>(found.attempt, delivery::kMaxAttempts));
    if (call.attempt == 0) {
      return fail(Errc::kValue, "attempts count from 1");
    }
  }
  call.tile = found.tile;
  KB_TRY(read_query(call, query));
  call.body = request.body;
  if (call.route->id == RouteId::kPostOrders) {
    call.submission = KB_TRY(delivery::submission_from_json(call.body));
  }
  if (request.idempotency_key && call.subject && request.method != HttpMethod::kGet) {
    call.once = KB_TRY(once_of(request, *call.subject));
  }
  return call;
}

}  // namespace kagibin::roles::key_distribution_operator
