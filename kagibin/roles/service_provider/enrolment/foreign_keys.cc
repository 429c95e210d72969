// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/enrolment/foreign_keys.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

namespace kagibin::roles::service_provider {

namespace {

constexpr std::uint8_t kLastVersion = 0x7F;
constexpr std::uint8_t kFirstChannelKey = 0x01;  // Key-ENC; Key-MAC and Key-DEK follow
constexpr std::size_t kChannelKeys = 3;

bool removes(const envelope::Action& action, std::uint8_t version) {
  if (const auto* gone = std::get_if<envelope::DeleteKeyAction>(&action)) {
    return gone->key_version == version;
  }
  const auto* put = std::get_if<envelope::PutKeyAction>(&action);
  return put != nullptr && put->old_key_version == version &&
         put->first_key_identifier == kFirstChannelKey && put->keys.size() == kChannelKeys;
}

// An export and what went out at RL1 are exposed: what is not came into the domain from us.
Result<bool> is_ours(const OwnDomainKeys& domain, std::uint8_t version) {
  const auto set = KB_TRY(domain.keys.channel_keys(domain.seid, domain.domain, version));
  if (!set) {
    return false;
  }
  for (const SecretBytes* key : {&set->enc, &set->mac, &set->dek}) {
    if (KB_TRY(domain.exclusive.is_exposed(key->expose()))) {
      return false;
    }
  }
  return true;
}

Result<bool> has_ours(const OwnDomainKeys& domain, std::uint8_t highest_version) {
  if (KB_TRY(is_ours(domain, highest_version))) {
    return true;
  }
  for (std::uint8_t version = 1; version <= kLastVersion; ++version) {
    if (KB_TRY(is_ours(domain, version))) {
      return true;
    }
  }
  return false;
}

}  // namespace

Checked<void> check_foreign_keys(const OwnDomainKeys& domain,
                                 std::uint8_t highest_version,
                                 std::span<const envelope::Action> actions) {
  const bool is_removed = std::ranges::any_of(
      actions, [highest_version](const auto& action) { return removes(action, highest_version); });
  if (highest_version == 0 || is_removed || KB_TRY(has_ours(domain, highest_version))) {
    return {};
  }
  return problem(
      Errc::kPolicy,
      fmt::format("Domain {} of element {} has keys of version {:02X}, and we know no "
                  "channel key set there that is ours alone: they may be the manager's, "
                  "whose keys open a domain that has none. Nothing was sealed; end the "
                  "payload by a delete_key of that version, or have its put_key of three "
                  "keys replace it, or ask the manager to take it out.",
                  domain.domain.hex(), domain.seid.hex(), highest_version));
}

}  // namespace kagibin::roles::service_provider
