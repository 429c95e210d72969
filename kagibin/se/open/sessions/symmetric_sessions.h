// SPDX-License-Identifier: Apache-2.0
// Sessions that are opened with shared keys: INITIALIZE UPDATE and EXTERNAL AUTHENTICATE with a
// security domain's key sets, SCP03 with AES keys (Amendment D, 7.1), SCP02 with 3DES keys (GPCS
// E.5) where the domain speaks it.
//
// P1 = 00 means the first complete set that the domain speaks a protocol for. SCP03's sequence
// counter is stored before the challenge that follows from it leaves; SCP02's before the answer to
// EXTERNAL AUTHENTICATE does. A wrong host cryptogram bricks nothing unless the profile sets a
// limit; then the try is stored before it is checked. After eight failures in a row since reset,
// one attempt a second is answered (6985 in between): a device that guesses is slow, and a reset or
// a second repairs everything.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/open/logical_channel.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

class SymmetricSessions {
 public:
  static constexpr unsigned kFreeFailures = 8;
  static constexpr std::int64_t kPauseMs = 1'000;

  explicit SymmetricSessions(Platform& platform) : platform_(platform) {}

  // `selected` is the AID that the host selected, `domain` the security domain that serves it,
  // `owner` the one whose keys do.
  std::expected<Bytes, StatusWord> initialize_update(LogicalChannel& channel,
                                                     const Aid& selected,
                                                     const RegistryEntry& domain,
                                                     const RegistryEntry& owner,
                                                     const apdu::CommandApdu& command);
  StatusWord external_authenticate(LogicalChannel& channel, const apdu::CommandApdu& command);
  void reset() { failures_ = 0; }

 private:
  struct Opening;
  std::uint8_t version_of(const RegistryEntry& domain,
                          const RegistryEntry& owner,
                          std::uint8_t p1) const;
  // A status word when the set may not be tried now.
  std::expected<void, StatusWord> admit(const Opening& opening) const;
  std::expected<Bytes, StatusWord> open_scp02(const Opening& opening, std::uint8_t i);
  std::expected<Bytes, StatusWord> open_scp03(const Opening& opening,
                                              scp::Scp03Parameter parameter);
  bool pausing() const;
  // Into the circumstances: how many tries the set has left, where the profile limits them.
  void note_tries(const Aid& owner, std::uint8_t version);

  Platform& platform_;
  unsigned failures_ = 0;
  std::int64_t last_failure_ms_ = 0;
};

}  // namespace kagibin::se
