// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_keys.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/crypto/key_block/key_usage.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"

namespace kagibin::cli {

using provider::Checked;
using provider::KeyPurpose;

namespace {

KeyPurpose purpose_named(const std::string& kind) {
  return kind == "element-key"      ? KeyPurpose::kElementKey
         : kind == "protection-key" ? KeyPurpose::kProtectionKey
                                    : KeyPurpose::kMasterKey;
}

}  // namespace

int provider_import_key_block(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<provider::ImportedKey> {
    const std::string text = KB_TRY(read_text_file(options.file));
    const auto binding = KB_TRY(binding_of(options));
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    return import_key_block(ascii(text),
                            {.name = options.name,
                             .kbpk = options.kbpk,
                             .binding = binding,
                             .token_uri = options.token_uri},
                            home->keys());
  }();
  if (!done) {
    return report_problem(program, done.error(), "the key block was not taken");
  }
  const provider::KeyAttributes& attributes = done->attributes;
  const crypto::KeyUsage* usage = crypto::find_key_usage(attributes.key_usage);
  console.result({{"name", options.name},
                  {"kind", name(done->purpose)},
                  {"usage", attributes.key_usage},
                  {"mode_of_use", std::string(1, attributes.mode_of_use)},
                  {"key_version_number", attributes.key_version_number},
                  {"exportability", std::string(1, attributes.exportability)},
                  {"bits", done->size_bytes * 8},
                  {"check_value", to_hex(done->check_values.cmac)},
                  {"legacy_check_value", to_hex(done->check_values.legacy)}},
                 "\"{}\" is kept as {}: {} ({}), {} ({}), exportability {}, AES of {} bits, check "
                 "value {} (legacy {}). Its sender has it, too: no RL3 or RL4 rests on it.",
                 options.name, name(done->purpose), usage != nullptr ? usage->name : "",
                 attributes.key_usage, crypto::mode_name(attributes.mode_of_use),
                 attributes.mode_of_use, attributes.exportability, done->size_bytes * 8,
                 to_hex(done->check_values.cmac), to_hex(done->check_values.legacy));
  return kExitOk;
}

int provider_export_key_block(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    Bytes block = KB_TRY(export_key_block(purpose_named(options.kind), options.name, options.kbpk,
                                          home->keys(), home->rng()));
    block.push_back('\n');
    KB_TRY(crypto::write_file(options.out, block, false));
    return {};
  }();
  if (!done) {
    return report_problem(program, done.error(), "no key block was written");
  }
  console.result(
      {{"name", options.name}, {"key_block", options.out.string()}},
      "\"{}\" is in {} under the protection key \"{}\". Whoever has that key has this one: "
      "for RL3 and RL4 it counts as known to others from now on, and what is derived from "
      "it, too.",
      options.name, options.out.string(), options.kbpk);
  return kExitOk;
}

}  // namespace kagibin::cli
