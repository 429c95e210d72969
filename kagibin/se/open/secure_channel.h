// SPDX-License-Identifier: Apache-2.0
// The secure channel service of a security domain on a logical channel: INITIALIZE UPDATE and
// EXTERNAL AUTHENTICATE with the domain's key sets, for the domain itself and for the applications
// associated with it.
//
// A domain without a complete key set of its own uses its associated domain's (GPCS 7.3); once it
// has one, only its own. With a pseudo-random card challenge the sequence counter is stored before
// the answer leaves. A wrong host cryptogram bricks nothing unless the profile sets a limit; then
// the try is stored before it is checked. After eight failures in a row since reset, one
// attempt a second is answered (6985 in between): a device that guesses is slow, and a reset or a
// second repairs everything.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/open/logical_channel.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

class SecureChannel {
 public:
  static constexpr unsigned kFreeFailures = 8;
  static constexpr std::int64_t kPauseMs = 1'000;

  explicit SecureChannel(Platform& platform) : platform_(platform) {}

  static bool is_security_command(const apdu::CommandApdu& command);
  // `selected` is the AID that the host selected; `domain` the security domain that serves it.
  apdu::ResponseApdu process(LogicalChannel& channel,
                             const Aid& selected,
                             const RegistryEntry& domain,
                             const apdu::CommandApdu& command);
  // The plain command in an open session. A failure ends what lived in the session.
  static std::expected<scp::Scp03Card::Unwrapped, StatusWord> unwrap(
      LogicalChannel& channel, const apdu::CommandApdu& command);
  static apdu::ResponseApdu wrap(LogicalChannel& channel, ByteView data, StatusWord sw);

  // The domain whose keys serve `domain`: itself, or the next one up that has a complete set.
  RegistryEntry key_domain(const RegistryEntry& domain) const;
  void reset() { failures_ = 0; }

 private:
  std::expected<Bytes, StatusWord> initialize_update(LogicalChannel& channel,
                                                     const Aid& selected,
                                                     const RegistryEntry& domain,
                                                     const apdu::CommandApdu& command);
  StatusWord external_authenticate(LogicalChannel& channel, const apdu::CommandApdu& command);
  bool pausing() const;

  Platform& platform_;
  unsigned failures_ = 0;
  std::int64_t last_failure_ms_ = 0;
};

}  // namespace kagibin::se
