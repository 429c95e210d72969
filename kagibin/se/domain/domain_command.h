// SPDX-License-Identifier: Apache-2.0
// One command to a security domain, out of its secure messaging, and what its handlers share. For
// se/ only. The data may hold keys: views, never copies.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/se/open/instances.h"

namespace kagibin::se {

struct DomainCommand {
  Platform& platform;
  Instances& instances;
  LogicalChannels& channels;
  LogicalChannel& channel;
  const RegistryEntry& domain;  // the one selected
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  ByteView data;

  std::uint16_t tag() const { return static_cast<std::uint16_t>((p1 << 8U) | p2); }

  // A session with the domain's own provider, and one whose commands carry a C-MAC.
  bool authenticated() const { return channel.authenticated(); }
  bool authenticated_with_mac() const { return channel.authenticated() && channel.level().c_mac(); }
};

inline apdu::ResponseApdu answer(StatusWord sw, Bytes data = {}) {
  return {.data = std::move(data), .sw = sw};
}

// The status word for an error inside a command (style rule 10), its detail as the reason: the
// table stands in the source.
StatusWord status_of(const Error& error);

// Commits, and answers `data`; or the status word of what went wrong, and nothing has changed.
apdu::ResponseApdu conclude(NvmTransaction& transaction, const Result<void>& changed, Bytes data);

}  // namespace kagibin::se
