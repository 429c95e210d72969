// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/tenants/admission.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::Refusal;
using delivery::TenantRow;

namespace {

// Nobody knows when an order ends.
constexpr std::uint32_t kUntilSomeEnded = 60;
constexpr std::uint32_t kUntilAsked = 3'600;

std::optional<OverLimit> refusal_of(const TenantRow& tenant, bool opens) {
  const auto& max_open = tenant.limits.max_open;
  if (opens && max_open && *max_open == 0) {
    return OverLimit{.problem = problem_of(Refusal::kQuota,
                                           "this tenant may open no orders at present; ask the "
                                           "operator"),
                     .retry_after_seconds = kUntilAsked};
  }
  if (opens && max_open && tenant.open >= *max_open) {
    return OverLimit{
        .problem = problem_of(Refusal::kQuota,
                              "this tenant has as many open orders as it may; wait until some have "
                              "ended, withdraw some, or ask the operator for more"),
        .retry_after_seconds = kUntilSomeEnded};
  }
  if (const std::uint32_t seconds = delivery::seconds_until_order(tenant); seconds > 0) {
    return OverLimit{
        .problem = problem_of(Refusal::kQuota,
                              "this tenant opens orders faster than it may; send the rest after "
                              "Retry-After, or ask the operator for more"),
        .retry_after_seconds = seconds};
  }
  return std::nullopt;
}

}  // namespace

delivery::HttpResponse answer_of(const OverLimit& refused) {
  delivery::HttpResponse response = problem_response(refused.problem);
  response.retry_after_seconds = refused.retry_after_seconds;
  return response;
}

Result<std::optional<OverLimit>> Admission::over_limit(const Spid& provider, bool opens) {
  const std::optional<TenantRow> tenant = KB_TRY(store_.tenants().find_tenant(provider, now_));
  return tenant ? refusal_of(*tenant, opens) : std::nullopt;
}

Result<void> Admission::spend(const Spid& provider, bool opens) {
  const std::optional<TenantRow> tenant = KB_TRY(store_.tenants().find_tenant(provider, now_));
  if (!tenant) {
    return {};
  }
  return store_.tenants().spend(provider, opens, now_);
}

}  // namespace kagibin::roles::key_distribution_operator
