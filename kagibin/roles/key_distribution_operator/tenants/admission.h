// SPDX-License-Identifier: Apache-2.0
// Whether a tenant may open another order: its limits (delivery/tenant_rows.h), asked before an
// order is opened and spent when it was, in the same transaction.
//
// What costs: a new order, and an attempt behind the first. What stands already costs nothing, so
// that every request may be repeated. Ownership: refers to the transaction.
//
//   if (const auto refused = KB_TRY(admission.over_limit(spid, true))) return answer_of(*refused);
//   KB_TRY(store.insert_order(row));
//   KB_TRY(admission.spend(spid, true));
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/delivery/problem.h"

namespace kagibin::roles::key_distribution_operator {

// 429, and when to come again.
struct OverLimit {
  delivery::Problem problem;
  std::uint32_t retry_after_seconds = 1;
};
delivery::HttpResponse answer_of(const OverLimit& refused);

class Admission {
 public:
  Admission(delivery::OrderTransaction& store, std::int64_t now) : store_(store), now_(now) {}

  // `opens`: the order is new, or waits for nobody now.
  Result<std::optional<OverLimit>> over_limit(const Spid& provider, bool opens);
  Result<void> spend(const Spid& provider, bool opens);

 private:
  delivery::OrderTransaction& store_;
  std::int64_t now_;
};

}  // namespace kagibin::roles::key_distribution_operator
