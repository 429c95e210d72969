// SPDX-License-Identifier: Apache-2.0
// Sessions that are opened with certificates: PERFORM SECURITY OPERATION, MUTUAL AUTHENTICATE and
// INTERNAL AUTHENTICATE of SCP11 (Amendment F v1.3, 7.5 to 7.7), with a security domain's key
// pairs.
//
// What PERFORM SECURITY OPERATION verified stays with the logical channel until the next MUTUAL or
// INTERNAL AUTHENTICATE, whatever its answer, or until something else ends sessions there. A domain
// has at most one session of SCP11c at a time (6985). For se/ only.
#pragma once

#include "kagibin/se/open/logical_channel.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

class CertificateSessions {
 public:
  CertificateSessions(Platform& platform, const LogicalChannels& channels)
      : platform_(platform), channels_(channels) {}

  // 80 2A, 80 82 and 80 88, chained or not. 82 with P2 = 00 is EXTERNAL AUTHENTICATE of the
  // protocols with shared keys.
  static bool is_command(const apdu::CommandApdu& command);
  // `domain` serves what is selected, `owner` has the keys.
  apdu::ResponseApdu process(LogicalChannel& channel,
                             const RegistryEntry& domain,
                             const RegistryEntry& owner,
                             const apdu::CommandApdu& command);
  // False for PUT KEY, GENERATE KEY, DELETE of keys and SET STATUS in a session whose commands can
  // be sent again.
  static bool takes(const LogicalChannel& channel, std::uint8_t instruction, ByteView data);

 private:
  apdu::ResponseApdu authenticate(LogicalChannel& channel,
                                  const RegistryEntry& domain,
                                  const RegistryEntry& owner,
                                  scp::Scp11Parameter parameter,
                                  const apdu::CommandApdu& command);
  bool has_replayable_session(const LogicalChannel& beside, const Aid& owner) const;

  Platform& platform_;
  const LogicalChannels& channels_;
};

}  // namespace kagibin::se
