// SPDX-License-Identifier: Apache-2.0
// Members that several bodies of the API have, read and written. For messages.cc and submission.cc.
//
// Failures: those of ObjectReader, and of the names (names.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {

// The year 9999 in seconds since 1970: beyond it a time is a mistake.
inline constexpr std::int64_t kLatestTime = 253'402'300'799;

boost::json::string text_of(std::string_view text);
boost::json::string base64_of(ByteView octets);

Result<OrderId> read_order(ObjectReader& in);           // "order"
Result<Spid> read_provider(ObjectReader& in);           // "provider"
Result<DeviceId> read_device(ObjectReader& in);         // "device"
Result<CampaignId> read_campaign(ObjectReader& in);     // "campaign"
Result<AttemptNumber> read_attempt(ObjectReader& in);   // "attempt"
Result<State> read_state(ObjectReader& in);             // "state"
Result<std::int64_t> read_not_after(ObjectReader& in);  // "notAfter"
// "device", "notAfter", and "campaign" with "attributes" where there is one.
boost::json::object order_members(const OrderRequest& order);
Result<OrderRequest> read_order_members(ObjectReader& in);
// A relayed message: base64, kMaxRelayedBytes at most, never empty.
Result<Bytes> read_relayed(ObjectReader& in, std::string_view key);

}  // namespace kagibin::delivery
