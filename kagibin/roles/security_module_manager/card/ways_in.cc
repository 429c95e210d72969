// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/ways_in.h"

#include <algorithm>
#include <array>

#include "kagibin/gp/key/key_type.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::roles::security_module_manager {
namespace {

namespace type = gp::key_type;

constexpr std::uint8_t kFirstOfSet = 0x01;
constexpr std::uint8_t kLastOfSet = 0x03;
constexpr std::uint8_t kFactoryVersion = 0xFF;
constexpr std::uint8_t kHighestVersion = 0x7F;
// DAP of a UICC, token, receipt, DAP, CASD, ciphered load file data blocks.
constexpr std::array<std::uint8_t, 6> kOtherUses{0x11, 0x70, 0x71, 0x73, 0x74, 0x75};
constexpr std::uint8_t kScp01 = 0x01;
constexpr std::uint8_t kScp80 = 0x80;
constexpr std::uint8_t kScp81 = 0x81;
constexpr std::uint16_t kDesSize = 16;

struct VersionRange {
  std::uint8_t first;
  std::uint8_t last;
};
constexpr VersionRange kOfScp80{0x01, 0x0F};
constexpr VersionRange kOfScp02{0x20, 0x2F};
constexpr VersionRange kOfScp03{0x30, 0x3F};
constexpr VersionRange kOfScp81{0x40, 0x4F};

bool is_des(std::uint8_t of) { return of == type::kDes || of == type::kDesCbc; }

const gp::KeyEntry* find(const gp::KeyInformation& keys,
                         std::uint8_t version,
                         std::uint8_t identifier) {
  const auto at = std::ranges::find_if(keys.keys, [&](const gp::KeyEntry& key) {
    return key.version == version && key.identifier == identifier;
  });
  return at == keys.keys.end() ? nullptr : &*at;
}

bool has_component(const gp::KeyEntry& key, std::uint8_t of) {
  return std::ranges::find(key.components, of, &gp::KeyComponent::type) != key.components.end();
}

bool is_for_domain(const gp::KeyEntry& key) { return !key.policy || key.policy->is_for_domain(); }

bool is_within(std::uint8_t version, VersionRange range) {
  return version >= range.first && version <= range.last;
}

// A card of a network, whose key versions say the protocol (GPC_GUI_010).
bool is_uicc(const CardFacts& facts) {
  return facts.parameter_of(kScp80).has_value() || facts.parameter_of(kScp81).has_value();
}

// Whether keys of this version are for secure channels with the domain, on any card.
bool is_channel_version(const CardFacts& facts, std::uint8_t version) {
  const bool of_network =
      is_uicc(facts) && (is_within(version, kOfScp80) || is_within(version, kOfScp81));
  return version != 0 && (version <= kHighestVersion || version == kFactoryVersion) &&
         !of_network && std::ranges::find(kOtherUses, version) == kOtherUses.end();
}

// Whether a set of this type under this version is one of its protocol.
bool is_version_of(const CardFacts& facts, std::uint8_t version, std::uint8_t type) {
  return !is_uicc(facts) || version == kFactoryVersion ||
         is_within(version, is_des(type) ? kOfScp02 : kOfScp03);
}

bool speaks(const CardFacts& facts, std::uint8_t of) {
  if (!facts.card_data) {
    return true;
  }
  return is_des(of) ? facts.parameter_of(scp::kScp02) || facts.parameter_of(kScp01)
                    : facts.parameter_of(scp::kScp03).has_value();
}

bool is_set(const CardFacts& facts, const gp::KeyInformation& keys, std::uint8_t version) {
  const gp::KeyEntry* first = find(keys, version, kFirstOfSet);
  if (first == nullptr || first->components.size() != 1) {
    return false;
  }
  const gp::KeyComponent component = first->components.front();
  const bool has_size = is_des(component.type)
                            ? component.length_bytes == kDesSize
                            : component.length_bytes == 16 || component.length_bytes == 24 ||
                                  component.length_bytes == 32;
  if ((!is_des(component.type) && component.type != type::kAes) || !has_size ||
      !speaks(facts, component.type) || !is_version_of(facts, version, component.type)) {
    return false;
  }
  for (std::uint8_t identifier = kFirstOfSet; identifier <= kLastOfSet; ++identifier) {
    const gp::KeyEntry* key = find(keys, version, identifier);
    if (key == nullptr || key->components != first->components || !is_for_domain(*key)) {
      return false;
    }
  }
  return true;
}

bool has_authority(const gp::KeyInformation& keys) {
  return std::ranges::any_of(keys.keys, [](const gp::KeyEntry& key) {
    return scp::is_ca_kloc(key.identifier) && has_component(key, type::kEcPublic) &&
           is_for_domain(key);
  });
}

// SCP11a or c with this key.
bool is_agreement(const CardFacts& facts, const gp::KeyEntry& key) {
  const bool a = key.identifier == scp::kKidScp11a;
  if ((!a && key.identifier != scp::kKidScp11c) || !has_component(key, type::kEcPrivate) ||
      !is_for_domain(key)) {
    return false;
  }
  if (!facts.card_data) {
    return true;
  }
  const auto arc = facts.parameter_of(scp::kScp11);
  const auto parameter = arc ? scp::Scp11Parameter::from(*arc) : Result<scp::Scp11Parameter>{};
  return arc && parameter && parameter->speaks(a ? scp::Scp11Variant::kA : scp::Scp11Variant::kC);
}

}  // namespace

std::set<std::uint8_t> possible_ways_in(const gp::KeyInformation& keys) {
  std::set<std::uint8_t> out;
  for (const gp::KeyEntry& key : keys.keys) {
    const bool symmetric = !key.components.empty() && (is_des(key.components.front().type) ||
                                                       key.components.front().type == type::kAes);
    const bool first = key.identifier == kFirstOfSet && symmetric;
    if ((first && keys.holds(key.version, 2) && keys.holds(key.version, 3)) ||
        scp::is_agreement_key(key.identifier)) {
      out.insert(key.version);
    }
  }
  return out;
}

std::set<std::uint8_t> sure_ways_in(const CardFacts& facts, const gp::KeyInformation& keys) {
  std::set<std::uint8_t> out;
  const bool has_ca = has_authority(keys);
  for (const gp::KeyEntry& key : keys.keys) {
    if (is_channel_version(facts, key.version) &&
        (is_set(facts, keys, key.version) || (has_ca && is_agreement(facts, key)))) {
      out.insert(key.version);
    }
  }
  return out;
}

}  // namespace kagibin::roles::security_module_manager
