// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/campaign_ledger.h"

#include <fmt/format.h>

#include "kagibin/delivery/campaign_messages.h"

namespace kagibin::roles::key_distribution_operator {

namespace {

std::string name_of(const delivery::CampaignKey& campaign) {
  return fmt::format("{}/{}", campaign.provider.hex(), campaign.id.text());
}

}  // namespace

void CampaignLedger::take(const CampaignChange& change) {
  const auto [found, fresh] = campaigns_.try_emplace(change.campaign, Campaign{.last = change});
  const delivery::CampaignState before = found->second.last.state;
  if (change.event == CampaignEvent::kCreate) {
    found->second.made = true;
    found->second.terms = change.digest;
  }
  const bool pauses = change.event == CampaignEvent::kPause;
  const bool of_pausers = pauses || change.event == CampaignEvent::kResume;
  if (change.by && of_pausers) {
    found->second.pausers.of(*change.by) = pauses;
  }
  if (!of_pausers || change.state != before) {  // else it stayed as it was, with its reason
    found->second.last = change;
  }
}

void CampaignLedger::compare(const delivery::CampaignRow& row, Findings& findings) {
  const auto found = campaigns_.find(row.key());
  if (found == campaigns_.end() || !found->second.made) {
    findings.add(fmt::format("Campaign {} was not made in the log.", name_of(row.key())));
    return;
  }
  Campaign& campaign = found->second;
  campaign.seen = true;
  if (campaign.last.state != row.state) {
    findings.add(fmt::format("Campaign {} is {} in the store and {} in the log.",
                             name_of(row.key()), delivery::name(row.state),
                             delivery::name(campaign.last.state)));
  }
  if (campaign.terms != crypto::sha256(ascii(row.terms))) {
    findings.add(
        fmt::format("Campaign {}: its terms are not those it was made with.", name_of(row.key())));
  }
  const std::string reason =
      to_json(delivery::CampaignStateRequest{.state = row.state, .reason = row.reason});
  if (campaign.last.event != CampaignEvent::kCreate &&
      campaign.last.digest != crypto::sha256(ascii(reason))) {
    findings.add(
        fmt::format("Campaign {}: its reason is not the one in the log.", name_of(row.key())));
  }
  if (campaign.last.by != row.changed_by || campaign.pausers != row.paused_by) {
    findings.add(fmt::format("Campaign {}: who changed or paused it is not what the log says.",
                             name_of(row.key())));
  }
  if (row.released < campaign.last.released) {
    findings.add(fmt::format("Campaign {} released {} orders in the store and {} in the log.",
                             name_of(row.key()), row.released, campaign.last.released));
  }
  campaign.released = row.released;
  if (const auto terms = delivery::campaign_terms_from_json(row.terms)) {
    campaign.terms_of_row = *terms;
  }
}

void CampaignLedger::compare(const delivery::OrderRow& row, Findings& findings) {
  if (!row.membership) {
    return;
  }
  const delivery::CampaignKey key{.provider = row.provider, .id = row.membership->campaign};
  const auto found = campaigns_.find(key);
  if (found == campaigns_.end() || !found->second.seen) {
    findings.add(fmt::format("Order {}/{} is in campaign {}, which is not there.",
                             row.provider.hex(), row.id.text(), row.membership->campaign.text()));
    return;
  }
  Campaign& campaign = found->second;
  campaign.orders_released += row.membership->held ? 0U : 1U;
  if (campaign.terms_of_row &&
      campaign.terms_of_row->group_of(row.membership->attributes) != row.membership->group) {
    findings.add(fmt::format("Order {}/{} is in another group than its attributes say.",
                             row.provider.hex(), row.id.text()));
  }
}

void CampaignLedger::finish(Findings& findings) const {
  for (const auto& [key, campaign] : campaigns_) {
    if (!campaign.seen) {
      findings.add(fmt::format("Campaign {} is in the log and not in the store.", name_of(key)));
    } else if (campaign.released != campaign.orders_released) {
      findings.add(fmt::format("Campaign {} counts {} released orders, and {} of its orders are.",
                               name_of(key), campaign.released, campaign.orders_released));
    }
  }
}

}  // namespace kagibin::roles::key_distribution_operator
