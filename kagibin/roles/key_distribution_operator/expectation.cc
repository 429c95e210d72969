// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/expectation.h"

namespace kagibin::roles::key_distribution_operator {

void add_expectation(const Call& call, delivery::Expectation& out) {
  if (call.once) {
    out.answers.push_back(call.once->name);
  }
  if (call.route->id == RouteId::kPutOrder || call.route->id == RouteId::kPutAttempt ||
      call.route->id == RouteId::kPostOrders) {
    out.tenants.push_back(*call.provider);
  }
  if (call.route->id == RouteId::kGetWork) {
    if (const auto device = delivery::DeviceId::from(call.subject->id)) {
      out.work.push_back({*device, call.after});
    }
  } else if (call.route->id == RouteId::kListOrders || call.route->id == RouteId::kListProvider) {
    out.listings.push_back(
        {*call.provider, call.state, call.after, call.limit.value_or(kDefaultLimit)});
  } else if (call.route->id == RouteId::kPostOrders) {
    for (const delivery::SubmittedOrder& order : call.submission.orders) {
      out.changed.push_back({.provider = *call.provider, .id = order.id});
    }
  } else if (call.order) {
    const bool reads = call.route->method == delivery::HttpMethod::kGet;
    (reads ? out.read : out.changed).push_back(*call.order);
  }
}

}  // namespace kagibin::roles::key_distribution_operator
