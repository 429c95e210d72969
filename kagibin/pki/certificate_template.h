// SPDX-License-Identifier: Apache-2.0
// A certificate in GlobalPlatform's own format (Amendment F v1.3, chapter 7: format of
// certificates) as its objects, before anybody says which of them a kind of certificate has. Inside
// pki only.
//
//   7F21 { 93 serial number | 42 authority | 5F20 subject | 95 key usage | 5F25 04 effective (opt)
//          5F24 04 expiration | 53 or 73 discretionary (opt) | BF20 authorisations (opt)
//          7F49 { B0 point | F0 01 key parameter reference } | 5F37 r|s over TLVs 93..7F49 }
//
// Ownership: views of the caller's octets.
#pragma once

#include <optional>

#include "kagibin/pki/certificate.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

// Digital signature verification, and key agreement (GPCS 2.3.1, table 11-17, as written in 95).
inline constexpr std::array<std::uint8_t, 1> kUsageVerification = {0x82};
inline constexpr std::array<std::uint8_t, 2> kUsageKeyAgreement = {0x00, 0x80};

struct CertificateTemplate {
  ByteView serial;
  ByteView authority;
  ByteView subject;
  ByteView usage;  // 1 or 2 octets
  std::optional<CertificateDate> effective;
  CertificateDate expiration;
  std::optional<tlv::Tlv> discretionary;
  std::optional<ByteView> authorizations;
  ByteView point;
  std::uint8_t curve = 0;  // key parameter reference
  ByteView body;           // TLVs 93..7F49
  ByteView signature;
};

// Total: order, tags and digits of dates are checked, and that names have 1 to `longest_name`
// octets; not whether the point lies on its curve, nor the signature's length.
Result<CertificateTemplate> decode_template(ByteView octets, std::size_t longest_name);

// The four octets of a date in BCD.
std::array<std::uint8_t, 4> encode_date(CertificateDate date);

}  // namespace kagibin::pki
