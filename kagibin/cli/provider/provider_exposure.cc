// SPDX-License-Identifier: Apache-2.0
// What to do when somebody else may know a key set or a master key of ours: a revoked CASD or
// CERT.SD by which it came, a backup that was lost, a partner who was told it. From then on nothing
// is sealed that rests on it.
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/exposed_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

struct Exposed {
  bool channel_keys = false;
  bool static_dek = false;
};

// The channel key set of this name, the static Key-DEK beside an SCP11a key of this version, or
// both. kNotFound for neither.
Checked<Exposed> expose(ProviderHome& home, const provider::DomainKeyName& name) {
  Exposed out;
  provider::ExclusiveKeys exclusive(home.journal(), home.keys());
  const auto set =
      KB_TRY(home.keys().channel_keys(name.seid, name.security_domain, name.key_version));
  if (set) {
    KB_TRY(exclusive.expose(*set));
    out.channel_keys = true;
  }
  const auto dek = KB_TRY(provider::StaticDeks(home.journal(), home.keys()).find(name));
  if (dek) {
    KB_TRY(exclusive.expose(dek->key.expose()));
    out.static_dek = true;
  }
  if (!out.channel_keys && !out.static_dek) {
    return provider::problem(
        Errc::kNotFound,
        fmt::format("We hold no channel keys and no static Key-DEK of version {:02X} for domain {} "
                    "in element {}; nothing was changed.",
                    name.key_version, name.security_domain.hex(), name.seid.hex()));
  }
  return out;
}

}  // namespace

int provider_expose_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<Exposed> {
    const provider::DomainKeyName name{.seid = KB_TRY(Seid::from_hex(options.seid)),
                                       .security_domain = KB_TRY(Aid::from_hex(options.aid)),
                                       .key_version = KB_TRY(parse_octet(options.key_version))};
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    return expose(*home, name);
  }();
  if (!done) {
    return report_problem(program, done.error(), "no keys were marked");
  }
  console.result({{"seid", options.seid},
                  {"security_domain", options.aid},
                  {"key_version", options.key_version},
                  {"channel_keys", done->channel_keys},
                  {"static_dek", done->static_dek}},
                 "Keys of version {} of domain {} in element {} count as known to others from now "
                 "on: nothing is sealed at RL3 or RL4 that rests on them. Put others at RL2, or "
                 "agree on others.",
                 options.key_version, options.aid, options.seid);
  return kExitOk;
}

int provider_expose_master_key(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  std::string before = "it was ours alone";
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    if (!home->keys().has_master_key(options.key_name)) {
      return provider::problem(
          Errc::kNotFound,
          fmt::format("There is no master key \"{}\"; nothing was marked.", options.key_name));
    }
    provider::ExposedKeys exposed(home->keys());
    if (const auto how = KB_TRY(exposed.master(options.key_name))) {
      before = sentence(options.key_name, *how);
    }
    KB_TRY(exposed.add_master(options.key_name, provider::Exposure::kStated));
    return {};
  }();
  if (!done) {
    return report_problem(program, done.error(), "no key was marked");
  }
  console.result(
      {{"master_key", options.key_name}, {"before", before}},
      "Master key \"{}\" counts as known to others (until now: {}): nothing is sealed at "
      "RL3 or RL4 that rests on a key derived from it.",
      options.key_name, before);
  return kExitOk;
}

}  // namespace kagibin::cli
