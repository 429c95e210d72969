// SPDX-License-Identifier: Apache-2.0
// kagibin distributor campaign pause|resume|cancel: the operator's word on a provider's campaign,
// as whoever joined in --home. `get` shows campaigns.
//
//   CampaignWish options;
//   add_campaign_commands(program, options);
#pragma once

#include <string>

#include "kagibin/cli/console/program.h"

namespace kagibin::cli {

struct CampaignWish {
  std::string spid;
  std::string campaign;
  std::string reason;
  std::string via;
};

// Options outlive the program's run.
void add_campaign_commands(Program& program, CampaignWish& options);

}  // namespace kagibin::cli
