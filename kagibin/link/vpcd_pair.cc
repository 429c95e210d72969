// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/vpcd_pair.h"

namespace kagibin::link {

namespace {

class BlankCard final : public CardSide {
 public:
  void power_on() override {}
  void power_off() override {}
  void reset() override {}
  Bytes atr() const override { return {0x3B, 0x80, 0x01, 0x81}; }
  Result<Bytes> transmit(ByteView /*command*/) override { return Bytes{0x6D, 0x00}; }
};

}  // namespace

VpcdPair::VpcdPair(ListeningSocket first, ListeningSocket second)
    : first_(std::move(first)), second_(std::move(second)), blank_([this] {
        BlankCard card;
        static_cast<void>(VpcdCard(card).serve_listening(second_, stop_));
      }) {}

Result<std::unique_ptr<VpcdPair>> VpcdPair::open(const std::string& host, std::uint16_t port) {
  constexpr int kTries = 20;  // a free port may have a neighbour in use
  for (int tries = 0; tries < kTries; ++tries) {
    ListeningSocket first = KB_TRY(ListeningSocket::open(host, port));
    if (first.port() < 0xFFFF) {
      auto second = ListeningSocket::open(host, static_cast<std::uint16_t>(first.port() + 1));
      if (second) {
        return std::unique_ptr<VpcdPair>(new VpcdPair(std::move(first), std::move(*second)));
      }
    }
    if (port != 0) {
      break;
    }
  }
  return fail(Errc::kNetwork,
              "vpcd's two slots need this port and the one above it, and one of them is in use");
}

VpcdPair::~VpcdPair() {
  stop_.raise();
  blank_.join();
}

}  // namespace kagibin::link
