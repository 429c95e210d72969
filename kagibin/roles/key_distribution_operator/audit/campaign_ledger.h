// SPDX-License-Identifier: Apache-2.0
// What the entries of an audit log say of every campaign, to be compared with the rows of a store:
// campaigns first, then the orders in them. As order_ledger.h. Pure.
//
//   ledger.take(change);                      // every entry about a campaign
//   ledger.compare(campaign_row, findings);   // every row
//   ledger.compare(order_row, findings);      // every row
//   ledger.finish(findings);
#pragma once

#include <map>

#include "kagibin/delivery/campaign_rows.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

namespace kagibin::roles::key_distribution_operator {

class CampaignLedger {
 public:
  void take(const CampaignChange& change);
  void compare(const delivery::CampaignRow& row, Findings& findings);
  // Whether its group is that of its attributes.
  void compare(const delivery::OrderRow& row, Findings& findings);
  // After the last row.
  void finish(Findings& findings) const;

 private:
  struct Campaign {
    CampaignChange last;
    crypto::Digest256 terms{};
    delivery::Pausers pausers{};
    bool made = false;
    bool seen = false;
    // Of the row, and counted of the orders' rows.
    std::optional<delivery::CampaignTerms> terms_of_row{};
    std::uint64_t released = 0;
    std::uint64_t orders_released = 0;
  };
  std::map<delivery::CampaignKey, Campaign> campaigns_;
};

}  // namespace kagibin::roles::key_distribution_operator
