// SPDX-License-Identifier: Apache-2.0
// The commands to the target that carry out one action, before the secure channel wraps them
// (protocol, section 6; GPCS 11.2, 11.5, 11.8, 11.11; Amendment D, 7.2).
//
//   PUT KEY      gp/put_key.h
//   STORE DATA   80 E6 20 00 (INSTALL [for personalization]) when an application is named, then
//                80 E2 P1 nn: P1 08 DGI format, 60 under Key-DEK, 80 last block; nn from 00
//   DELETE KEY   gp/delete.h, by its version
//   COMMAND      as given
//
// STORE DATA keeps data groups whole while they fit a block; one that is longer goes over several.
// Under Key-DEK each value is encrypted by itself; one that is no multiple of 16 is padded 80 00...
// The answers of the target are judged in target_session.cc. Ownership: values that may hold keys.
#pragma once

#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/scp/host_session.h"

namespace kagibin::se {

struct TargetCommand {
  std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2, plain
  SecretBytes data;
  bool is_key_bearing = false;
};

// The open session with the target, SCP03 or SCP11a, and the octets of a C-MAC in it.
struct TargetChannel {
  const scp::HostSession& session;
  std::size_t mac_size = 8;
};

// The commands of `action` in order, for this open session: its Key-DEK and what fits its blocks.
// kLimit when something does not fit.
Result<std::vector<TargetCommand>> commands_for(const envelope::Action& action,
                                                const TargetChannel& channel);
// GET DATA 00E0 (GPCS 11.3): the key information template.
TargetCommand get_key_information();
// A probe of the payload. Precondition: it was checked at LOAD (KB_CHECK).
TargetCommand probe_command(const Bytes& probe);

// 80 50 KVN 00 challenge: INITIALIZE UPDATE alone, to see which keys answer.
apdu::CommandApdu initialize_update(std::uint8_t key_version, ByteView challenge);

}  // namespace kagibin::se
