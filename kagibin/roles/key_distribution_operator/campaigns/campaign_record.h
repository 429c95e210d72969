// SPDX-License-Identifier: Apache-2.0
// A campaign's change of state, with its entry in the audit log. The row is changed in memory; the
// caller writes it.
#pragma once

#include <cstdint>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"

namespace kagibin::roles::key_distribution_operator {

// Only the entry: the campaign stays in its state, with its reason.
Result<void> note_change(delivery::OrderTransaction& store,
                         const delivery::CampaignRow& row,
                         CampaignEvent event,
                         const std::string& reason,
                         delivery::CampaignActor by,
                         std::int64_t now);

// The digest in the entry is of the reason's JSON (CampaignStateRequest), of the terms' where the
// campaign is made.
Result<void> change_state(delivery::OrderTransaction& store,
                          delivery::CampaignRow& row,
                          CampaignEvent event,
                          delivery::CampaignState state,
                          std::string reason,
                          delivery::CampaignActor by,
                          std::int64_t now);

}  // namespace kagibin::roles::key_distribution_operator
