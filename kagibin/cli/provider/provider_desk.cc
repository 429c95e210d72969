// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_desk.h"

#include <utility>

#include "kagibin/cli/transport/transport_folder.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

// One text of all that is read again: another text, other rules.
Checked<std::string> files_of(const ProviderPaths& paths,
                              const std::filesystem::path& policy_file) {
  std::string out = KB_TRY(read_text_file(policy_file));
  for (const auto& file : {paths.roots(), paths.revoked(), paths.certificate()}) {
    out += '\0';
    if (std::filesystem::exists(file)) {
      out += KB_TRY(read_text_file(file));
    }
  }
  return out;
}

}  // namespace

Checked<std::unique_ptr<ProviderDesk>> ProviderDesk::open(const Program& program,
                                                          const ProviderOptions& options) {
  const std::filesystem::path file =
      options.policy.empty() ? program.home() / "policy.json" : options.policy;
  auto home =
      KB_TRY(ProviderHome::open(program, options.tokens->get()));  // may wait for a passphrase
  // Before all that is read below: a change in between is then seen by read_again().
  std::string read_from = KB_TRY(files_of(home->paths(), file));
  const std::string text = KB_TRY(read_text_file(file));
  provider::Policy policy = KB_TRY(provider::Policy::parse(text));
  provider::Trust trust = KB_TRY(home->trust());
  pki::Certificate certificate = KB_TRY(home->certificate());
  return std::unique_ptr<ProviderDesk>(new ProviderDesk{.home = std::move(home),
                                                        .policy = std::move(policy),
                                                        .trust = std::move(trust),
                                                        .certificate = std::move(certificate),
                                                        .clock = {},
                                                        .policy_file = file,
                                                        .read_from = std::move(read_from)});
}

Checked<bool> ProviderDesk::read_again() {
  std::string now = KB_TRY(files_of(home->paths(), policy_file));
  if (now == read_from) {
    return false;
  }
  const std::string text = KB_TRY(read_text_file(policy_file));
  provider::Policy new_policy = KB_TRY(provider::Policy::parse(text));
  provider::Trust new_trust = KB_TRY(home->trust());
  certificate = KB_TRY(home->certificate());
  policy = std::move(new_policy);
  trust = std::move(new_trust);
  read_from = std::move(now);
  return true;
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
