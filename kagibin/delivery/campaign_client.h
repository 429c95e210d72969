// SPDX-License-Identifier: Apache-2.0
// The distributor's API about campaigns and histories as calls: for a service provider, about its
// own, and for the distributor's operators and auditors, about those of a provider that they name.
// Failures as in distributor_client.h.
//
//   CampaignApi api(http);                        // a provider
//   CampaignApi of(http, spid);                   // an operator
//   const CampaignStatus status = KB_TRY(api.campaign(name));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/aid.h"
#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/delivery/distributor_client.h"

namespace kagibin::delivery {

class CampaignApi {
 public:
  explicit CampaignApi(HttpClient& http, std::optional<Spid> provider = std::nullopt)
      : connection_(http), provider_(provider) {}

  // Of a provider only.
  Result<CampaignStatus> put_campaign(const CampaignId& campaign, const CampaignTerms& terms);
  Result<CampaignStatus> campaign(const CampaignId& campaign);
  // By name, behind the cursor ("" from the first).
  Result<CampaignListing> campaigns(std::string_view after, std::uint32_t limit = 100);
  Result<CampaignStatus> put_state(const CampaignId& campaign, const CampaignStateRequest& request);
  // What happened to the order, behind the cursor ("" from the beginning).
  Result<OrderHistory> history(const OrderId& order,
                               std::string_view after,
                               std::uint32_t limit = 100);

 private:
  std::string base() const;

  ApiConnection connection_;
  std::optional<Spid> provider_;
};

}  // namespace kagibin::delivery
