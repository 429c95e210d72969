// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/campaign_commands.h"

#include <boost/json/object.hpp>

#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/delivery/campaign_client.h"
#include "kagibin/delivery/names.h"

namespace kagibin::cli {
namespace {

using delivery::CampaignState;
using delivery::CampaignStatus;

int put_state(const Program& program, const CampaignWish& options, CampaignState state) {
  Console console = program.console();
  const auto answer = [&]() -> Result<CampaignStatus> {
    const Spid provider = KB_TRY(delivery::spid_from_name(options.spid));
    const delivery::CampaignId id = KB_TRY(delivery::CampaignId::from(options.campaign));
    const auto http = KB_TRY(TransportFolder(program.home())
                                 .connect({.via = options.via, .demo_key_log = {}, .now = {}}));
    return delivery::CampaignApi(*http, provider).put_state(id, {state, options.reason});
  }();
  if (!answer) {
    return console.failed(answer.error(), "the campaign stays as it is");
  }
  console.result({{"provider", options.spid},
                  {"campaign", answer->campaign.text()},
                  {"state", delivery::name(answer->state)},
                  {"reason", answer->reason}},
                 "Campaign {} of {} is {}{}.", answer->campaign.text(), options.spid,
                 delivery::name(answer->state),
                 answer->state == CampaignState::kPaused && answer->paused_by.provider
                     ? ": its provider wants it paused"
                     : "");
  return kExitOk;
}

}  // namespace

void add_campaign_commands(Program& program, CampaignWish& options) {
  auto* commands = program.app().add_subcommand(
      "campaign", "stop or resume a provider's campaign, as the operator who joined in --home");
  commands->require_subcommand(1);
  struct Change {
    const char* name;
    const char* what;
    CampaignState state;
  };
  for (const Change& change :
       {Change{"pause", "release no more of its orders for now", CampaignState::kPaused},
        Change{"resume", "take back our pause; it goes on when nobody wants it paused",
               CampaignState::kRunning},
        Change{"cancel", "take back what no device fetched, and end it",
               CampaignState::kCancelled}}) {
    auto* command = commands->add_subcommand(change.name, change.what);
    command->add_option("provider", options.spid, "SPID, 32 hexadecimal digits")->required();
    command->add_option("campaign", options.campaign, "its name")->required();
    command->add_option("--reason", options.reason, "for those who ask why");
    command->add_option("--via", options.via, "HOST:PORT of a carrier before the distributor");
    command->callback([&program, &options, state = change.state] {
      program.finish(put_state(program, options, state));
    });
  }
}

}  // namespace kagibin::cli
