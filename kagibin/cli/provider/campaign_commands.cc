// SPDX-License-Identifier: Apache-2.0
// What kagibin provider campaign reads from the command line.
#include "kagibin/cli/provider/provider_campaigns.h"

namespace kagibin::cli {

namespace {

void add_terms(CLI::App* create, ProviderOptions& options, CampaignOptions& campaign) {
  auto* file = create->add_option("--terms", options.file, "all terms in JSON (doc/campaigns.md)")
                   ->check(CLI::ExistingFile);
  auto* constant =
      create
          ->add_option("--per-minute", campaign.per_minute, "orders that are released in a minute")
          ->check(CLI::Range(1, 60'000));
  auto* growing = create
                      ->add_option("--growing", campaign.growing,
                                   "FIRST FACTOR EACH MAX: FIRST a minute, FACTOR times as many "
                                   "with every EACH confirmed orders, up to MAX")
                      ->expected(4);
  constant->excludes(growing);
  for (auto* option : {constant, growing,
                       create->add_option("--days", campaign.days, "until the campaign ends")
                           ->capture_default_str()
                           ->check(CLI::Range(1, 3'650)),
                       create->add_option("--orders", campaign.orders,
                                          "how many there will be; it is complete with them"),
                       create->add_option("--group", campaign.groups,
                                          "NAME:KEY=VALUE,... or NAME for all the rest; repeated, "
                                          "in their order"),
                       create->add_option("--abort", campaign.abort,
                                          "refused:10:20 ends it when 10 percent of 20 or more "
                                          "judged orders are refused (unknown, expired)"),
                       create->add_option("--window", campaign.windows,
                                          "22:00-04:00 or sat,sun:22:00-04:00, in UTC: release "
                                          "orders only then"),
                       create->add_option("--retries", campaign.retries,
                                          "refused=1: further attempts after that (declined, "
                                          "unknown); none after what is not named"),
                       create->add_flag("--settle", campaign.settle,
                                        "begin a group when the one before has settled")}) {
    file->excludes(option);
  }
}

}  // namespace

void add_campaign_commands(Program& program, ProviderOptions& options, CampaignOptions& campaign) {
  auto* commands = program.app().add_subcommand(
      "campaign", "release many orders at a pace, and stop when something is wrong");
  commands->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    auto* command = commands->add_subcommand(name, what);
    command->add_option("--policy", options.policy, "policy file (default: policy.json in --home)")
        ->check(CLI::ExistingFile);
    command->add_option("--via", options.via, "HOST:PORT of a carrier before the distributor");
    return command;
  };
  const auto name_in = [&](CLI::App* command) {
    command->add_option("campaign", options.campaign, "its name")->required();
    return command;
  };
  auto* create = name_in(add("create", "make a campaign; orders join it with order --campaign"));
  add_terms(create, options, campaign);
  create->callback([&program, &options, &campaign, create] {
    if (create->count("--terms") + create->count("--per-minute") + create->count("--growing") ==
        0) {
      throw CLI::RequiredError("--per-minute, --growing or --terms");
    }
    program.finish(provider_campaign_create(program, options, campaign));
  });
  name_in(add("show", "a campaign in numbers"))->callback([&program, &options] {
    program.finish(provider_campaign_show(program, options));
  });
  add("list", "the campaigns by name")->callback([&program, &options] {
    program.finish(provider_campaign_list(program, options));
  });
  struct Change {
    const char* name;
    const char* what;
    delivery::CampaignState state;
  };
  for (const Change& change :
       {Change{"pause", "release no more for now", delivery::CampaignState::kPaused},
        Change{"resume", "take back our pause; it goes on when nobody wants it paused",
               delivery::CampaignState::kRunning},
        Change{"cancel", "take back what no device fetched, and end it",
               delivery::CampaignState::kCancelled}}) {
    auto* command = name_in(add(change.name, change.what));
    command->add_option("--reason", options.reason, "for those who ask why");
    command->callback([&program, &options, state = change.state] {
      program.finish(provider_campaign_state(program, options, state));
    });
  }
}

}  // namespace kagibin::cli
