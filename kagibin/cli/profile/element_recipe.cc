// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/element_recipe.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/cli/profile/key_derivation.h"

namespace kagibin::cli {

namespace {

constexpr std::size_t kIinTail = 6;
constexpr std::size_t kSerialInCplc = 12;  // IC serial number: octets 13 to 16

// Last six octets of the IIN and the serial (EMV CPS 1.1, 4.1).
DiversificationData diversification_data(ByteView iin, ByteView serial) {
  DiversificationData out{};
  const std::size_t taken = std::min(iin.size(), kIinTail);
  std::ranges::copy(iin.last(taken), out.begin() + static_cast<std::ptrdiff_t>(kIinTail - taken));
  std::ranges::copy(serial, out.begin() + kIinTail);
  return out;
}

}  // namespace

Result<ElementRecipe> ElementRecipe::create(ProfileFile profile, ProfileKeys keys) {
  if (!keys.missing(profile).empty()) {
    return fail(Errc::kNotFound, "the profile needs keys that were not given");
  }
  for (const ProfileKeySet& set : profile.keys) {
    for (const char* part : {"master", "enc", "mac", "dek"}) {
      const SecretBytes* value = keys.find(set.name, part);
      if (value != nullptr && value->size() != set.size) {
        return fail(Errc::kInvalidArgument, "a key is not as long as its type in the profile says");
      }
    }
  }
  return ElementRecipe(std::move(profile), std::move(keys));
}

bool ElementRecipe::makes_many() const {
  return std::ranges::none_of(
      profile_.keys, [](const ProfileKeySet& set) { return set.source == KeySource::kGiven; });
}

se::ElementProfile ElementRecipe::element_without_keys(std::uint32_t serial) const {
  const se::ElementProfile& shared = profile_.element;
  const Bytes number = ByteWriter().u32(serial).take();
  se::ElementProfile out{
      .channel_count = shared.channel_count,
      .atr = shared.atr,
      .isd_aid = shared.isd_aid,
      .isd_privileges = shared.isd_privileges,
      .iin = shared.iin,
      .cin = profile_.cin_prefix,
      .cplc = shared.cplc,
      .scp03 = shared.scp03,
      .scp02 = shared.scp02,
      .scp11 = shared.scp11,
      .diversification_data = diversification_data(shared.iin, number),
      .basic_channel_reserved = shared.basic_channel_reserved,
      .authentication_failure_limit = shared.authentication_failure_limit,
      .memory_octets = shared.memory_octets,
      .casd = shared.casd,
      .security_domains = shared.security_domains,
      .applications = shared.applications,
  };
  append(out.cin, number);
  if (!out.cplc.empty()) {
    std::ranges::copy(number, out.cplc.begin() + kSerialInCplc);
  }
  return out;
}

Result<se::ElementProfile> ElementRecipe::element(std::uint32_t serial,
                                                  ByteView authority_key) const {
  se::ElementProfile out = element_without_keys(serial);
  if (out.casd && !authority_key.empty()) {
    if (!out.casd->authority_key.empty() && !equal(out.casd->authority_key, authority_key)) {
      return fail(Errc::kConflict,
                  "the profile's CASD believes another controlling authority (casd.authority_key)");
    }
    out.casd->authority_key.assign(authority_key.begin(), authority_key.end());
  }
  if (out.casd && out.casd->authority_key.empty()) {
    return fail(Errc::kInvalidArgument,
                "the profile's CASD does not say whose it is: kagibin maker make knows the "
                "controlling authority; by hand its public key stands in casd.authority_key");
  }
  for (const ProfileKeySet& set : profile_.keys) {
    out.key_sets.push_back(KB_TRY(key_set(set, out)));
  }
  return out;
}

Result<se::InitialKeySet> ElementRecipe::key_set(const ProfileKeySet& set,
                                                 const se::ElementProfile& element) const {
  const Aid domain = set.domain.value_or(element.isd_aid);
  if (set.source == KeySource::kMaster) {
    const SecretBytes& master = *keys_.find(set.name, "master");
    if (set.aes) {
      return se::InitialKeySet{domain, set.version,
                               KB_TRY(derive_kdf3(master, element.diversification_data))};
    }
    return se::InitialKeySet{domain, set.version,
                             KB_TRY(derive_emv(master, element.diversification_data))};
  }
  const auto value = [&](const char* part) {
    return set.source == KeySource::kPublished ? SecretBytes::copy_of(*from_hex(kPublishedTestKey))
                                               : keys_.find(set.name, part)->duplicate();
  };
  if (set.aes) {
    return se::InitialKeySet{
        domain, set.version,
        KB_TRY(scp::Scp03KeySet::create(value("enc"), value("mac"), value("dek")))};
  }
  return se::InitialKeySet{
      domain, set.version,
      KB_TRY(scp::Scp02KeySet::create(value("enc"), value("mac"), value("dek")))};
}

}  // namespace kagibin::cli
