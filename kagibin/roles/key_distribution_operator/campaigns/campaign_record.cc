// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_record.h"

#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/campaign_messages.h"

namespace kagibin::roles::key_distribution_operator {

Result<void> note_change(delivery::OrderTransaction& store,
                         const delivery::CampaignRow& row,
                         CampaignEvent event,
                         const std::string& reason,
                         delivery::CampaignActor by,
                         std::int64_t now) {
  const std::string text =
      event == CampaignEvent::kCreate
          ? row.terms
          : to_json(delivery::CampaignStateRequest{.state = row.state, .reason = reason});
  const Bytes entry = encode(CampaignChange{.time = now,
                                            .event = event,
                                            .campaign = row.key(),
                                            .state = row.state,
                                            .released = row.released,
                                            .digest = crypto::sha256(ascii(text)),
                                            .by = by});
  return store.audit().append(entry);
}

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
  return note_change(store, row, event, row.reason, by, now);
}

}  // namespace kagibin::roles::key_distribution_operator
