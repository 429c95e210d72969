// SPDX-License-Identifier: Apache-2.0
// A security domain's keys and records as SCP11 asks for them. The keys are those of `owner`: the
// domain itself, or the one above it that serves it (GPCS 7.3).
//
// PK.CA-KLOC.ECDSA is an EC public key of KID 10 or 20 to 2F that may verify; SK.SD.ECKA an EC
// private key of KID 11, 13 or 15 that may agree on keys; the static Key-DEK an AES key behind it.
// KVN 00 means the first set that has the KID. For se/ only. Ownership: refers to the platform.
#pragma once

#include "kagibin/scp/scp11/scp11_domain.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

// Whom the domain takes for its own provider: the subject of his CERT.OCE.ECKA. A data object of
// the domain (STORE DATA), or, without one, of the domain whose keys it uses; without either,
// everybody whom a CA of the domain certified.
inline constexpr std::uint16_t kProviderIdentifier = 0x5F20;

// The first of the domain's sets with a key of this KID; empty when there is none.
std::optional<std::uint8_t> first_version_with(const KeyStore& keys,
                                               const Aid& domain,
                                               std::uint8_t identifier);
// i of SCP11; empty when the domain does not speak it.
std::optional<scp::Scp11Parameter> scp11_parameter_of(const RegistryEntry& domain);

// Whether the domain opens its sessions with keys of its own; otherwise the domain above serves it
// (GPCS 7.3) and may speak for it. Its own are keys of a protocol that it speaks, and no others:
// key sets (SCP03 AES, SCP02 3DES), or a key SK.SD.ECKA of a variant of SCP11. What it cannot open
// a channel with is a key like one for tokens.
bool has_key_set(const KeyStore& keys, const RegistryEntry& domain);
bool has_agreement_key(const KeyStore& keys, const RegistryEntry& domain);
bool has_channel_keys(const KeyStore& keys, const RegistryEntry& domain);

class KeyStoreDomain final : public scp::Scp11Domain {
 public:
  KeyStoreDomain(const Platform& platform,
                 const Aid& domain,
                 const Aid& owner,
                 scp::Scp11Parameter parameter)
      : platform_(platform), domain_(domain), owner_(owner), parameter_(parameter) {}

  scp::Scp11Parameter parameter() const override { return parameter_; }
  std::optional<crypto::CurvePublicKey> ca_key(scp::KeyReference reference) const override;
  bool allows(scp::KeyReference ca, ByteView serial) const override;
  std::optional<crypto::CurvePrivateKey> agreement_key(scp::KeyReference reference) const override;
  std::optional<SecretBytes> static_dek(scp::KeyReference reference) const override;
  scp::Scp11CardIdentity identity() const override;
  Bytes provider_identifier() const override;
  std::optional<pki::CertificateDate> today() const override;

  // The reference with its version; of `identifier` itself. Empty when there is no such key.
  std::optional<scp::KeyReference> resolve(scp::KeyReference reference) const;

 private:
  const Platform& platform_;
  const Aid& domain_;
  const Aid& owner_;
  scp::Scp11Parameter parameter_;
};

}  // namespace kagibin::se
