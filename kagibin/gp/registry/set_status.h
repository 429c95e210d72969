// SPDX-License-Identifier: Apache-2.0
// SET STATUS (GPCS 2.3.1, 11.10): moves the card, an application or a security domain to another
// life-cycle state.
//
//   80 F0 P1 P2 | AID      P1: 80 card (no AID needed), 40 application or domain, 60 domain and its
//   own
//                          P2: the state, as life_cycle.h codes it (80: lock, for P1 40 and 60)
//
//   apdu::CommandApdu c = SetStatus{.scope = SetStatusScope::kApplication, .state = 0x80, .aid =
//   a}.encode();
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

enum class SetStatusScope : std::uint8_t {
  kCard = 0x80,
  kApplication = 0x40,
  kDomainAndItsApplications = 0x60,
};

struct SetStatus {
  SetStatusScope scope = SetStatusScope::kApplication;
  std::uint8_t state = 0;  // not judged here: what it means depends on the object
  std::optional<Aid> aid{};

  // kValue for P1 and for a missing AID (scopes 40 and 60); kLength for its length.
  static Result<SetStatus> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  apdu::CommandApdu encode() const;
  friend bool operator==(const SetStatus&, const SetStatus&) = default;
};

}  // namespace kagibin::gp
