// SPDX-License-Identifier: Apache-2.0
// What a call is going to read and change, for a store that fetches it together with that of the
// other calls of a batch (delivery/order_store.h). Only speed depends on it. Pure.
//
//   delivery::Expectation expectation;
//   add_expectation(call, expectation);
//   KB_TRY(transaction->expect(expectation));
#pragma once

#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::roles::key_distribution_operator {

void add_expectation(const Call& call, delivery::Expectation& out);

}  // namespace kagibin::roles::key_distribution_operator
