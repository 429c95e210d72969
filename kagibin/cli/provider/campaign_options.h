// SPDX-License-Identifier: Apache-2.0
// A campaign's terms from the command line: options for the simple cases, or a file in JSON for all
// of them (doc/campaigns.md). Pure.
//
//   const CampaignTerms terms = KB_TRY(terms_of(options, now));
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/delivery/campaign.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::cli {

struct CampaignOptions {
  int days = 30;                     // until its end
  std::int64_t orders = 0;           // 0: not said
  int per_minute = 0;                // 0: exponential
  std::vector<int> growing;          // first, factor, each, max
  std::vector<std::string> groups;   // NAME or NAME:KEY=VALUE,KEY=VALUE
  std::vector<std::string> abort;    // STATE:PERCENT:AFTER
  std::vector<std::string> windows;  // HH:MM-HH:MM or mon,tue:HH:MM-HH:MM
  std::vector<std::string> retries;  // KIND=NUMBER
  bool settle = false;
};

roles::service_provider::Checked<delivery::CampaignTerms> terms_of(const CampaignOptions& options,
                                                                   std::int64_t now);
// KEY=VALUE each.
roles::service_provider::Checked<delivery::Attributes> attributes_of(
    const std::vector<std::string>& texts);

}  // namespace kagibin::cli
