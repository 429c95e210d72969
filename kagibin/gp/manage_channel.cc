// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/manage_channel.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kOpen = 0x00;
constexpr std::uint8_t kClose = 0x80;

}  // namespace

Result<ManageChannel> ManageChannel::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (!data.empty()) {
    return fail(Errc::kTrailing, "MANAGE CHANNEL has no data");
  }
  if ((p1 != kOpen && p1 != kClose) || p2 > kHighest) {
    return fail(Errc::kValue, "MANAGE CHANNEL opens (00) or closes (80) a channel up to 19");
  }
  if (p1 == kClose && p2 == 0) {
    return fail(Errc::kValue, "the basic channel is never closed");
  }
  return ManageChannel{.open = p1 == kOpen, .channel = p2};
}

apdu::CommandApdu ManageChannel::encode() const {
  apdu::CommandApdu out{
      .cla = 0x00, .ins = apdu::ins::kManageChannel, .p1 = open ? kOpen : kClose, .p2 = channel};
  if (open && channel == 0) {
    out.le = 1;
  }
  return out;
}

Result<std::uint8_t> channel_of_answer(ByteView data) {
  if (data.size() != 1) {
    return fail(Errc::kLength, "MANAGE CHANNEL is answered with one octet");
  }
  if (data[0] == 0 || data[0] > ManageChannel::kHighest) {
    return fail(Errc::kValue, "an opened channel is 1 to 19");
  }
  return data[0];
}

}  // namespace kagibin::gp
