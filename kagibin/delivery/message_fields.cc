// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/message_fields.h"

#include "kagibin/base/base64.h"

namespace kagibin::delivery {
namespace {

constexpr std::size_t kMaxNameText = 64;

}  // namespace

boost::json::string text_of(std::string_view text) {
  return boost::json::string(text.data(), text.size());
}

boost::json::string base64_of(ByteView octets) { return text_of(to_base64(octets)); }

Result<OrderId> read_order(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("order", kMaxNameText));
  return OrderId::from(text);
}

Result<Spid> read_provider(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("provider", kMaxNameText));
  return spid_from_name(text);
}

Result<DeviceId> read_device(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("device", kMaxNameText));
  return DeviceId::from(text);
}

Result<CampaignId> read_campaign(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("campaign", kMaxNameText));
  return CampaignId::from(text);
}

Result<AttemptNumber> read_attempt(ObjectReader& in) {
  const std::int64_t number = KB_TRY(in.integer("attempt", 1, kMaxAttempts));
  return static_cast<AttemptNumber>(number);
}

Result<State> read_state(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("state", 16));
  return state_by_name(text);
}

Result<std::int64_t> read_not_after(ObjectReader& in) {
  return in.integer("notAfter", 0, kLatestTime);
}

boost::json::object order_members(const OrderRequest& order) {
  boost::json::object out{{"device", text_of(order.device.text())}, {"notAfter", order.not_after}};
  if (order.campaign) {
    out.emplace("campaign", text_of(order.campaign->text()));
    out.emplace("attributes", json_of(order.attributes));
  }
  return out;
}

Result<OrderRequest> read_order_members(ObjectReader& in) {
  const DeviceId device = KB_TRY(read_device(in));
  OrderRequest order{.device = device};
  order.not_after = KB_TRY(read_not_after(in));
  if (in.has("campaign")) {
    order.campaign = KB_TRY(read_campaign(in));
  }
  if (in.has("attributes")) {
    if (!order.campaign) {
      return fail(Errc::kValue, "attributes are for an order of a campaign");
    }
    const boost::json::value* attributes = KB_TRY(in.value("attributes"));
    order.attributes = KB_TRY(read_attributes(*attributes));
  }
  return order;
}

Result<Bytes> read_relayed(ObjectReader& in, std::string_view key) {
  Bytes message = KB_TRY(in.base64(key, kMaxRelayedBytes));
  if (message.empty()) {
    return fail(Errc::kValue, "a relayed message is empty");
  }
  return message;
}

}  // namespace kagibin::delivery
