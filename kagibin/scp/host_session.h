// SPDX-License-Identifier: Apache-2.0
// The off-card entity's end of an open secure channel session, whatever its protocol: what a tool
// needs to wrap any command. Scp02Host, Scp03Host and SCP11's sessions are the implementations; how
// each is opened is its own. No I/O: session_link.h sends.
//
// Errors: kState without an open session; kAuthentication for every wrong MAC, padding or key
// alike, which ends the session; kLimit for a command that does not fit. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/scp/security_level.h"

namespace kagibin::scp {

// One C-APDU before it is wrapped, without a copy of what may be secret: the caller keeps the
// plaintext in a secret type, which outlives the call.
struct PlainCommand {
  std::uint8_t cla = 0x80;  // without the secure-messaging bit, channel 0
  std::uint8_t ins = 0;
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  ByteView data{};
  std::optional<std::uint32_t> le{};
};

// The command as its builder made it: header, data and Le.
inline PlainCommand plain_command(const apdu::CommandApdu& command) {
  return {.cla = command.cla,
          .ins = command.ins,
          .p1 = command.p1,
          .p2 = command.p2,
          .data = command.data,
          .le = command.le};
}

class HostSession {
 public:
  struct Unwrapped {
    apdu::ResponseApdu response{};
    bool authenticated = false;  // an R-MAC covered the answer
  };

  virtual ~HostSession() = default;

  virtual std::uint8_t protocol() const = 0;  // kScp02, kScp03, kScp11
  virtual bool open() const = 0;
  virtual SecurityLevel level() const = 0;
  // kLimit when the wrapped data would pass 255 octets and `extended` is false. The C-MAC is always
  // over channel 0; the caller sets channel bits afterwards.
  virtual Result<apdu::CommandApdu> wrap(const PlainCommand& command, bool extended) = 0;
  // The answer to the command wrapped last, out of its secure messaging.
  virtual Result<Unwrapped> unwrap(const apdu::ResponseApdu& answer) = 0;
  // A value under the key for sensitive data, for PUT KEY and STORE DATA: whole blocks of
  // sensitive_block_bytes(), padded by the caller.
  virtual Result<Bytes> encrypt_sensitive(ByteView value) const = 0;
  std::size_t sensitive_block_bytes() const { return protocol() == kScp02 ? 8 : 16; }
  // Ends the session and wipes its keys.
  virtual void close() = 0;

 protected:
  HostSession() = default;
  HostSession(const HostSession&) = default;
  HostSession& operator=(const HostSession&) = default;
  HostSession(HostSession&&) noexcept = default;
  HostSession& operator=(HostSession&&) noexcept = default;
};

}  // namespace kagibin::scp
