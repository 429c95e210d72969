// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/relay_choice.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/envelope/suite.h"

namespace kagibin::roles::service_provider {

namespace {

bool offers(const RelayFacts& facts, envelope::RelayLevel level) {
  const auto info = envelope::relay_level_info(std::to_underlying(level));
  return info && (facts.offered & info->bitmap_bit) != 0;
}

std::string remedy_for(const RelayFacts& facts) {
  if (!offers(facts, envelope::RelayLevel::kRl2)) {
    return "For RL2 the target needs a CERT.SD of the controlling authority that names this "
           "element and us, which its agent reads and hands in, and the key delivery application a "
           "CERT.OCE of its maker.";
  }
  return "The element offers RL2: name payload.channel.agreement_key_version, the version of the "
         "domain's SCP11a key.";
}

}  // namespace

RelayChoice choose_relay(const RelayFacts& facts) {
  if (offers(facts, envelope::RelayLevel::kRl2) && facts.agreement_key_version) {
    return {.level = std::to_underlying(envelope::RelayLevel::kRl2), .remedy = {}};
  }
  const bool any = offers(facts, envelope::RelayLevel::kRl1);
  return {.level = any ? std::to_underlying(envelope::RelayLevel::kRl1) : std::uint8_t{0},
          .remedy = remedy_for(facts)};
}

Checked<std::uint8_t> highest_level(std::optional<std::uint8_t> agreement_key_version,
                                    std::uint8_t minimum_level) {
  const auto built = envelope::relay_level_info(minimum_level);
  if (!built) {
    return problem(Errc::kPolicy,
                   fmt::format("The policy asks for RL{}, which is not built yet: nothing would be "
                               "sealed. RL1 and RL2 are built.",
                               minimum_level));
  }
  const auto highest =
      agreement_key_version ? envelope::RelayLevel::kRl2 : envelope::RelayLevel::kRl1;
  if (std::to_underlying(highest) < minimum_level) {
    return problem(Errc::kPolicy,
                   fmt::format("The policy asks for RL{}, and the payload can be sealed at RL1 "
                               "alone: name payload.channel.agreement_key_version, the version of "
                               "the domain's SCP11a key.",
                               minimum_level));
  }
  return std::to_underlying(highest);
}

}  // namespace kagibin::roles::service_provider
