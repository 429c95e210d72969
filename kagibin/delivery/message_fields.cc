// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/message_fields.h"

#include "kagibin/base/base64.h"
#include "kagibin/delivery/messages.h"

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

Result<Bytes> read_relayed(ObjectReader& in, std::string_view key) {
  Bytes message = KB_TRY(in.base64(key, kMaxRelayedBytes));
  if (message.empty()) {
    return fail(Errc::kValue, "a relayed message is empty");
  }
  return message;
}

}  // namespace kagibin::delivery
