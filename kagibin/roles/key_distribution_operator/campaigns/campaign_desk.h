// SPDX-License-Identifier: Apache-2.0
// The API's calls about campaigns: each is one request inside one transaction of the store, as
// those of order_book.h. A campaign is put by its provider, who has kMaxOpenCampaigns open at most;
// it is paused, resumed and cancelled by the provider or by the distributor's operator. Each
// resumes what they paused: it goes on when neither wants it paused. Pure but for the store.
//
//   CampaignDesk desk(transaction, now);
//   const HttpResponse answer = KB_TRY(desk.put_campaign(call));
#pragma once

#include <cstdint>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::roles::key_distribution_operator {

// Of a provider, that have not ended: each is looked at every few seconds. Distributors that are
// asked at the same moment may each let through what is in one batch.
inline constexpr std::uint32_t kMaxOpenCampaigns = 100;

class CampaignDesk {
 public:
  CampaignDesk(delivery::OrderTransaction& store, std::int64_t now) : store_(store), now_(now) {}

  Result<delivery::HttpResponse> put_campaign(const Call& call);
  Result<delivery::HttpResponse> get_campaign(const Call& call);
  Result<delivery::HttpResponse> list_campaigns(const Call& call);
  Result<delivery::HttpResponse> put_state(const Call& call);

 private:
  Result<delivery::HttpResponse> answer(int status, const delivery::CampaignRow& row);

  delivery::OrderTransaction& store_;
  std::int64_t now_;
};

}  // namespace kagibin::roles::key_distribution_operator
