// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/scp11/key_store_domain.h"

#include <algorithm>
#include <array>

#include "kagibin/gp/get_data.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/scp11/certificate_records.h"

namespace kagibin::se {

using scp::KeyReference;

namespace {

constexpr std::array kVariants{scp::Scp11Variant::kA, scp::Scp11Variant::kB, scp::Scp11Variant::kC};

}  // namespace

std::optional<std::uint8_t> first_version_with(const KeyStore& keys,
                                               const Aid& domain,
                                               std::uint8_t identifier) {
  const gp::KeyInformation all = keys.information(domain);
  const auto found = std::ranges::find(all.keys, identifier, &gp::KeyEntry::identifier);
  return found == all.keys.end() ? std::nullopt : std::optional(found->version);
}

std::optional<scp::Scp11Parameter> scp11_parameter_of(const RegistryEntry& domain) {
  const auto arc = domain.parameter_of(scp::kScp11);
  const auto parameter = arc ? scp::Scp11Parameter::from(*arc) : Result<scp::Scp11Parameter>{};
  return arc && parameter ? std::optional(*parameter) : std::nullopt;
}

bool has_key_set(const KeyStore& keys, const RegistryEntry& domain) {
  return (domain.parameter_of(scp::kScp03) &&
          keys.default_version(domain.aid, ChannelKeys::kAes)) ||
         (domain.parameter_of(scp::kScp02) && keys.default_version(domain.aid, ChannelKeys::kDes));
}

bool has_agreement_key(const KeyStore& keys, const RegistryEntry& domain) {
  const auto spoken = scp11_parameter_of(domain);
  return spoken && std::ranges::any_of(keys.information(domain.aid).keys, [&](const auto& told) {
           const bool of_a_variant = std::ranges::any_of(kVariants, [&](scp::Scp11Variant variant) {
             return spoken->speaks(variant) &&
                    scp::agreement_key_identifier(variant) == told.identifier;
           });
           const auto key =
               of_a_variant ? keys.key(domain.aid, {told.version, told.identifier}) : std::nullopt;
           return key && key->kind() == gp::KeyKind::kEcPrivate &&
                  key->effective_policy().allows_agreement();
         });
}

bool has_channel_keys(const KeyStore& keys, const RegistryEntry& domain) {
  return has_key_set(keys, domain) || has_agreement_key(keys, domain);
}

std::optional<KeyReference> KeyStoreDomain::resolve(KeyReference reference) const {
  if (reference.version == 0) {
    const auto first = first_version_with(platform_.keys, owner_, reference.identifier);
    return first ? std::optional(KeyReference{reference.identifier, *first}) : std::nullopt;
  }
  return platform_.keys.has_key(owner_, {reference.version, reference.identifier})
             ? std::optional(reference)
             : std::nullopt;
}

std::optional<crypto::CurvePublicKey> KeyStoreDomain::ca_key(KeyReference reference) const {
  const auto exact = resolve(reference);
  if (!scp::is_ca_kloc(reference.identifier) || !exact) {
    return std::nullopt;
  }
  const auto key = platform_.keys.key(owner_, {exact->version, exact->identifier});
  if (!key || !key->effective_policy().allows_domain(gp::KeyPolicy::kVerification)) {
    return std::nullopt;
  }
  auto point = key->ec_public_key();
  return point ? std::optional(std::move(*point)) : std::nullopt;
}

bool KeyStoreDomain::allows(KeyReference ca, ByteView serial) const {
  const auto exact = resolve(ca);
  return exact && CertificateRecords(platform_.nvm).allows(owner_, *exact, serial);
}

std::optional<crypto::CurvePrivateKey> KeyStoreDomain::agreement_key(KeyReference reference) const {
  const auto exact = resolve(reference);
  if (!exact) {
    return std::nullopt;
  }
  const auto key = platform_.keys.key(owner_, {exact->version, exact->identifier});
  if (!key || !key->effective_policy().allows_agreement()) {
    return std::nullopt;
  }
  auto own = key->ec_private_key();
  return own ? std::optional(std::move(*own)) : std::nullopt;
}

// Beside SK.SD.ECKA, in its set.
std::optional<SecretBytes> KeyStoreDomain::static_dek(KeyReference reference) const {
  const auto beside =
      resolve({static_cast<std::uint8_t>(reference.identifier - 1), reference.version});
  const auto key =
      beside ? platform_.keys.key(owner_, {beside->version, reference.identifier}) : std::nullopt;
  if (!key || key->kind() != gp::KeyKind::kAes) {
    return std::nullopt;
  }
  return key->secret().duplicate();
}

scp::Scp11CardIdentity KeyStoreDomain::identity() const {
  return {.sin = data_object(platform_.nvm, domain_, gp::data_object::kIssuerIdentification),
          .sdin = data_object(platform_.nvm, domain_, gp::data_object::kCardImageNumber)};
}

Bytes KeyStoreDomain::provider_identifier() const {
  const Bytes own = data_object(platform_.nvm, domain_, kProviderIdentifier);
  return own.empty() ? data_object(platform_.nvm, owner_, kProviderIdentifier) : own;
}

std::optional<pki::CertificateDate> KeyStoreDomain::today() const {
  return pki::CertificateDate::from_unix(platform_.clock.now());
}

}  // namespace kagibin::se
