// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_desk.h"

#include <utility>

#include "kagibin/cli/transport/transport_folder.h"

namespace kagibin::cli {

using provider::Checked;

Checked<std::unique_ptr<ProviderDesk>> ProviderDesk::open(const Program& program,
                                                          const ProviderOptions& options) {
  const std::filesystem::path file =
      options.policy.empty() ? program.home() / "policy.json" : options.policy;
  const std::string text = KB_TRY(read_text_file(file));
  provider::Policy policy = KB_TRY(provider::Policy::parse(text));
  auto home = KB_TRY(ProviderHome::open(program));
  provider::Trust trust = KB_TRY(home->trust());
  pki::Certificate certificate = KB_TRY(home->certificate());
  return std::unique_ptr<ProviderDesk>(new ProviderDesk{
      std::move(home), std::move(policy), std::move(trust), std::move(certificate), {}});
}

provider::OrderFlow ProviderDesk::flow() {
  return provider::OrderFlow({.policy = policy,
                              .trust = trust,
                              .certificate = certificate,
                              .keys = home->keys(),
                              .shipments = home->shipments(),
                              .journal = home->journal(),
                              .clock = clock,
                              .rng = home->rng()});
}

Checked<std::unique_ptr<delivery::HttpClient>> ProviderDesk::connect(const ProviderOptions& options,
                                                                     std::stop_token stop) const {
  return KB_TRY(TransportFolder(home->paths().home)
                    .connect({.via = options.via,
                              .demo_key_log = options.demo_key_log,
                              .now = {},
                              .stop = std::move(stop)}));
}

}  // namespace kagibin::cli
