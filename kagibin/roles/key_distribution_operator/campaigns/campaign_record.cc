// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_record.h"

#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/campaign_messages.h"

namespace kagibin::roles::key_distribution_operator {

Result<void> change_state(delivery::OrderTransaction& store,
                          delivery::CampaignRow& row,
                          CampaignEvent event,
                          delivery::CampaignState state,
                          std::string reason,
                          delivery::CampaignActor by,
                          std::int64_t now) {
  row.state = state;
  row.changed_by = by;
  row.reason = std::move(reason);
  row.changed_at = now;
  row.due = now;
  const std::string text =
      event == CampaignEvent::kCreate
          ? row.terms
          : to_json(delivery::CampaignStateRequest{.state = state, .reason = row.reason});
  const Bytes entry = encode(CampaignChange{.time = now,
                                            .event = event,
                                            .campaign = row.key(),
                                            .state = state,
                                            .released = row.released,
                                            .digest = crypto::sha256(ascii(text)),
                                            .by = by});
  return store.audit().append(entry);
}

}  // namespace kagibin::roles::key_distribution_operator
