// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/terms.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/envelope/suite.h"

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
                   fmt::format("{} RL0 protects from nobody and is never delivered; name RL1 (with "
                               "accept_rl1) or higher.",
                               in.path_of("minimum_level")));
  }
  return problem(Errc::kValue, fmt::format("{} has to be RL1, RL2, RL3, RL4 or OS.",
                                           in.path_of("minimum_level")));
}

Checked<void> parse_rl1(Members& in, Terms& terms) {
  if (terms.minimum_level != 1) {
    if (in.has("accept_rl1") || in.has("issuer_is_carrier")) {
      return problem(
          Errc::kValue,
          fmt::format("{} and issuer_is_carrier say something about RL1, but "
                      "minimum_level is {}: take them out or lower the level.",
                      in.path_of("accept_rl1"), envelope::relay_level_name(terms.minimum_level)));
    }
    return {};
  }
  if (!in.has("accept_rl1") || !in.has("issuer_is_carrier")) {
    return problem(Errc::kPolicy,
                   fmt::format("At RL1 the issuer of the element together with the device or the "
                               "carrier can read the key. To accept that, state {} with the "
                               "reason and {}; otherwise name a higher minimum_level.",
                               in.path_of("accept_rl1"), in.path_of("issuer_is_carrier")));
  }
  terms.accept_rl1 = KB_TRY(in.text("accept_rl1"));
  terms.issuer_is_carrier = KB_TRY(in.boolean("issuer_is_carrier"));
  if (terms.issuer_is_carrier) {
    return problem(Errc::kPolicy,
                   fmt::format("{} is true: one company is both issuer and carrier and could read "
                               "every key delivered at RL1 by itself. Name RL2 or higher as "
                               "minimum_level.",
                               in.path_of("issuer_is_carrier")));
  }
  return {};
}

Checked<std::vector<std::uint8_t>> parse_suites(Members& in) {
  std::vector<std::uint8_t> out;
  for (const auto& value : *KB_TRY(in.array("suites"))) {
    const auto octets = value.is_string() ? from_hex(value.get_string()) : std::nullopt;
    if (!octets || octets->size() != 1) {
      return problem(Errc::kValue, fmt::format("{} lists suites as two hexadecimal digits each.",
                                               in.path_of("suites")));
    }
    const auto info = envelope::suite_info(octets->front());
    if (!info) {
      return problem(info.error().code, fmt::format("{}: {:02X}: {}.", in.path_of("suites"),
                                                    octets->front(), info.error().detail.text()));
    }
    if (std::ranges::find(out, octets->front()) != out.end()) {
      return problem(Errc::kConflict,
                     fmt::format("{} names {:02X} twice.", in.path_of("suites"), octets->front()));
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
          fmt::format(
              "{}: ATT-0 is a certificate by an operator, who could then read every key; it "
              "is for laboratories and not accepted here. Use ATT-1 or ATT-2.",
              in.path_of("attestation_profiles")));
    }
    if (name != "ATT-1" && name != "ATT-2") {
      return problem(Errc::kValue,
                     fmt::format("{} lists \"ATT-1\", for elements whose maker certified the key "
                                 "delivery application, \"ATT-2\", for those whose CASD attests "
                                 "it, or both.",
                                 in.path_of("attestation_profiles")));
    }
    out.insert(name == "ATT-1" ? pki::AttestationProfile::kAtt1 : pki::AttestationProfile::kAtt2);
  }
  return out;
}

Checked<void> parse_optional(Members& in, Terms& terms) {
  if (in.has("required_i_mask")) {
    terms.required_i_mask = KB_TRY(in.hex_octet("required_i_mask"));
  }
  if (in.has("keep_enrolment_minutes")) {
    terms.keep_enrolment_minutes =
        KB_TRY(in.number("keep_enrolment_minutes", 1, kMaxValidityMinutes));
  }
  return {};
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
                     fmt::format("{} lists SHA-256 values of 64 hexadecimal digits each.",
                                 in.path_of("kda_code_hashes")));
    }
    out.insert(*digest);
  }
  return out;
}

}  // namespace

Checked<Terms> Terms::parse(Members& in) {
  Terms out;
  out.path = in.path();
  out.minimum_level = KB_TRY(parse_level(in));
  KB_TRY(parse_rl1(in, out));
  out.suites = KB_TRY(parse_suites(in));
  out.attestation_profiles = KB_TRY(parse_attestation(in));
  out.kda_code_hashes = KB_TRY(parse_code_hashes(in));
  out.maximum_validity_minutes =
      KB_TRY(in.number("maximum_validity_minutes", 1, kMaxValidityMinutes));
  KB_TRY(parse_optional(in, out));
  return out;
}

Checked<Terms> Terms::replaced_by(Members& in) const {
  Terms out = *this;
  out.path = in.path();
  if (in.has("minimum_level")) {
    out.minimum_level = KB_TRY(parse_level(in));
    out.accept_rl1.reset();
    out.issuer_is_carrier = true;
    KB_TRY(parse_rl1(in, out));
  }
  if (in.has("suites")) {
    out.suites = KB_TRY(parse_suites(in));
  }
  if (in.has("attestation_profiles")) {
    out.attestation_profiles = KB_TRY(parse_attestation(in));
  }
  if (in.has("kda_code_hashes")) {
    out.kda_code_hashes = KB_TRY(parse_code_hashes(in));
  }
  if (in.has("maximum_validity_minutes")) {
    out.maximum_validity_minutes =
        KB_TRY(in.number("maximum_validity_minutes", 1, kMaxValidityMinutes));
  }
  KB_TRY(parse_optional(in, out));
  return out;
}

Checked<void> Terms::allow(const SealingTerms& asked) const {
  if (asked.level < minimum_level) {
    return problem(
        Errc::kPolicy,
        fmt::format("{}, the policy asks for {}; nothing was sealed. {}{}An element that offers "
                    "{} would do, or a policy that accepts less.",
                    asked.level == 0
                        ? std::string("The element offers no relay level that can be used here")
                        : fmt::format("The element's best relay level here is {}",
                                      envelope::relay_level_name(asked.level)),
                    envelope::relay_level_name(minimum_level), asked.remedy,
                    asked.remedy.empty() ? "" : " ", envelope::relay_level_name(minimum_level)));
  }
  const auto suite = envelope::suite_info(asked.suite);
  if (minimum_level == kRl4 && asked.level > kRl4 && !(suite && suite->is_hybrid())) {
    return problem(
        Errc::kPolicy,
        fmt::format("The policy asks for RL4, which holds against a quantum computer, too; "
                    "OS does in suites 20 and 21 alone, and this order is in {:02X}. "
                    "Nothing was sealed. Order in one of those, or name another "
                    "minimum_level.",
                    asked.suite));
  }
  if (asked.level == 1 && (!accept_rl1 || issuer_is_carrier)) {
    return problem(Errc::kPolicy,
                   "The policy does not accept RL1; nothing was sealed. State accept_rl1 with a "
                   "reason and issuer_is_carrier false, or deliver at a higher level.");
  }
  if (std::ranges::find(suites, asked.suite) == suites.end()) {
    return problem(
        Errc::kPolicy,
        fmt::format("Suite {:02X} is not among {}.suites ({:02X}); nothing was "
                    "sealed. Put it there if it is good enough, or order again in one of "
                    "these.",
                    asked.suite, path, fmt::join(suites, ", ")));
  }
  if (!attestation_profiles.contains(asked.attestation)) {
    return problem(
        Errc::kPolicy,
        fmt::format("The element's key is attested by ATT-{}, which is not among "
                    "{}.attestation_profiles; nothing was sealed. {}",
                    static_cast<int>(asked.attestation), path, what_lifts(asked.attestation)));
  }
  if (!kda_code_hashes.contains(asked.code_hash)) {
    return problem(Errc::kPolicy,
                   fmt::format("The element runs a key delivery application with code hash {}, "
                               "which is not on the allow-list; nothing was sealed. Add it to "
                               "{}.kda_code_hashes only if you know that release.",
                               to_hex(asked.code_hash), path));
  }
  if (asked.validity_minutes > maximum_validity_minutes) {
    return problem(Errc::kPolicy,
                   fmt::format("The envelope would be valid for {} minutes, the policy allows {}; "
                               "nothing was sealed. Ask for a shorter validity.",
                               asked.validity_minutes, maximum_validity_minutes));
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
