// SPDX-License-Identifier: Apache-2.0
// Where commands to a security domain go: an open secure channel (domain_session.h), the bare card
// link, or a list of what would be sent (dry_run.h). Card management is written once against this.
//
// Ownership: a port is used by one caller. Thread-safety: one thread.
//
//   const Bytes answer = KB_TRY(port.send(KB_TRY(install.encode()), "the card refuses INSTALL"));
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/gp/put_key.h"
#include "kagibin/scp/host_session.h"

namespace kagibin::roles::security_module_manager {

// 9000, or a warning (62xx, 63xx): a card that answers so did the command.
bool is_done(StatusWord sw);
// The command as it goes without secure messaging.
apdu::CommandApdu in_the_clear(const scp::PlainCommand& command);

class CommandPort {
 public:
  // CLA INS P1 P2 before secure messaging.
  using Header = std::array<std::uint8_t, 4>;

  CommandPort() = default;
  CommandPort(const CommandPort&) = delete;
  CommandPort& operator=(const CommandPort&) = delete;
  virtual ~CommandPort() = default;

  // The answer in the clear, whatever its status word.
  Result<apdu::ResponseApdu> transmit(const scp::PlainCommand& command);
  // The answer's data. kCardStatus with `refused` and the status word unless 9000 or a warning
  // (62xx, 63xx): a card that got that far did the command.
  Result<Bytes> send(const apdu::CommandApdu& command, Detail refused);

  // Encrypts values for PUT KEY and STORE DATA. kState where there is no key for sensitive data.
  virtual Result<gp::SensitiveCipher> cipher() const = 0;
  // Octets of data that fit into one command.
  virtual std::size_t longest_data() const = 0;
  // Of the command sent last: what a status word means depends on it.
  const Header& last_header() const { return header_; }
  // Whether the card has done a command with data: in a session with C-DECRYPTION it holds the same
  // session key for encryption, then.
  bool has_done_data() const { return has_done_data_; }

 protected:
  virtual Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) = 0;

 private:
  Header header_{};
  bool has_done_data_ = false;
};

}  // namespace kagibin::roles::security_module_manager
