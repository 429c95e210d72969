// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/tenant_commands.h"

#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include <boost/json/object.hpp>

#include "kagibin/base/clock.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

namespace kagibin::cli {
namespace {

using delivery::TenantLimits;
using delivery::TenantRow;
namespace kdo = roles::key_distribution_operator;

constexpr std::string_view kNone = "none";

// What `text` makes of a limit; empty leaves it.
Result<std::optional<std::uint32_t>> changed(std::string_view text,
                                             const std::optional<std::uint32_t>& before,
                                             std::uint32_t least,
                                             std::uint32_t most) {
  if (text.empty()) {
    return before;
  }
  if (text == kNone) {
    return std::optional<std::uint32_t>();
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(Errc::kInvalidArgument,
                "a limit is a number, or none: --max-open from 0, --orders-per-minute and --burst "
                "from 1 to 1,000,000");
  }
  return std::optional(value);
}

Result<TenantLimits> limits_of(const TenantOptions& options, const TenantLimits& before) {
  TenantLimits limits;
  limits.max_open = KB_TRY(changed(options.max_open, before.max_open, 0, UINT32_MAX));
  const auto per_minute_before =
      before.rate ? std::optional(before.rate->per_minute) : std::optional<std::uint32_t>();
  const std::optional<std::uint32_t> per_minute =
      KB_TRY(changed(options.per_minute, per_minute_before, 1, delivery::kMaxRate));
  if (!per_minute) {
    return options.burst.empty()
               ? Result<TenantLimits>(limits)
               : fail(Errc::kInvalidArgument, "a burst is one of a rate: add --orders-per-minute");
  }
  // A minute's worth, where nothing else is said.
  const std::uint32_t burst_before = before.rate ? before.rate->burst : *per_minute;
  const auto burst = KB_TRY(changed(options.burst, burst_before, 1, delivery::kMaxRate));
  limits.rate = {.per_minute = *per_minute, .burst = burst.value_or(*per_minute)};
  return limits;
}

class TenantCommands {
 public:
  TenantCommands(Program& program, const TenantOptions& options)
      : console_(program.console()),
        options_(options),
        place_(options.store, kdo::DistributorFolder(program.home()).orders()) {}

  int set() {
    if (options_.max_open.empty() && options_.per_minute.empty() && options_.burst.empty()) {
      return console_.failed_usage("--max-open, --orders-per-minute or --burst is needed");
    }
    const auto done = [&]() -> Result<TenantRow> {
      const Spid spid = KB_TRY(Spid::from_hex(options_.spid));
      const auto store = KB_TRY(place_.open());
      const auto t = KB_TRY(store->begin());
      const TenantRow before = KB_TRY(t->tenants().take_tenant(spid, clock_.now()));
      const TenantLimits limits = KB_TRY(limits_of(options_, before.limits));
      KB_TRY(t->tenants().put_limits(spid, limits, clock_.now()));
      const auto after = KB_TRY(t->tenants().find_tenant(spid, clock_.now()));
      KB_TRY(t->commit());
      return after.value_or(TenantRow{.provider = spid});
    }();
    return done ? print(*done) : failed(done.error(), "the tenant's limits were not changed");
  }

  int show() {
    const auto found = [&]() -> Result<TenantRow> {
      const Spid spid = KB_TRY(Spid::from_hex(options_.spid));
      const std::map<Spid, TenantRow> tenants = KB_TRY(read());
      const auto one = tenants.find(spid);
      return one == tenants.end() ? TenantRow{.provider = spid} : one->second;
    }();
    return found ? print(*found) : failed(found.error(), "nothing is known of the tenant");
  }

  int list() {
    const auto tenants = read();
    if (!tenants) {
      return failed(tenants.error(), "no tenants");
    }
    for (const auto& [spid, tenant] : *tenants) {
      print(tenant);
    }
    return kExitOk;
  }

 private:
  // Those with limits, and those with orders.
  Result<std::map<Spid, TenantRow>> read() {
    const auto store = KB_TRY(place_.open());
    const auto t = KB_TRY(store->begin());
    std::map<Spid, TenantRow> tenants;
    const auto counts = KB_TRY(t->order_counts({}));
    for (const delivery::OrderCount& count : counts) {
      TenantRow& tenant = tenants[count.provider];
      tenant.provider = count.provider;
      tenant.open += delivery::is_open(count.state) ? count.count : 0;
    }
    const auto limited = KB_TRY(t->tenants().all_tenants(clock_.now()));
    for (const TenantRow& tenant : limited) {
      tenants.insert_or_assign(tenant.provider, tenant);
    }
    return tenants;
  }

  int print(const TenantRow& tenant) {
    const auto& limits = tenant.limits;
    boost::json::object object{{"spid", tenant.provider.hex()}, {"open", tenant.open}};
    std::string words;
    object["maxOpen"] = nullptr;
    object["ordersPerMinute"] = nullptr;
    object["burst"] = nullptr;
    if (limits.max_open) {
      object["maxOpen"] = *limits.max_open;
      words += fmt::format(" of at most {}", *limits.max_open);
    }
    if (limits.rate) {
      object["ordersPerMinute"] = limits.rate->per_minute;
      object["burst"] = limits.rate->burst;
      object["left"] = tenant.units / delivery::kOrderUnits;
      words +=
          fmt::format(", {} a minute and {} at once, {} of them left now", limits.rate->per_minute,
                      limits.rate->burst, tenant.units / delivery::kOrderUnits);
    }
    console_.result(object, "{}: {} open orders{}{}", tenant.provider.hex(), tenant.open, words,
                    limits == TenantLimits{} ? ", no limits" : "");
    return kExitOk;
  }

  int failed(const Error& error, std::string_view what) {
    return console_.failed(error, what, place_.advice(error.detail.text()));
  }

  Console console_;
  const TenantOptions& options_;
  OrderStorePlace place_;
  SystemClock clock_;
};

}  // namespace

void add_tenant_commands(Program& program, TenantOptions& options) {
  auto* tenant = program.app().add_subcommand(
      "tenant", "limits of tenants: how many orders they may open, and how fast");
  tenant->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, int (TenantCommands::*run)()) {
    auto* command = tenant->add_subcommand(name, what);
    command->add_option("--store", options.store,
                        "the database that several distributors share, as for serve");
    command->callback(
        [&program, &options, run] { program.finish((TenantCommands(program, options).*run)()); });
    return command;
  };
  auto* set = add("set", "change a tenant's limits; none takes one away", &TenantCommands::set);
  auto* show = add("show", "print a tenant's limits and open orders", &TenantCommands::show);
  add("list", "print those of all tenants that have limits or orders", &TenantCommands::list);
  for (auto* command : {set, show}) {
    command->add_option("spid", options.spid, "SPID, 32 hexadecimal digits")->required();
  }
  set->add_option("--max-open", options.max_open,
                  "orders that may be open at a time; 0: none is opened any more");
  set->add_option("--orders-per-minute", options.per_minute,
                  "how fast orders, and further attempts of them, may be opened");
  set->add_option("--burst", options.burst,
                  "how many at once after a pause (at first: as many as in a minute)");
}

}  // namespace kagibin::cli
