// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/relay_choice.h"

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "kagibin/envelope/suite.h"

namespace kagibin::roles::service_provider {

namespace {

using envelope::RelayLevel;

constexpr std::string_view kForRl3 =
    "RL3 needs a key set that we alone know: agreed on with the domain (kagibin provider "
    "agree-keys), or put into it by a confirmed order at RL2 or above. One that a manager "
    "exported, of which a key was ever sealed at RL1, or that came or went as a key block or is "
    "derived from such a master key, is none.";

constexpr std::string_view kForRl4 =
    "RL4 needs suite 20 or 21, payload.channel.agreement_key_version, and beside that key a static "
    "Key-DEK (key identifier 12) that we alone know: put there by a confirmed order at RL3. Every "
    "key of the payload has to be under it: in put_key, or in store_data with under_key_dek.";
constexpr std::string_view kForOs =
    "OS needs a domain whose own OS opens envelopes, made so by the element's maker, and a payload "
    "that says own_delivery.";

bool offers(const RelayFacts& facts, RelayLevel level) {
  const auto info = envelope::relay_level_info(std::to_underlying(level));
  return info && (facts.offered & info->bitmap_bit) != 0;
}

std::string for_rl2(const RelayFacts& facts) {
  if (!offers(facts, RelayLevel::kRl2)) {
    return "For RL2 the target needs a CERT.SD of the controlling authority that names this "
           "element and us, which its agent reads and hands in, and the key delivery application a "
           "CERT.OCE of its maker.";
  }
  return "The element offers RL2: name payload.channel.agreement_key_version, the version of the "
         "domain's SCP11a key.";
}

// What to do where a master key is why, a sentence before which a blank stands; or nothing.
std::string exposed(const RelayFacts& facts, bool is_dek_wanted) {
  const std::string& why = is_dek_wanted && !facts.why_dek_exposed.empty() ? facts.why_dek_exposed
                                                                           : facts.why_keys_exposed;
  if (why.empty()) {
    return {};
  }
  return fmt::format(
      " The {} of this payload does not count: {}. Make a master key that stays here (kagibin "
      "provider master-key create), and put keys of that into the domain at RL2 or above.",
      &why == &facts.why_dek_exposed ? "static Key-DEK" : "key set", why);
}

std::string remedy_for(const RelayFacts& facts) {
  if (facts.own_delivery || facts.minimum_level == std::to_underlying(RelayLevel::kOs)) {
    return std::string(kForOs);
  }
  if (facts.minimum_level > std::to_underlying(RelayLevel::kRl3)) {
    return std::string(kForRl4).append(exposed(facts, true));
  }
  return facts.minimum_level > std::to_underlying(RelayLevel::kRl2)
             ? std::string(kForRl3).append(exposed(facts, false))
             : fmt::format("{} {}{}", for_rl2(facts), kForRl3, exposed(facts, false));
}

// What `facts` has, whatever is offered, the best first. A policy that asks for RL2 by name gets
// RL2 where the payload names the domain's SCP11a key: its sessions stay closed when keys leak
// later, and a device that hides CERT.SD must not choose for us. RL3 is then for who asks for RL3.
std::vector<RelayLevel> within_reach(const RelayFacts& facts) {
  if (facts.own_delivery) {
    return {RelayLevel::kOs};
  }
  const bool by_certificates = facts.agreement_key_version && !facts.has_static_dek;
  const bool is_rl3_asked_for = facts.minimum_level > std::to_underlying(RelayLevel::kRl2);
  const bool is_rl2_asked_for = facts.minimum_level == std::to_underlying(RelayLevel::kRl2);
  std::vector<RelayLevel> out;
  if (by_certificates) {
    out.push_back(RelayLevel::kRl2);
  }
  if (facts.has_exclusive_keys && !(by_certificates && is_rl2_asked_for)) {
    out.insert(is_rl3_asked_for ? out.begin() : out.end(), RelayLevel::kRl3);
  }
  if (facts.agreement_key_version && facts.has_exclusive_dek && facts.is_hybrid &&
      !facts.key_under_session_alone) {
    out.insert(out.begin(), RelayLevel::kRl4);
  }
  out.push_back(RelayLevel::kRl1);
  return out;
}

}  // namespace

RelayChoice choose_relay(const RelayFacts& facts) {
  for (const RelayLevel level : within_reach(facts)) {
    if (offers(facts, level)) {
      const bool is_enough =
          level != RelayLevel::kRl1 && std::to_underlying(level) >= facts.minimum_level;
      return {.level = std::to_underlying(level),
              .remedy = is_enough ? std::string() : remedy_for(facts)};
    }
  }
  return {.level = 0, .remedy = remedy_for(facts)};
}

Checked<std::uint8_t> highest_level(const RelayFacts& facts) {
  const std::uint8_t best = std::to_underlying(within_reach(facts).front());
  if (best < facts.minimum_level) {
    const bool is_rl2_enough = facts.minimum_level <= std::to_underlying(RelayLevel::kRl2);
    const bool is_rl3_enough = facts.minimum_level <= std::to_underlying(RelayLevel::kRl3);
    return problem(
        Errc::kPolicy,
        fmt::format("The policy asks for {}, and the payload can be sealed at RL{} at "
                    "best. {}{}{}",
                    envelope::relay_level_name(facts.minimum_level), best,
                    is_rl2_enough ? "For RL2 name payload.channel.agreement_key_version, "
                                    "the version of the domain's SCP11a key. "
                                  : "",
                    facts.minimum_level == std::to_underlying(RelayLevel::kOs) ? kForOs
                    : is_rl3_enough                                            ? kForRl3
                                                                               : kForRl4,
                    exposed(facts, !is_rl3_enough)));
  }
  return best;
}

}  // namespace kagibin::roles::service_provider
