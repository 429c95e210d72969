// SPDX-License-Identifier: Apache-2.0
// MANAGE CHANNEL (GPCS 2.3.1, 11.7; ISO/IEC 7816-4, 7.1.2).
//
//   open   00 70 00 00 01   -> one octet, the channel the card chose
//   open   00 70 00 nn      -> no data (this channel, 01 to 13)
//   close  00 70 80 nn      -> no data
//
//   apdu::CommandApdu c = ManageChannel{.open = false, .channel = 2}.encode();
#pragma once

#include <cstdint>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct ManageChannel {
  static constexpr std::uint8_t kHighest = 19;

  bool open = true;
  std::uint8_t channel = 0;  // open: 00 lets the card choose

  // kValue for a P1 that is neither, a channel past 19, and for closing channel 0.
  static Result<ManageChannel> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  apdu::CommandApdu encode() const;  // class 00
  friend bool operator==(ManageChannel, ManageChannel) = default;
};

// The channel in the answer to an open that let the card choose. kLength, kValue.
Result<std::uint8_t> channel_of_answer(ByteView data);

}  // namespace kagibin::gp
