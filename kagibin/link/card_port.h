// SPDX-License-Identifier: Apache-2.0
// Many cards behind one port, or behind neighbouring ones: every connection has a card of its own
// and speaks vpcd's protocol with it (vpcd_card.h).
//
// Which card: the one that the first frame names, if that frame has five octets; otherwise the one
// that the port stands for, the n-th port for card n. So pcscd, which knows nothing of numbers,
// reaches the first cards by their ports, and everybody else reaches all of them by the first port.
//
//   address   05 (1) | number (4, big-endian)        a frame: its length, 00 05, goes before it
//   answer    00: that card is in; 01: no card has this number; 02: another reader has it;
//             03: it does not work. A frame of one octet; after any but 00 the connection closes.
//
// One thread a connection. Limits: 4,096 connections at a time, further ones are closed at once.
// Thread-safety: serve() runs in one thread; the box is called from many.
//
//   CardPort port(KB_TRY(CardPort::open("127.0.0.1", 35963, 2)));
//   port.serve(box, stop);
#pragma once

#include <memory>
#include <vector>

#include "kagibin/link/vpcd_card.h"

namespace kagibin::link {

// Where cards come from.
class CardBox {
 public:
  CardBox() = default;
  CardBox(const CardBox&) = delete;
  CardBox& operator=(const CardBox&) = delete;
  virtual ~CardBox() = default;
  // The card, which goes back when the object ends. kNotFound, kConflict, else it does not work.
  virtual Result<std::unique_ptr<CardSide>> take(std::uint32_t number) = 0;
};

class CardPort {
 public:
  static constexpr std::size_t kMaxPorts = 64;
  static constexpr std::size_t kMaxConnections = 4'096;

  // Listens on `count` neighbouring ports, 1 to 64, from `port` on; port 0 takes free ones.
  static Result<CardPort> open(const std::string& host, std::uint16_t port, std::size_t count);
  std::uint16_t port() const { return ports_.front().port(); }
  std::size_t size() const { return ports_.size(); }

  // Until stopped; all connections are closed and all cards given back when it returns.
  void serve(CardBox& box, const StopSignal& stop);

 private:
  explicit CardPort(std::vector<ListeningSocket> ports) : ports_(std::move(ports)) {}
  std::vector<ListeningSocket> ports_;
};

// What a host sends first to be connected to a card by its number.
Bytes card_address(std::uint32_t number);

}  // namespace kagibin::link
