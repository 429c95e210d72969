// SPDX-License-Identifier: Apache-2.0
// The subcommands of kagibin provider about campaigns and histories. As provider_commands.h.
#pragma once

#include "kagibin/cli/provider/campaign_options.h"
#include "kagibin/cli/provider/provider_commands.h"

namespace kagibin::cli {

// By options.file, or by the campaign's options where there is none.
int provider_campaign_create(const Program& program,
                             const ProviderOptions& options,
                             const CampaignOptions& campaign);
int provider_campaign_show(const Program& program, const ProviderOptions& options);
int provider_campaign_list(const Program& program, const ProviderOptions& options);
int provider_campaign_state(const Program& program,
                            const ProviderOptions& options,
                            delivery::CampaignState state);
int provider_history(const Program& program, const ProviderOptions& options);

// The commands themselves; everything outlives the program's run.
void add_campaign_commands(Program& program, ProviderOptions& options, CampaignOptions& campaign);

}  // namespace kagibin::cli
