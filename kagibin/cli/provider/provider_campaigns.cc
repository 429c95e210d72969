// SPDX-License-Identifier: Apache-2.0
// kagibin provider campaign, and what happened to an order: requests to the distributor, which
// keeps both. The journal is not asked.
#include "kagibin/cli/provider/provider_campaigns.h"

#include <boost/json/parse.hpp>

#include "kagibin/cli/provider/provider_desk.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/delivery/campaign_client.h"

namespace kagibin::cli {

using delivery::CampaignId;
using delivery::CampaignState;
using delivery::CampaignStatus;
using provider::Checked;
using provider::problem;

namespace {

constexpr std::uint32_t kPage = 1'000;

// Runs `act` with the calls about campaigns, connected to the distributor.
template <typename Act>
Checked<void> with_api(const Program& program, const ProviderOptions& options, Act act) {
  const auto desk = KB_TRY(ProviderDesk::open(program, options));
  const auto http = KB_TRY(desk->connect(options, {}));
  delivery::CampaignApi api(*http);
  return act(*desk, api);
}

template <typename T>
Checked<T> taken(Result<T> answer) {
  if (answer) {
    return std::move(*answer);
  }
  return problem(answer.error().code,
                 fmt::format("The key distribution operator did not take it: {}.",
                             answer.error().detail.text()));
}

std::string counts_text(const delivery::GroupStatus& group) {
  std::string out;
  if (group.held > 0) {
    out += fmt::format("{} held", group.held);
  }
  for (const auto& [state, count] : group.orders) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, delivery::name(state));
  }
  return out.empty() ? "no orders" : out;
}

void tell(const Program& program, const CampaignStatus& status) {
  Console console = program.console();
  std::string text = fmt::format("campaign {} is {}{}; {} released, {} a minute",
                                 status.campaign.text(), delivery::name(status.state),
                                 status.reason.empty() ? "" : " (" + status.reason + ")",
                                 status.released, status.per_minute);
  if (status.state == CampaignState::kPaused && status.paused_by.operated) {
    text += "; the distributor's operator wants it paused";
  }
  if (status.next_release) {
    text += fmt::format(", the next at {}", *status.next_release);
  }
  for (const delivery::GroupStatus& group : status.groups) {
    text += fmt::format("\n  {}: {}", group.name, counts_text(group));
  }
  console.result(boost::json::parse(to_json(status)).as_object(), "{}", text);
}

Checked<delivery::CampaignTerms> wished_terms(const ProviderOptions& options,
                                              const CampaignOptions& campaign,
                                              std::int64_t now) {
  if (options.file.empty()) {
    return terms_of(campaign, now);
  }
  const std::string text = KB_TRY(read_text_file(options.file));
  return KB_TRY(delivery::campaign_terms_from_json(text));
}

}  // namespace

int provider_campaign_create(const Program& program,
                             const ProviderOptions& options,
                             const CampaignOptions& campaign) {
  const auto done = with_api(
      program, options, [&](ProviderDesk& desk, delivery::CampaignApi& api) -> Checked<void> {
        const CampaignId id = KB_TRY(CampaignId::from(options.campaign));
        auto terms = KB_TRY(wished_terms(options, campaign, desk.clock.now()));
        auto made = api.put_campaign(id, terms);
        // The same command again: --days counts from now, and stands as it was then.
        if (!made && made.error().code == Errc::kConflict && options.file.empty()) {
          const auto stands = KB_TRY(taken(api.campaign(id)));
          terms.not_after = stands.terms.not_after;
          if (terms == stands.terms) {
            made = stands;
          }
        }
        tell(program, KB_TRY(taken(std::move(made))));
        return {};
      });
  return done ? kExitOk : report_problem(program, done.error(), "the campaign was not made");
}

int provider_campaign_show(const Program& program, const ProviderOptions& options) {
  const auto done =
      with_api(program, options, [&](ProviderDesk&, delivery::CampaignApi& api) -> Checked<void> {
        const CampaignId id = KB_TRY(CampaignId::from(options.campaign));
        tell(program, KB_TRY(taken(api.campaign(id))));
        return {};
      });
  return done ? kExitOk : report_problem(program, done.error(), "the campaign cannot be shown");
}

int provider_campaign_list(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done =
      with_api(program, options, [&](ProviderDesk&, delivery::CampaignApi& api) -> Checked<void> {
        std::string after;
        for (bool more = true; more;) {
          const auto page = KB_TRY(taken(api.campaigns(after, kPage)));
          for (const delivery::ListedCampaign& one : page.campaigns) {
            console.result({{"campaign", one.campaign.text()},
                            {"state", delivery::name(one.state)},
                            {"not_after", one.not_after},
                            {"released", one.released}},
                           "{}  {:<10}  {} released", one.campaign.text(),
                           delivery::name(one.state), one.released);
          }
          more = page.more && page.next != after;
          after = page.next;
        }
        return {};
      });
  return done ? kExitOk : report_problem(program, done.error(), "the campaigns cannot be listed");
}

int provider_campaign_state(const Program& program,
                            const ProviderOptions& options,
                            CampaignState state) {
  const auto done =
      with_api(program, options, [&](ProviderDesk&, delivery::CampaignApi& api) -> Checked<void> {
        const CampaignId id = KB_TRY(CampaignId::from(options.campaign));
        tell(program, KB_TRY(taken(api.put_state(id, {state, options.reason}))));
        return {};
      });
  return done ? kExitOk : report_problem(program, done.error(), "the campaign stays as it is");
}

int provider_history(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done =
      with_api(program, options, [&](ProviderDesk&, delivery::CampaignApi& api) -> Checked<void> {
        const auto id = KB_TRY(delivery::OrderId::from(options.order));
        std::string after;
        for (bool more = true; more;) {
          const auto page = KB_TRY(taken(api.history(id, after, kPage)));
          for (const delivery::HistoryEvent& event : page.events) {
            console.result({{"time", event.time},
                            {"event", event.event},
                            {"attempt", event.attempt},
                            {"state", delivery::name(event.state)},
                            {"order_state", delivery::name(event.order_state)},
                            {"revision", event.revision.value_or(0)}},
                           "{}  attempt {}  {:<17}  {}", event.time, event.attempt, event.event,
                           delivery::name(event.order_state));
          }
          more = page.more && page.next != after;
          after = page.next;
        }
        return {};
      });
  return done ? kExitOk : report_problem(program, done.error(), "the history cannot be shown");
}

}  // namespace kagibin::cli
