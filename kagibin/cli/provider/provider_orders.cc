// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_orders.h"

#include "kagibin/cli/provider/campaign_options.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_desk.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/client/provider_client.h"
#include "kagibin/roles/service_provider/relay_choice.h"
#include "kagibin/roles/service_provider/suite_choice.h"

namespace kagibin::cli {

using delivery::OrderId;
using provider::Checked;
using provider::problem;

namespace {

Checked<std::vector<delivery::DeviceId>> device_ids(const ProviderOptions& options) {
  std::vector<delivery::DeviceId> out;
  out.reserve(options.devices.size());
  for (const std::string& text : options.devices) {
    out.push_back(KB_TRY(delivery::DeviceId::from(text)));
  }
  return out;
}

Checked<OrderId> order_id(const ProviderOptions& options, crypto::Rng& rng) {
  if (!options.order.empty()) {
    return KB_TRY(OrderId::from(options.order));
  }
  const std::array<std::uint8_t, 16> octets = KB_TRY(crypto::random_array<16>(rng));
  return KB_TRY(OrderId::from(to_hex(octets)));
}

// Runs `act` with a client that is connected to the distributor.
template <typename Act>
Checked<void> with_client(const Program& program, const ProviderOptions& options, Act act) {
  const auto desk = KB_TRY(ProviderDesk::open(program, options));
  const auto http = KB_TRY(desk->connect(options, {}));
  delivery::ProviderApi api(*http);
  provider::OrderFlow flow = desk->flow();
  provider::ProviderClient client(
      flow, api, desk->home->journal(),
      {.automatic_attempts = static_cast<delivery::AttemptNumber>(options.attempts)});
  return act(*desk, flow, client);
}

constexpr std::uint32_t kMaxListed = 10'000;

Checked<std::vector<delivery::JournalOrder>> orders_to_show(delivery::JournalStore& journal,
                                                            const std::string& named) {
  if (named.empty()) {
    return KB_TRY(journal.orders(std::nullopt, kMaxListed));
  }
  const OrderId id = KB_TRY(OrderId::from(named));
  const auto order = KB_TRY(journal.find_order(id));
  if (!order) {
    return problem(Errc::kNotFound, fmt::format("The journal has no order {}.", id.text()));
  }
  return std::vector<delivery::JournalOrder>{*order};
}

}  // namespace

Checked<LoadedPayload> load_payload(const std::filesystem::path& file) {
  const std::string text = KB_TRY(read_text_file(file));
  LoadedPayload out{.payload = KB_TRY(provider::PayloadFile::parse(text)), .csv = {}};
  for (const std::string& name : out.payload.csv_files()) {
    const auto octets = crypto::read_file(file.parent_path() / name);
    if (!octets) {
      return problem(octets.error().code,
                     fmt::format("the CSV file {} beside the payload cannot be read", name));
    }
    out.csv.emplace(name, KB_TRY(provider::KeyCsv::parse(name, *octets)));
  }
  return out;
}

Checked<std::optional<std::uint8_t>> wished_suite(const ProviderOptions& options) {
  if (options.suite.empty()) {
    return std::nullopt;
  }
  return KB_TRY(provider::suite_by_name(options.suite));
}

Checked<std::optional<delivery::CampaignId>> wished_campaign(const ProviderOptions& options) {
  if (options.campaign.empty()) {
    return std::nullopt;
  }
  return KB_TRY(delivery::CampaignId::from(options.campaign));
}

boost::json::object order_json(const delivery::JournalOrder& order) {
  return {{"order", order.id.text()},
          {"device", order.device.text()},
          {"seid", order.seid.hex()},
          {"target", order.target.hex()},
          {"seq", order.seq},
          {"state", delivery::name(order.state)},
          {"attempt", order.current_attempt},
          {"not_after", order.not_after}};
}

int provider_check(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  std::string level;
  const auto done = [&]() -> Checked<std::size_t> {
    const LoadedPayload loaded = KB_TRY(load_payload(options.file));
    const auto desk = KB_TRY(ProviderDesk::open(program, options));
    auto devices = KB_TRY(device_ids(options));
    if (devices.empty()) {
      for (const auto& [device, seid] : desk->policy.elements) {
        devices.push_back(KB_TRY(delivery::DeviceId::from(device)));
      }
    }
    const auto suite = KB_TRY(wished_suite(options));
    KB_TRY(desk->flow().check(loaded.payload, loaded.csv, devices,
                              static_cast<std::uint32_t>(options.validity_minutes), suite));
    level = envelope::relay_level_name(
        KB_TRY(desk->flow().highest_level(loaded.payload, devices, suite)));
    return devices.size();
  }();
  if (!done) {
    return report_problem(program, done.error(),
                          fmt::format("{} would be refused", options.file.string()));
  }
  console.result({{"payload", options.file.string()}, {"devices", *done}, {"level", level}},
                 "{} could be delivered to {} devices, at {} where the element offers it; nothing "
                 "was sent.",
                 options.file.string(), *done, level);
  return kExitOk;
}

int provider_order(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  if (options.devices.empty() == options.list.empty()) {
    return console.failed_usage("either --device or --list says what is ordered");
  }
  if (!options.list.empty()) {
    return provider_order_list(program, options);
  }
  bool opened = false;
  const auto done = with_client(
      program, options,
      [&](ProviderDesk& desk, provider::OrderFlow& flow,
          provider::ProviderClient& client) -> Checked<void> {
        const LoadedPayload loaded = KB_TRY(load_payload(options.file));
        const auto devices = KB_TRY(device_ids(options));
        const auto suite = KB_TRY(wished_suite(options));
        const auto campaign = KB_TRY(wished_campaign(options));
        if (!campaign && !options.attributes.empty()) {
          return problem(Errc::kInvalidArgument, "--attribute is for an order of a --campaign");
        }
        const delivery::Attributes attributes = KB_TRY(attributes_of(options.attributes));
        if (devices.size() > 1 && !options.order.empty()) {
          return problem(Errc::kInvalidArgument,
                         "--id names one order; leave it out for several devices");
        }
        if (options.order.empty()) {  // all or none; an id may name an order that is open already
          KB_TRY(flow.check(loaded.payload, loaded.csv, devices,
                            static_cast<std::uint32_t>(options.validity_minutes), suite));
        }
        for (const delivery::DeviceId& device : devices) {
          const OrderId id = KB_TRY(order_id(options, desk.home->rng()));
          const delivery::JournalOrder order = KB_TRY(
              flow.open({.id = id,
                         .device = device,
                         .payload = loaded.payload,
                         .csv = loaded.csv,
                         .validity_minutes = static_cast<std::uint32_t>(options.validity_minutes),
                         .suite = suite,
                         .campaign = campaign,
                         .attributes = attributes}));
          console.result(order_json(order), "order {} for {}: SEQ {}", id.text(), device.text(),
                         order.seq);
          opened = true;
          KB_TRY(client.submit(id));
        }
        return {};
      });
  if (!done) {
    return report_problem(program, done.error(),
                          opened
                              ? "not everything was ordered; what was opened is in the journal and "
                                "is sent by: kagibin provider run"
                              : "no order was opened");
  }
  return kExitOk;
}

int provider_show(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    for (const delivery::JournalOrder& order :
         KB_TRY(orders_to_show(home->journal(), options.order))) {
      console.result(order_json(order), "{}  {:<11}  attempt {}  device {}  SEQ {}",
                     order.id.text(), delivery::name(order.state), order.current_attempt,
                     order.device.text(), order.seq);
    }
    return {};
  }();
  return done ? kExitOk : report_problem(program, done.error(), "the journal cannot be shown");
}

int provider_retry(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = with_client(
      program, options,
      [&](ProviderDesk&, provider::OrderFlow&, provider::ProviderClient& client) -> Checked<void> {
        const OrderId id = KB_TRY(OrderId::from(options.order));
        return client.retry(id);
      });
  if (!done) {
    return report_problem(program, done.error(), "no further attempt was made");
  }
  console.result({{"order", options.order}},
                 "Order {} has a further attempt; follow it with: kagibin provider run",
                 options.order);
  return kExitOk;
}

int provider_cancel(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = with_client(
      program, options,
      [&](ProviderDesk&, provider::OrderFlow&, provider::ProviderClient& client) -> Checked<void> {
        const OrderId id = KB_TRY(OrderId::from(options.order));
        return client.cancel(id);
      });
  if (!done) {
    return report_problem(program, done.error(), "the order was not taken back");
  }
  console.result({{"order", options.order}},
                 "Order {} is being taken back; only the element's receipt says that it was: "
                 "kagibin provider run",
                 options.order);
  return kExitOk;
}

}  // namespace kagibin::cli
