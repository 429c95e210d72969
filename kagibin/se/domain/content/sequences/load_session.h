// SPDX-License-Identifier: Apache-2.0
// A load file on its way: what INSTALL [for load] announced and the LOAD commands brought so far
// (GPCS 9.3.5). It lives on its logical channel, in volatile memory alone, until the last LOAD puts
// it into the registry; any other command to the domain, SELECT, the end of the session or a reset
// drops it whole. For se/ only.
#pragma once

#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/se/domain/content/sequences/standing.h"

namespace kagibin::se {

struct LoadSession {
  static constexpr unsigned kMaxBlocks = 256;

  // INSTALL [for load] as it came: its right is asked for again.
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  Bytes announcement{};

  gp::InstallForLoad request;
  Aid security_domain;  // the load file's
  gp::LoadFileReader file;
  unsigned next_block = 0;
  Standing standing{};
  bool complete = false;  // of a combined load: INSTALL (0E 03) comes next
};

}  // namespace kagibin::se
