// SPDX-License-Identifier: Apache-2.0
// Keys of one element that stay in a token (roles/service_provider/keys/token_element_keys.h).
#include "kagibin/cli/provider/provider_keys.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/roles/service_provider/keys/token_element_keys.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

using Take = Checked<provider::TokenElementKey> (*)(const provider::TokenElementKeyPlan& plan,
                                                    const KeyOptions& options,
                                                    provider::KeyStore& keys);

Checked<provider::TokenElementKey> create(const provider::TokenElementKeyPlan& plan,
                                          const KeyOptions& options,
                                          provider::KeyStore& keys) {
  return create_token_element_key(plan, static_cast<std::size_t>(options.size), keys);
}

Checked<provider::TokenElementKey> import(const provider::TokenElementKeyPlan& plan,
                                          const KeyOptions& options,
                                          provider::KeyStore& keys) {
  const SecretBytes key = KB_TRY(hex_key(options.file));
  return put_token_element_key(plan, key, keys);
}

int take_key(const Program& program, const KeyOptions& options, Take take) {
  Console console = program.console();
  const auto done = [&]() -> Checked<provider::TokenElementKey> {
    const auto binding = KB_TRY(binding_of(options));
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    return take({.name = options.name,
                 .place = options.tokens->with_generate(options.place),
                 .binding = *binding},
                options, home->keys());
  }();
  if (!done) {
    return report_problem(program, done.error(), "no key was made or put into a token");
  }
  console.result({{"name", options.name},
                  {"token", done->key.uri},
                  {"bits", done->key.size_bytes * 8},
                  {"kcv", to_hex(done->kcv())},
                  {"seid", done->binding.seid.hex()},
                  {"target", done->binding.target.hex()}},
                 "\"{}\" is in the token, AES of {} bits, check value (KCV) {}, for target {} of "
                 "element {}. Whoever has the token's PIN can have the token wrap it.",
                 options.name, done->key.size_bytes * 8, to_hex(done->kcv()),
                 done->binding.target.hex(), done->binding.seid.hex());
  return kExitOk;
}

}  // namespace

int provider_element_key_create(const Program& program, const KeyOptions& options) {
  return take_key(program, options, create);
}

int provider_element_key_import(const Program& program, const KeyOptions& options) {
  return take_key(program, options, import);
}

}  // namespace kagibin::cli
