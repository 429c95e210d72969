// SPDX-License-Identifier: Apache-2.0
// An open secure channel with a security domain, whatever its protocol, as a command port; and the
// card without one.
//
// A command that is too long for one short APDU goes in one of extended length, or, where a caller
// says so, in the pieces of GPCS 11.8.2.1 (PUT KEY, INSTALL, DELETE), cut after wrapping.
// Ownership: refers to the link, which outlives it; owns the session.
//
//   DomainSession session(link, std::move(host), 8);
#pragma once

#include <memory>

#include "kagibin/apdu/card_link.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

enum class LongCommands : std::uint8_t { kExtended, kPieces };

class DomainSession final : public CommandPort {
 public:
  // `session` is open; its MACs have `mac_size` octets.
  DomainSession(apdu::CardLink& link,
                std::unique_ptr<scp::HostSession> session,
                std::size_t mac_size,
                LongCommands long_commands = LongCommands::kExtended)
      : link_(link),
        session_(std::move(session)),
        mac_size_(mac_size),
        long_commands_(long_commands) {}

  Result<gp::SensitiveCipher> cipher() const override;
  std::size_t longest_data() const override;
  const scp::HostSession& host() const { return *session_; }

 private:
  Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) override;

  apdu::CardLink& link_;
  std::unique_ptr<scp::HostSession> session_;
  std::size_t mac_size_;
  LongCommands long_commands_;
};

// Commands in the clear.
class BareCard final : public CommandPort {
 public:
  explicit BareCard(apdu::CardLink& link) : link_(link) {}
  Result<gp::SensitiveCipher> cipher() const override;
  std::size_t longest_data() const override { return 255; }

 private:
  Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) override;
  apdu::CardLink& link_;
};

}  // namespace kagibin::roles::security_module_manager
