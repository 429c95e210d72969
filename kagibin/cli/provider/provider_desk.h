// SPDX-License-Identifier: Apache-2.0
// The service provider's home with everything that an order needs: policy, trust, certificate, and
// the way to the distributor.
//
//   const auto desk = KB_TRY(ProviderDesk::open(program, options));
//   provider::OrderFlow flow = desk->flow();
//   const auto http = KB_TRY(desk->connect(options, {}));
#pragma once

#include <memory>
#include <stop_token>

#include "kagibin/base/clock.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::cli {

struct ProviderDesk {
  std::unique_ptr<ProviderHome> home;
  provider::Policy policy;
  provider::Trust trust;
  pki::Certificate certificate;
  SystemClock clock;
  std::filesystem::path policy_file;
  std::string read_from;  // the texts of policy, roots and revocations, and CERT.SP

  // Asks for the passphrase.
  static provider::Checked<std::unique_ptr<ProviderDesk>> open(const Program& program,
                                                               const ProviderOptions& options);
  // Reads policy, trust and certificate again where their files changed: true when they did. After
  // a failure everything is as it was.
  provider::Checked<bool> read_again();
  // Refers to this.
  provider::OrderFlow flow();
  // Does not connect yet; `stop` asks what is under way to end (net/http_client.h).
  provider::Checked<std::unique_ptr<delivery::HttpClient>> connect(const ProviderOptions& options,
                                                                   std::stop_token stop) const;
};

}  // namespace kagibin::cli
