// SPDX-License-Identifier: Apache-2.0
// The reader's side of vpcd's protocol: talks to a card that listens on TCP, without pcscd between.
//
// Errors: kCardLink. After one the card counts as removed: connect again.
//
//   auto reader = KB_TRY(TcpReader::connect("127.0.0.1", 35963));
//   Bytes answer = KB_TRY(reader->transmit(command));
#pragma once

#include <memory>
#include <optional>

#include "kagibin/apdu/card_link.h"
#include "kagibin/link/socket.h"

namespace kagibin::link {

class TcpReader final : public apdu::CardLink {
 public:
  // Connects and powers the card on. With a number: that card of many behind the port
  // (card_port.h).
  static Result<std::unique_ptr<TcpReader>> connect(const std::string& host,
                                                    std::uint16_t port,
                                                    std::optional<std::uint32_t> number = {});
  ~TcpReader() override;

  Result<Bytes> transmit(ByteView command) override;
  Result<Bytes> atr();
  Result<void> reset() override;

 private:
  explicit TcpReader(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
};

}  // namespace kagibin::link
