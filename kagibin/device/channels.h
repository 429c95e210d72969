// SPDX-License-Identifier: Apache-2.0
// Two ways to one element: the KDA's channel and the target's (protocol, section 9).
//
// On one reader they are two supplementary logical channels, opened by MANAGE CHANNEL (ISO/IEC
// 7816-4, 11.1.2); the basic channel belongs to the device (on a phone to the modem) and carries
// nothing else. With the KDA and the target in two readers, or a card with one channel in each,
// each side uses the basic channel of its own card. The CLA of a C-APDU gets its channel bits here
// and nothing else is changed: C-MAC is over channel 0.
//
// Errors: kCardLink; kNotSupported when a card has no supplementary channel to give.
// Ownership: the links stay the caller's and outlive this object. Thread-safety: one thread.
//
//   Channels channels = KB_TRY(Channels::open_logical(link));
//   apdu::ResponseApdu answer = KB_TRY(channels.transmit(Side::kTarget, command));
#pragma once

#include <cstdint>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/card_link.h"

namespace kagibin::device {

enum class Side : std::uint8_t { kKda, kTarget };

// What has gone over the links, for progress and figures.
struct Traffic {
  std::uint64_t apdus = 0;
  std::uint64_t command_bytes = 0;
  std::uint64_t response_bytes = 0;
};

class Channels {
 public:
  // One card, two supplementary channels. kNotSupported when it gives fewer.
  static Result<Channels> open_logical(apdu::CardLink& card);
  // Two cards, or a card that is reached by two readers: the basic channel of each.
  static Channels open_separate(apdu::CardLink& kda_card, apdu::CardLink& target_card);

  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;
  Channels(Channels&& other) noexcept;
  Channels& operator=(Channels&&) = delete;
  // Closes the channels it opened; a card that is gone has closed them itself.
  ~Channels();

  Result<apdu::ResponseApdu> transmit(Side side, const apdu::CommandApdu& command);
  // One command with its whole answer (apdu/exchange.h), of at most so many octets.
  Result<apdu::ResponseApdu> exchange(Side side,
                                      const apdu::CommandApdu& command,
                                      std::size_t most);
  // Resets the card, or both, and opens the channels again; nothing is selected afterwards. Errors:
  // those of the card's reset; kCardLink when the channels do not open.
  Result<void> reset();

  const Traffic& traffic() const { return traffic_; }

 private:
  struct Way {
    apdu::CardLink* card = nullptr;
    std::uint8_t channel = 0;
  };
  Channels(Way kda, Way target) : kda_(kda), target_(target) {}
  static Result<std::uint8_t> open_channel(apdu::CardLink& card);
  static void close_channel(const Way& way);

  Way kda_;
  Way target_;
  Traffic traffic_;
};

}  // namespace kagibin::device
