// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/manager/carry.h"

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/se/interrupts.h"
#include "kagibin/link/vpcd_card.h"

namespace kagibin::cli {

namespace {

// Power and ATR are of the reader that the manager holds; the provider gets a minimal ATR (T=1).
class CarriedCard final : public link::CardSide {
 public:
  explicit CarriedCard(apdu::CardLink& card) : card_(card) {}
  void power_on() override {}
  void power_off() override {}
  void reset() override {}
  Bytes atr() const override { return {0x3B, 0x80, 0x80, 0x01, 0x01}; }
  Result<Bytes> transmit(ByteView command) override { return card_.transmit(command); }

 private:
  apdu::CardLink& card_;
};

}  // namespace

Result<int> carry(roles::security_module_manager::CarriedDomain& domain,
                  const std::string& listen,
                  Console& console) {
  static const link::StopSignal stop;  // the signal handler keeps its address
  raise_on_signals(stop);
  const HostPort where = KB_TRY(parse_host_port(listen));
  auto listener = KB_TRY(link::ListeningSocket::open(where.host, where.port));
  console.result({{"host", where.host}, {"port", listener.port()}},
                 "Waiting for the provider: kagibin provider agree-keys --reader tcp:{}:{}. Ctrl-C "
                 "ends it.",
                 where.host, listener.port());
  auto connection = KB_TRY(listener.accept(stop));
  CarriedCard card(domain);
  const auto served = link::VpcdCard(card).serve(connection, stop);
  if (domain.refusal()) {
    return std::unexpected(*domain.refusal());
  }
  if (!served && served.error().code != Errc::kNetwork) {  // that is: the provider left
    return std::unexpected(served.error());
  }
  return domain.stored();
}

}  // namespace kagibin::cli
