// SPDX-License-Identifier: Apache-2.0
// The Controlling Authority Security Domain (Amendment A v1.2): who in the element speaks for the
// controlling authority. It has key pairs of its own, made inside, and the authority's public key,
// and lends them: to security domains that set up a key set with their provider
// (confidential_setup.h), to applications and hosts for signatures (authority_signature.h), to OPEN
// for mandated DAP.
//
//   AID A00000015153504341534400, life cycle PERSONALIZED, associated with itself: nobody's keys
//   open it unless the profile gives it some, and the issuer's never do
//   74/01  SK.CASD.ECKA   P-256, agrees on keys            74/03  PK.CA.AUT  the authority's, P-256
//   74/02  SK.CASD.AUT    P-256, signs                     73/01  the same, for mandated DAP
//
// The authority's minEpoch holds here as in the KDA: a CERT.SP of an older epoch is no longer good.
// It comes as the KDA's does, by a statement that the authority signed (kda/authority_statement.h),
// to the CASD itself (casd_commands.h) or to a KDA, which passes it on. Record open/casd-epoch: 02
// octets, absent 0; it only rises, and outlives the applications.
//
// Made at manufacture (InitialCasd) or never. KVN 74 is the text's for a CASD; the KIDs are ours.
// For se/ only.
#pragma once

#include <optional>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

inline constexpr std::uint8_t kCasdKeyVersion = 0x74;
inline constexpr std::uint8_t kCasdAgreementKey = 0x01;
inline constexpr std::uint8_t kCasdSignatureKey = 0x02;
inline constexpr std::uint8_t kCasdAuthorityKey = 0x03;

Aid casd_aid();

// kInvalidArgument for a key of the authority that is no point on P-256; kConflict when the AID is
// in use.
Result<void> make_casd(Platform& platform, const InitialCasd& casd);

bool has_casd(const Platform& platform);
// Whether this is the CASD that the element was made with, and not a domain of that name.
bool is_casd(const Platform& platform, const Aid& aid);

// Empty when the CASD is not there, is locked, or lost the key.
std::optional<crypto::CurvePrivateKey> casd_key(const Platform& platform, std::uint8_t identifier);
std::optional<crypto::EcPublicKey> authority_key(const Platform& platform);
// Highest for a record that is none: nothing is good then.
std::uint16_t min_epoch(const Platform& platform);

// Takes minEpoch out of a statement. kAuthentication: not signed by the authority's key, or no
// CASD; kPolicy: below the one in force; kNotSupported: another statement; and what does not
// decode.
Result<void> obey_statement(const Platform& platform, ByteView statement);

// Under the authority's key, of this kind, and good today: by the element's clock, as SCP11. A
// CERT.SP, of minEpoch or later.
bool is_certified(const Platform& platform,
                  const pki::Certificate& certificate,
                  pki::CertificateKind kind);

}  // namespace kagibin::se
