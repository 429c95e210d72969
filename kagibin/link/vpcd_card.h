// SPDX-License-Identifier: Apache-2.0
// The card's side of vpcd's protocol (Debian package vsmartcard-vpcd): what makes a program appear
// in a PC/SC reader.
//
// vpcd asks, the card answers: 00 power off, 01 power on, 02 reset (no answer); 04 asks for the ATR
// (at most 33 octets); any longer frame is a C-APDU, answered by an R-APDU. vpcd listens and the
// card connects (its default), or vpcd connects to a listening card when DEVICENAME names a host
// and port: then the same port serves tcp_reader.h, too. Thread-safety: serve() runs in one thread
// until the StopSignal is raised.
//
//   VpcdCard card(element_side);
//   KB_TRY(card.serve_listening(listener, stop));
#pragma once

#include "kagibin/apdu/card_link.h"
#include "kagibin/link/socket.h"

namespace kagibin::link {

// What a reader does to a card.
class CardSide {
 public:
  CardSide() = default;
  CardSide(const CardSide&) = delete;
  CardSide& operator=(const CardSide&) = delete;
  virtual ~CardSide() = default;
  virtual void power_on() = 0;
  virtual void power_off() = 0;
  virtual void reset() = 0;
  virtual Bytes atr() const = 0;
  // An error means that the card went mute: the connection is closed, as if it had been pulled out.
  virtual Result<Bytes> transmit(ByteView command) = 0;
};

class VpcdCard {
 public:
  explicit VpcdCard(CardSide& card) : card_(card) {}

  // Serves readers one after the other until stopped (then a value) or the card goes mute (its
  // error).
  Result<void> serve_listening(ListeningSocket& listener, const StopSignal& stop);
  // Connects to a listening vpcd, again every second while it is not there.
  Result<void> serve_connecting(const std::string& host,
                                std::uint16_t port,
                                const StopSignal& stop);
  // One connection until it closes.
  Result<void> serve(Socket& connection, const StopSignal& stop);
  // One frame that was read already.
  Result<void> answer(Socket& connection, ByteView frame);

 private:
  CardSide& card_;
  bool mute_ = false;
};

}  // namespace kagibin::link
