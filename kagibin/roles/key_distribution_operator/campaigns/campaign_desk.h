// SPDX-License-Identifier: Apache-2.0
// The API's calls about campaigns: each is one request inside one transaction of the store, as
// those of order_book.h. A campaign is put by its provider; it is paused, resumed and cancelled by
// the provider or by the distributor's operator. Pure but for the store and the clock.
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
