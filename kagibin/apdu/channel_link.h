// SPDX-License-Identifier: Apache-2.0
// A card link on a supplementary logical channel (ISO/IEC 7816-4, 11.1.2), for roles that have a
// card in hand whose basic channel belongs to the device.
//
// The channel is opened by MANAGE CHANNEL, by the card's choice or by its number, and closed with
// the object. Only the channel bits of CLA are changed (a C-MAC is over channel 0). Errors of open:
// kNotSupported when the card gives no channel, or not this one; kCardLink. Precondition: a number
// is 1 to 19. Ownership: refers to the card, which outlives it. Thread-safety: one thread.
//
//   auto link = KB_TRY(ChannelLink::open(card));
//   const ResponseApdu answer = KB_TRY(exchange(*link, select));
#pragma once

#include <cstdint>
#include <memory>

#include "kagibin/apdu/card_link.h"

namespace kagibin::apdu {

inline constexpr std::uint8_t kLastChannel = 19;

class ChannelLink final : public CardLink {
 public:
  static Result<std::unique_ptr<ChannelLink>> open(CardLink& card);
  static Result<std::unique_ptr<ChannelLink>> open(CardLink& card, std::uint8_t number);
  ~ChannelLink() override;

  // kTruncated for octets that are no C-APDU.
  Result<Bytes> transmit(ByteView command) override;
  std::uint8_t channel() const { return channel_; }

 private:
  ChannelLink(CardLink& card, std::uint8_t channel) : card_(card), channel_(channel) {}

  CardLink& card_;
  std::uint8_t channel_;
};

}  // namespace kagibin::apdu
