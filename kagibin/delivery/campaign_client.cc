// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/campaign_client.h"

#include <utility>

namespace kagibin::delivery {

namespace {

template <typename T>
Result<T> read(const Result<std::string>& body, Result<T> (*from_json)(std::string_view)) {
  return body ? from_json(*body) : Result<T>(std::unexpected(body.error()));
}

// What the distributor gave: digits of an order's history, or the name of a campaign.
std::string page(std::string_view after, std::uint32_t limit) {
  std::string query = "?limit=" + std::to_string(limit);
  if (!after.empty()) {
    query += "&after=";
    query += after;
  }
  return query;
}

}  // namespace

std::string CampaignApi::base() const {
  return provider_ ? "/v1/providers/" + provider_->hex() : std::string("/v1");
}

Result<CampaignStatus> CampaignApi::put_campaign(const CampaignId& campaign,
                                                 const CampaignTerms& terms) {
  return read(
      connection_.call(HttpMethod::kPut, "/v1/campaigns/" + campaign.text(), to_json(terms)),
      campaign_status_from_json);
}

Result<CampaignStatus> CampaignApi::campaign(const CampaignId& campaign) {
  return read(connection_.call(HttpMethod::kGet, base() + "/campaigns/" + campaign.text()),
              campaign_status_from_json);
}

Result<CampaignListing> CampaignApi::campaigns(std::string_view after, std::uint32_t limit) {
  if (!after.empty()) {
    KB_TRY(CampaignId::from(after));
  }
  return read(connection_.call(HttpMethod::kGet, base() + "/campaigns" + page(after, limit)),
              campaign_listing_from_json);
}

Result<CampaignStatus> CampaignApi::put_state(const CampaignId& campaign,
                                              const CampaignStateRequest& request) {
  return read(
      connection_.call(HttpMethod::kPut, base() + "/campaigns/" + campaign.text() + "/state",
                       to_json(request)),
      campaign_status_from_json);
}

Result<OrderHistory> CampaignApi::history(const OrderId& order,
                                          std::string_view after,
                                          std::uint32_t limit) {
  if (after.find_first_not_of("0123456789") != std::string_view::npos) {
    return fail(Errc::kValue, "a cursor has digits only");
  }
  return read(connection_.call(HttpMethod::kGet, base() + "/orders/" + order.text() + "/history" +
                                                     page(after, limit)),
              order_history_from_json);
}

}  // namespace kagibin::delivery
