// SPDX-License-Identifier: Apache-2.0
// What one order and a list of them have in common: the payload that they deliver, how they are
// shown. For provider_orders.cc and provider_order_list.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <boost/json/object.hpp>

#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::cli {

struct LoadedPayload {
  provider::PayloadFile payload;
  provider::CsvFiles csv;
};
// With the CSV files that it names, which lie beside it.
provider::Checked<LoadedPayload> load_payload(const std::filesystem::path& file);

// Empty where none is wished.
provider::Checked<std::optional<std::uint8_t>> wished_suite(const ProviderOptions& options);
provider::Checked<std::optional<delivery::CampaignId>> wished_campaign(
    const ProviderOptions& options);

boost::json::object order_json(const delivery::JournalOrder& order);

}  // namespace kagibin::cli
