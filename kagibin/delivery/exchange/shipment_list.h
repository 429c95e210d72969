// SPDX-License-Identifier: Apache-2.0
// The maker's shipment list (protocol, section 2): one name for an element among service provider,
// manager and maker, and the pin of the maker to the SEID.
//
//   { "version": 1, "maker": { "name", "certificate": base64 CERT.EUM }, "issuedAt",
//     "elements": [ { "seid", "iin", "cin", "kdaCertificateSha256",
//                     "casd": { "signatureKeySha256", "agreementKeySha256" },
//                     "ownDeliverySha256": [ ... ] }, ... ] }
//
// Elements are named in hexadecimal digits. One of the last three members has to be there: that of
// the certificate where the maker certified a key delivery application, "casd" where the element
// has one, those of up to 8 certificates of domains that take deliveries by themselves
// (decisions/0018). The CASD's keys are PK.CASD.AUT and PK.CASD.ECKA, each hashed as the point
// 04 | X | Y: no other CASD attests code (decisions/0014) or agrees on keys (decisions/0020) for
// this element.
//
// The list is signed as the exact octets of its JSON, elsewhere: ECDSA-SHA256 (DER) over
// kLabelShipment | octets. The container is { "list": base64, "signature": base64 }. Decoders are
// strict; limits: 100,000 elements, 32 MiB; a SEID at most once. Nothing here checks the signature.
//
//   const SignedShipmentList signed_list = KB_TRY(signed_shipment_list_from_json(file));
//   if (!ecdsa_verify_der(maker_key, {ascii(kLabelShipment), ascii(signed_list.list)}, ...)) ...
//   const ShipmentList list = KB_TRY(shipment_list_from_json(signed_list.list));
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

// Not a prefix of any label of the protocol, and none of them of it.
inline constexpr std::string_view kLabelShipment = "KB1-SHP";

struct ShippedCasd {
  std::array<std::uint8_t, 32> signature_key_sha256{};  // PK.CASD.AUT
  std::array<std::uint8_t, 32> agreement_key_sha256{};  // PK.CASD.ECKA
  friend bool operator==(const ShippedCasd&, const ShippedCasd&) = default;
};

struct ShippedElement {
  Seid seid;
  Bytes iin{};  // issuer identification number, 1 to 16 octets (GET DATA 42)
  Bytes cin{};  // card image number, 1 to 16 octets (GET DATA 45)
  std::optional<std::array<std::uint8_t, 32>> kda_certificate_sha256{};
  std::optional<ShippedCasd> casd{};
  std::vector<std::array<std::uint8_t, 32>> own_delivery_sha256{};
  friend bool operator==(const ShippedElement&, const ShippedElement&) = default;
};

struct ShipmentList {
  std::string maker_name{};   // 1 to 64 printable characters
  Bytes maker_certificate{};  // CERT.EUM, TLV 7F21, at most 320 octets
  std::int64_t issued_at = 0;
  std::vector<ShippedElement> elements{};
  friend bool operator==(const ShipmentList&, const ShipmentList&) = default;
};
std::string to_json(const ShipmentList& list);
Result<ShipmentList> shipment_list_from_json(std::string_view text);

struct SignedShipmentList {
  std::string list{};  // the JSON exactly as signed
  Bytes signature{};   // DER, 8 to 72 octets
  friend bool operator==(const SignedShipmentList&, const SignedShipmentList&) = default;
};
std::string to_json(const SignedShipmentList& list);
Result<SignedShipmentList> signed_shipment_list_from_json(std::string_view text);

}  // namespace kagibin::delivery
