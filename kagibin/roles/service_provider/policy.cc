// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/policy.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/members.h"

namespace kagibin::roles::service_provider {
namespace {

Checked<std::map<std::string, Seid, std::less<>>> parse_elements(Members& in) {
  std::map<std::string, Seid, std::less<>> out;
  std::set<Seid> seen;
  std::size_t index = 0;
  for (const auto& value : *KB_TRY(in.array("elements"))) {
    Members entry =
        KB_TRY(Members::of(value, fmt::format("{}[{}]", in.path_of("elements"), index++)));
    const std::string device = KB_TRY(entry.text("device"));
    const Bytes octets = KB_TRY(entry.hex("seid", 16, 16));
    KB_TRY(entry.finish());
    const Seid seid = *Seid::from(octets);
    if (!out.emplace(device, seid).second || !seen.insert(seid).second) {
      return problem(Errc::kConflict,
                     fmt::format("{}: device {} or element {} is bound twice; one device has one "
                                 "element.",
                                 entry.path(), device, seid.hex()));
    }
  }
  return out;
}

Checked<std::map<Aid, Terms>> parse_targets(Members& in, const Terms& general) {
  std::map<Aid, Terms> out;
  std::size_t index = 0;
  for (const auto& value : *KB_TRY(in.array("targets"))) {
    Members entry =
        KB_TRY(Members::of(value, fmt::format("{}[{}]", in.path_of("targets"), index++)));
    const Aid target = KB_TRY(entry.aid("aid"));
    Terms terms = KB_TRY(general.replaced_by(entry));
    KB_TRY(entry.finish());
    if (!out.emplace(target, std::move(terms)).second) {
      return problem(Errc::kConflict,
                     fmt::format("{}: target {} is named twice; put its terms into "
                                 "one entry.",
                                 entry.path(), target.hex()));
    }
  }
  return out;
}

}  // namespace

Checked<Policy> Policy::parse(std::string_view text) {
  const boost::json::value value = KB_TRY(parse_strict(text, "policy"));
  Members in = KB_TRY(Members::of(value, "policy"));
  Policy policy;
  static_cast<Terms&>(policy) = KB_TRY(Terms::parse(in));
  policy.elements = KB_TRY(parse_elements(in));
  if (in.has("targets")) {
    policy.targets = KB_TRY(parse_targets(in, policy));
  }
  if (in.has("token_only")) {
    policy.token_only = KB_TRY(in.boolean("token_only"));
  }
  KB_TRY(in.finish());
  return policy;
}

const Terms& Policy::terms_for(const Aid& target) const {
  const auto found = targets.find(target);
  return found == targets.end() ? *this : found->second;
}

Checked<Seid> Policy::element_of(std::string_view device) const {
  const auto found = elements.find(device);
  if (found == elements.end()) {
    return problem(Errc::kPolicy,
                   fmt::format("The policy binds no element to device {}; nothing was ordered. Add "
                               "the pair to policy.elements once you know which element the user "
                               "holds.",
                               device));
  }
  return found->second;
}

std::unexpected<Problem> Policy::refuse_clear_keys(std::string_view nothing_was) {
  return problem(
      Errc::kPolicy,
      fmt::format("policy.token_only is set, and this envelope has keys in it that would be in the "
                  "clear in this process while it is sealed; nothing was {}. At RL2 and OS, keys "
                  "that are in a token (kagibin provider element-key) are sealed there by a "
                  "put_key, and deletions of keys have none; for anything else take token_only "
                  "out, if what doc/key_policies.md says is good enough.",
                  nothing_was));
}

Checked<void> Policy::allow_sealing(const SealingQuestion& question) const {
  const Seid bound = KB_TRY(element_of(question.device));
  if (bound != question.seid) {
    return problem(Errc::kPolicy,
                   fmt::format("Device {} answered with element {}, but the policy binds it to {}; "
                               "nothing was sealed. If the user changed elements, correct "
                               "policy.elements.",
                               question.device, question.seid.hex(), bound.hex()));
  }
  const bool has_channel_keys =
      question.how.level != std::to_underlying(envelope::RelayLevel::kRl2) &&
      question.how.level != std::to_underlying(envelope::RelayLevel::kOs);
  if (token_only && (question.puts_values || has_channel_keys)) {
    return refuse_clear_keys("sealed");
  }
  return terms_for(question.target).allow(question.how);
}

}  // namespace kagibin::roles::service_provider
