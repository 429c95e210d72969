// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/policy.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/members.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::uint32_t kMaxValidityMinutes = 1'000'000;
constexpr std::uint8_t kRl4 = 4;

Checked<std::uint8_t> parse_level(Members& in) {
  const std::string name = KB_TRY(in.text("minimum_level"));
  if (name.size() == 3 && name.starts_with("RL") && name[2] >= '1' && name[2] <= '4') {
    return static_cast<std::uint8_t>(name[2] - '0');
  }
  if (name == "OS") {
    return std::to_underlying(envelope::RelayLevel::kOs);
  }
  if (name == "RL0") {
    return problem(Errc::kPolicy,
                   "policy.minimum_level RL0 protects from nobody and is never delivered; name RL1 "
                   "(with accept_rl1) or higher.");
  }
  return problem(Errc::kValue, "policy.minimum_level has to be RL1, RL2, RL3, RL4 or OS.");
}

Checked<void> parse_rl1(Members& in, Policy& policy) {
  if (policy.minimum_level != 1) {
    if (in.has("accept_rl1") || in.has("issuer_is_carrier")) {
      return problem(Errc::kValue,
                     fmt::format("policy.accept_rl1 and issuer_is_carrier say something about RL1, "
                                 "but minimum_level is {}: take them out or lower the level.",
                                 envelope::relay_level_name(policy.minimum_level)));
    }
    return {};
  }
  if (!in.has("accept_rl1") || !in.has("issuer_is_carrier")) {
    return problem(Errc::kPolicy,
                   "At RL1 the issuer of the element together with the device or the carrier can "
                   "read the key. To accept that, state policy.accept_rl1 with the reason and "
                   "policy.issuer_is_carrier; otherwise name a higher minimum_level.");
  }
  policy.accept_rl1 = KB_TRY(in.text("accept_rl1"));
  policy.issuer_is_carrier = KB_TRY(in.boolean("issuer_is_carrier"));
  if (policy.issuer_is_carrier) {
    return problem(Errc::kPolicy,
                   "policy.issuer_is_carrier is true: one company is both issuer and carrier and "
                   "could read every key delivered at RL1 by itself. Name RL2 or higher as "
                   "minimum_level.");
  }
  return {};
}

Checked<std::vector<std::uint8_t>> parse_suites(Members& in) {
  std::vector<std::uint8_t> out;
  for (const auto& value : *KB_TRY(in.array("suites"))) {
    const auto octets = value.is_string() ? from_hex(value.get_string()) : std::nullopt;
    if (!octets || octets->size() != 1) {
      return problem(Errc::kValue, "policy.suites lists suites as two hexadecimal digits each.");
    }
    const auto info = envelope::suite_info(octets->front());
    if (!info) {
      return problem(info.error().code, fmt::format("policy.suites: {:02X}: {}.", octets->front(),
                                                    info.error().detail.text()));
    }
    if (std::ranges::find(out, octets->front()) != out.end()) {
      return problem(Errc::kConflict,
                     fmt::format("policy.suites names {:02X} twice.", octets->front()));
    }
    out.push_back(octets->front());
  }
  return out;
}

Checked<std::set<pki::AttestationProfile>> parse_attestation(Members& in) {
  std::set<pki::AttestationProfile> out;
  for (const auto& value : *KB_TRY(in.array("attestation_profiles"))) {
    const std::string_view name = value.is_string() ? std::string_view(value.get_string()) : "";
    if (name == "ATT-0") {
      return problem(
          Errc::kPolicy,
          "policy.attestation_profiles: ATT-0 is a certificate by an operator, who could "
          "then read every key; it is for laboratories and not accepted here. Use ATT-1 or ATT-2.");
    }
    if (name != "ATT-1" && name != "ATT-2") {
      return problem(Errc::kValue,
                     "policy.attestation_profiles lists \"ATT-1\", for elements whose maker "
                     "certified the key delivery application, \"ATT-2\", for those whose CASD "
                     "attests it, or both.");
    }
    out.insert(name == "ATT-1" ? pki::AttestationProfile::kAtt1 : pki::AttestationProfile::kAtt2);
  }
  return out;
}

std::string_view what_lifts(pki::AttestationProfile attestation) {
  switch (attestation) {
    case pki::AttestationProfile::kAtt1:
      return "Name ATT-1 there if the maker's word about the application is enough.";
    case pki::AttestationProfile::kAtt2:
      return "Name ATT-2 there if applications that were loaded in the field are to be served on "
             "the word of the element's CASD, or use an element whose maker certified its own.";
    case pki::AttestationProfile::kAtt0:
      break;
  }
  return "Use an element whose maker certified its application.";
}

Checked<std::set<crypto::Digest256>> parse_code_hashes(Members& in) {
  std::set<crypto::Digest256> out;
  for (const auto& value : *KB_TRY(in.array("kda_code_hashes"))) {
    const auto octets = value.is_string() ? from_hex(value.get_string()) : std::nullopt;
    const auto digest = octets ? to_array<32>(*octets) : std::nullopt;
    if (!digest) {
      return problem(Errc::kValue,
                     "policy.kda_code_hashes lists SHA-256 values of 64 hexadecimal digits each.");
    }
    out.insert(*digest);
  }
  return out;
}

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

}  // namespace

Checked<Policy> Policy::parse(std::string_view text) {
  const boost::json::value value = KB_TRY(parse_strict(text, "policy"));
  Members in = KB_TRY(Members::of(value, "policy"));
  Policy policy;
  policy.minimum_level = KB_TRY(parse_level(in));
  KB_TRY(parse_rl1(in, policy));
  policy.suites = KB_TRY(parse_suites(in));
  policy.attestation_profiles = KB_TRY(parse_attestation(in));
  policy.kda_code_hashes = KB_TRY(parse_code_hashes(in));
  policy.elements = KB_TRY(parse_elements(in));
  policy.maximum_validity_minutes =
      KB_TRY(in.number("maximum_validity_minutes", 1, kMaxValidityMinutes));
  if (in.has("required_i_mask")) {
    policy.required_i_mask = KB_TRY(in.hex_octet("required_i_mask"));
  }
  if (in.has("keep_enrolment_minutes")) {
    policy.keep_enrolment_minutes =
        KB_TRY(in.number("keep_enrolment_minutes", 1, kMaxValidityMinutes));
  }
  KB_TRY(in.finish());
  return policy;
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

Checked<void> Policy::allow_sealing(const SealingQuestion& question) const {
  const Seid bound = KB_TRY(element_of(question.device));
  if (bound != question.seid) {
    return problem(Errc::kPolicy,
                   fmt::format("Device {} answered with element {}, but the policy binds it to {}; "
                               "nothing was sealed. If the user changed elements, correct "
                               "policy.elements.",
                               question.device, question.seid.hex(), bound.hex()));
  }
  if (question.level < minimum_level) {
    return problem(
        Errc::kPolicy,
        fmt::format("{}, the policy asks for {}; nothing was sealed. {}{}An element that offers "
                    "{} would do, or a policy that accepts less.",
                    question.level == 0
                        ? std::string("The element offers no relay level that can be used here")
                        : fmt::format("The element's best relay level here is {}",
                                      envelope::relay_level_name(question.level)),
                    envelope::relay_level_name(minimum_level), question.remedy,
                    question.remedy.empty() ? "" : " ", envelope::relay_level_name(minimum_level)));
  }
  const auto suite = envelope::suite_info(question.suite);
  if (minimum_level == kRl4 && question.level > kRl4 && !(suite && suite->is_hybrid())) {
    return problem(
        Errc::kPolicy,
        fmt::format("The policy asks for RL4, which holds against a quantum computer, too; "
                    "OS does in suites 20 and 21 alone, and this order is in {:02X}. "
                    "Nothing was sealed. Order in one of those, or name another "
                    "minimum_level.",
                    question.suite));
  }
  if (question.level == 1 && (!accept_rl1 || issuer_is_carrier)) {
    return problem(Errc::kPolicy,
                   "The policy does not accept RL1; nothing was sealed. State accept_rl1 with a "
                   "reason and issuer_is_carrier false, or deliver at a higher level.");
  }
  if (std::ranges::find(suites, question.suite) == suites.end()) {
    return problem(
        Errc::kPolicy,
        fmt::format("Suite {:02X} is not among policy.suites ({:02X}); nothing was "
                    "sealed. Put it there if it is good enough, or order again in one of "
                    "these.",
                    question.suite, fmt::join(suites, ", ")));
  }
  if (!attestation_profiles.contains(question.attestation)) {
    return problem(
        Errc::kPolicy,
        fmt::format("The element's key is attested by ATT-{}, which is not among "
                    "policy.attestation_profiles; nothing was sealed. {}",
                    static_cast<int>(question.attestation), what_lifts(question.attestation)));
  }
  if (!kda_code_hashes.contains(question.code_hash)) {
    return problem(Errc::kPolicy,
                   fmt::format("The element runs a key delivery application with code hash {}, "
                               "which is not on the allow-list; nothing was sealed. Add it to "
                               "policy.kda_code_hashes only if you know that release.",
                               to_hex(question.code_hash)));
  }
  if (question.validity_minutes > maximum_validity_minutes) {
    return problem(Errc::kPolicy,
                   fmt::format("The envelope would be valid for {} minutes, the policy allows {}; "
                               "nothing was sealed. Ask for a shorter validity.",
                               question.validity_minutes, maximum_validity_minutes));
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
