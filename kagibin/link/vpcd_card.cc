// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/vpcd_card.h"

#include <poll.h>

namespace kagibin::link {

namespace {

enum Control : std::uint8_t { kPowerOff = 0x00, kPowerOn = 0x01, kReset = 0x02, kGetAtr = 0x04 };

bool peer_left(const Result<void>& served) {
  return served.has_value() || served.error().code == Errc::kNetwork;
}

}  // namespace

Result<void> VpcdCard::answer(Socket& connection, ByteView frame) {
  if (frame.size() != 1) {
    auto answer = card_.transmit(frame);
    if (!answer) {
      mute_ = true;
      return std::unexpected(answer.error());
    }
    return connection.write_frame(*answer);
  }
  switch (frame[0]) {
    case kPowerOff:
      card_.power_off();
      return {};
    case kPowerOn:
      card_.power_on();
      return {};
    case kReset:
      card_.reset();
      return {};
    case kGetAtr:
      return connection.write_frame(card_.atr());
    default:
      return fail(Errc::kNetwork, "vpcd sent a control octet that is not known");
  }
}

Result<void> VpcdCard::serve(Socket& connection, const StopSignal& stop) {
  for (;;) {
    const Bytes frame = KB_TRY(connection.read_frame(-1, &stop));
    KB_TRY(answer(connection, frame));
  }
}

Result<void> VpcdCard::serve_listening(ListeningSocket& listener, const StopSignal& stop) {
  while (!mute_) {
    auto connection = listener.accept(stop);
    if (!connection) {
      break;
    }
    const auto served = serve(*connection, stop);
    card_.power_off();
    if (mute_) {
      return served;
    }
    if (!peer_left(served)) {
      break;
    }
  }
  if (stop.raised()) {
    return {};
  }
  return fail(Errc::kCardLink, "the element went mute; start it again");
}

Result<void> VpcdCard::serve_connecting(const std::string& host,
                                        std::uint16_t port,
                                        const StopSignal& stop) {
  while (!stop.raised()) {
    auto connection = Socket::connect(host, port, 2'000);
    if (connection) {
      const auto served = serve(*connection, stop);
      card_.power_off();
      if (mute_) {
        return served;
      }
    }
    pollfd fd{stop.descriptor(), POLLIN, 0};
    static_cast<void>(poll(&fd, 1, 1'000));
  }
  return {};
}

}  // namespace kagibin::link
