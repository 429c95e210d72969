// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/tcp_reader.h"

#include <array>

#include "kagibin/link/card_port.h"

namespace kagibin::link {

namespace {

constexpr int kAnswerTimeoutMs = 30'000;

Result<void> control(Socket& socket, std::uint8_t code) {
  if (!socket.write_frame(ByteView(&code, 1))) {
    return fail(Errc::kCardLink, "the card at this port is gone");
  }
  return {};
}

Result<Bytes> answer(Socket& socket) {
  auto frame = socket.read_frame(kAnswerTimeoutMs, nullptr);
  if (!frame) {
    return fail(Errc::kCardLink, "the card did not answer: removed, or its process ended");
  }
  return std::move(*frame);
}

// Asks for one of many cards.
Result<void> insert(Socket& socket, std::uint32_t number) {
  if (!socket.write_frame(card_address(number))) {
    return fail(Errc::kCardLink, "the cards behind this port are gone");
  }
  const Bytes said = KB_TRY(answer(socket));
  switch (said.size() == 1 ? said[0] : 0xFF) {
    case 0x00:
      return {};
    case 0x01:
      return fail(Errc::kNotFound, "no card behind this port has this number");
    case 0x02:
      return fail(Errc::kCardLink, "another reader has the card of this number");
    case 0x03:
      return fail(Errc::kCardLink, "the card of this number does not work");
    default:
      return fail(Errc::kCardLink, "one card is behind this port, not many: leave out the number");
  }
}

}  // namespace

Result<std::unique_ptr<TcpReader>> TcpReader::connect(const std::string& host,
                                                      std::uint16_t port,
                                                      std::optional<std::uint32_t> number) {
  auto socket = Socket::connect(host, port, 5'000);
  if (!socket) {
    return fail(Errc::kCardLink,
                "no card listens at this host and port; start kagibin se run first");
  }
  if (number) {
    KB_TRY(insert(*socket, *number));
  }
  KB_TRY(control(*socket, 0x01));
  return std::unique_ptr<TcpReader>(new TcpReader(std::move(*socket)));
}

TcpReader::~TcpReader() { static_cast<void>(control(socket_, 0x00)); }

Result<Bytes> TcpReader::transmit(ByteView command) {
  if (command.size() < 4) {
    return fail(Errc::kInvalidArgument, "a C-APDU has at least four octets");
  }
  if (!socket_.write_frame(command)) {
    return fail(Errc::kCardLink, "the card at this port is gone");
  }
  Bytes out = KB_TRY(answer(socket_));
  if (out.size() < 2) {
    return fail(Errc::kCardLink, "the card answered less than SW1-SW2");
  }
  return out;
}

Result<Bytes> TcpReader::atr() {
  KB_TRY(control(socket_, 0x04));
  return answer(socket_);
}

Result<void> TcpReader::reset() { return control(socket_, 0x02); }

}  // namespace kagibin::link
