// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "tests/attack/named/named_attack.h"

namespace kagibin::attack {

void Finding::tried(std::string what, bool is_stopped, std::string how) {
  facts.push_back({std::move(what), std::move(how), Fact::Kind::kTry, is_stopped});
}

void Finding::control(std::string what, bool succeeded, std::string how) {
  facts.push_back({std::move(what), std::move(how), Fact::Kind::kControl, succeeded});
}

void Finding::open(std::string what, bool is_as_known, std::string how) {
  facts.push_back({std::move(what), std::move(how), Fact::Kind::kOpen, is_as_known});
}

void Finding::look(std::string what, std::string how) {
  facts.push_back({std::move(what), std::move(how), Fact::Kind::kLook, true});
}

bool Finding::is_stopped() const {
  return std::ranges::all_of(
      facts, [](const Fact& one) { return one.kind == Fact::Kind::kControl || one.is_right; });
}

bool Finding::is_open() const {
  return std::ranges::any_of(facts, [](const Fact& one) { return one.kind == Fact::Kind::kOpen; });
}

bool Finding::is_earnest() const {
  const auto is_try = [](const Fact& one) { return one.kind == Fact::Kind::kTry; };
  const auto is_control = [](const Fact& one) { return one.kind == Fact::Kind::kControl; };
  return std::ranges::any_of(facts, is_try) && std::ranges::any_of(facts, is_control) &&
         std::ranges::all_of(facts,
                             [&](const Fact& one) { return !is_control(one) || one.is_right; });
}

std::span<const NamedAttack> named_attacks() {
  static constexpr std::array<NamedAttack, 19> kAll = {{
      {"forge", "envelopes, receipts, statements and lists signed by somebody else", forge},
      {"replay", "every message of a delivery once more", replay},
      {"roll-back", "an older envelope after a newer one, an older receipt after a newer one",
       roll_back},
      {"swap-target", "an envelope for one domain into another of the same provider", swap_target},
      {"swap-element", "an envelope or an enrolment of another genuine element", swap_element},
      {"swap-provider", "the KDA as the deputy of another certified provider", swap_provider},
      {"mint-certificates", "every certificate, signed by B's transport CA or by C",
       mint_certificates},
      {"rogue-code", "other code under the KDA's AID, certified or not", rogue_code},
      {"lower-level", "a lower level or another suite than was sealed", lower_level},
      {"invalid-curve", "points that are not on the curve, wherever a point is read",
       invalid_curve},
      {"truncated-mac", "shorter MACs, wherever one is compared", truncated_mac},
      {"padding-oracle", "what each decrypting command tells of wrong MAC and wrong padding",
       padding_oracle},
      {"scp02-oracle", "the published attack on SCP02, why it is off", scp02_oracle},
      {"tenant-read", "another provider of the element reads a delivery", tenant_read},
      {"tenant-change", "another provider changes a delivery or the target", tenant_change},
      {"tenant-replace", "another provider replaces a waiting delivery", tenant_replace},
      {"tenant-block", "another provider keeps a delivery from arriving", tenant_block},
      {"tenant-detect", "another provider notices a delivery", tenant_detect},
      {"tenant-memory", "another provider sees in memory that something was stored", tenant_memory},
  }};
  return kAll;
}

Result<NamedAttack> find_attack(std::string_view name) {
  const auto all = named_attacks();
  const auto found = std::ranges::find(all, name, &NamedAttack::name);
  if (found == all.end()) {
    return fail(Errc::kValue, "there is no such attack: kagibin attack --list names them");
  }
  return *found;
}

}  // namespace kagibin::attack
