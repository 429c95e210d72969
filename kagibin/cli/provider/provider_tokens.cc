// SPDX-License-Identifier: Apache-2.0
// KEM keys of orders in a token: where new ones are made, and erasing those that are over.
#include <fmt/ranges.h>

#include "kagibin/base/clock.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/roles/service_provider/keys/kem_key_sweep.h"

namespace kagibin::cli {

using provider::Checked;

int provider_kem_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    if (options.kem_records) {
      KB_TRY(home->keys().keep_kem_keys_in_memory());
      return {};
    }
    if (KB_TRY(crypto::token::TokenUri::parse(options.kem_token)).names_key()) {
      return provider::problem(Errc::kInvalidArgument,
                               "KEM keys are many, each with a name of its own: name the token "
                               "alone, pkcs11:token=NAME?module-path=/FILE.so.");
    }
    // What cannot make and use such a key is said now, not at the next order.
    const auto token = KB_TRY(options.tokens->tokens().token(options.kem_token));
    KB_TRY(token->abilities().require_key_pairs());
    KB_TRY(token->abilities().require_agreement());
    KB_TRY(home->keys().keep_kem_keys_in(options.kem_token));
    return {};
  }();
  if (!done) {
    return report_problem(program, done.error(), "KEM keys are made where they were made before");
  }
  if (options.kem_records) {
    console.result(
        {{"kem_keys", "records"}},
        "From now on the KEM key of every attempt is an encrypted record. Those that are "
        "in a token are used there until their orders are over; then: kagibin provider "
        "erase-kem-keys.");
    return kExitOk;
  }
  console.result({{"kem_keys", options.kem_token}},
                 "From now on the KEM key of every attempt is made in {}.", options.kem_token);
  return kExitOk;
}

int provider_erase_kem_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<provider::KemKeySweep> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const SystemClock clock;
    return sweep_kem_keys(home->journal(), home->keys(), clock.now(), options.dry_run);
  }();
  if (!done) {
    return report_problem(program, done.error(), "not all of them were erased; run it again");
  }
  const std::string listed = fmt::format("{}{}{}", fmt::join(done->over, "\n"),
                                         done->over.empty() || done->orphans.empty() ? "" : "\n",
                                         fmt::join(done->orphans, "\n"));
  console.result(
      {{"erased", done->erased},
       {"over", boost::json::array(done->over.begin(), done->over.end())},
       {"orphans", boost::json::array(done->orphans.begin(), done->orphans.end())},
       {"refused", boost::json::array(done->refused.begin(), done->refused.end())}},
      "{} KEM keys of orders that are over, {} of attempts that were cut before they stood in the "
      "journal: {}.{}{}{}",
      done->over.size(), done->orphans.size(),
      options.dry_run ? std::string("nothing was erased")
                      : fmt::format("{} were still in the token and are erased", done->erased),
      options.dry_run && !listed.empty() ? "\n" : "", options.dry_run ? listed : std::string(),
      done->refused.empty()
          ? std::string()
          : fmt::format("\n{} notes of the journal were not made with this key store, and nothing "
                        "was erased by them: {}. Who wrote them?",
                        done->refused.size(), fmt::join(done->refused, ", ")));
  if (!done->failed.empty()) {
    return report_problem(
        program, provider::Problem(Errc::kIo, fmt::format("{}", fmt::join(done->failed, "\n"))),
        "those keys are still noted; run it again when their token is there");
  }
  return kExitOk;
}

}  // namespace kagibin::cli
