// SPDX-License-Identifier: Apache-2.0
// KEM keys of orders in a token: where new ones are made, and erasing those that are over.
#include <map>
#include <set>

#include "kagibin/base/clock.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

constexpr std::uint32_t kMaxListed = 100'000;

}  // namespace

int provider_kem_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
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
  console.result({{"kem_keys", options.kem_token}},
                 "From now on the KEM key of every attempt is made in {}.", options.kem_token);
  return kExitOk;
}

int provider_erase_kem_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<int> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const provider::KeyStore& keys = home->keys();
    const SystemClock clock;
    const auto orders = KB_TRY(home->journal().orders(std::nullopt, kMaxListed));
    std::map<std::string, SecretBytes> in_token;
    std::set<std::string> in_use;
    const auto note = [&](SecretBytes record, bool is_used) -> Checked<void> {
      if (crypto::is_place_in_token(record.expose())) {
        const std::string uri = KB_TRY(crypto::token_uri_of(record.expose()));
        if (is_used) {
          in_use.insert(uri);
        }
        in_token.insert_or_assign(uri, std::move(record));
      }
      return {};
    };
    for (const delivery::JournalOrder& order : orders) {
      // After notAfter no receipt is believed, and none needs the key.
      const bool is_open = clock.now() <= order.not_after;
      for (delivery::AttemptNumber number = 1; number <= order.current_attempt; ++number) {
        const auto attempt = KB_TRY(home->journal().find_attempt(order.id, number));
        if (attempt) {
          SecretBytes record =
              KB_TRY(keys.unseal(provider::kem_label(order.id, number), attempt->sealed_kem_key));
          KB_TRY(note(std::move(record), is_open));
        }
      }
      // An enrolment that waits for the next order opens with the key of the one before.
      const auto waiting =
          KB_TRY(provider::WaitingEnrolments(home->journal()).find(order.seid, order.target));
      if (waiting) {
        SecretBytes record = KB_TRY(keys.unseal(provider::waiting_label(order.seid, order.target),
                                                waiting->sealed_kem_key));
        KB_TRY(note(std::move(record), true));
      }
    }
    int erased = 0;
    for (const auto& [uri, record] : in_token) {
      if (!in_use.contains(uri)) {
        erased += KB_TRY(keys.erase_kem_key_in_token(record.expose())) ? 1 : 0;
      }
    }
    return erased;
  }();
  if (!done) {
    return report_problem(program, done.error(), "not all of them were erased; run it again");
  }
  console.result({{"erased", *done}}, "{} KEM keys of orders that are over were erased.", *done);
  return kExitOk;
}

}  // namespace kagibin::cli
