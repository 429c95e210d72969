// SPDX-License-Identifier: Apache-2.0
// What a security domain keeps for SCP11 beside its keys, as STORE DATA and GET DATA carry it
// (Amendment F v1.3, 7.2 to 7.4 and 7.8 to 7.10). STORE DATA begins with a control reference A6:
//
//   certificate store  A6 { 83 02 KID KVN } BF21 { certificate ... }     empty: takes it away
//   allow list         A6 { 83 02 KID KVN } [92 02 counter] 70 { 93 serial ... }   empty: the same
//   CA identifier      A6 { [80 01 00|01] 42 identifier | 83 02 KID KVN }   80: 01 of a CA-KLCC
//   GET DATA BF21      A6 { 83 02 KID KVN } or A6 { 42 CA-KLCC identifier }
//   GET DATA 0083      A6 { 42 CA-KLOC identifier } -> 83 02 KID KVN
//   GET DATA FF33, FF34   -> { 42 identifier | 83 02 KID KVN ... } of the CA-KLOC, of the CA-KLCC
//
// Decoders are total. Limits: identifiers 1 to 20 octets, serial numbers 1 to 21, 64 of them.
// Ownership: values.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

inline constexpr std::uint16_t kCertificateStoreTag = 0xBF21;
inline constexpr std::uint16_t kCaKlocReferenceTag = 0x0083;
inline constexpr std::uint16_t kCaKlocIdentifiersTag = 0xFF33;
inline constexpr std::uint16_t kCaKlccIdentifiersTag = 0xFF34;
inline constexpr std::size_t kIdentifierMaxSize = 20;
inline constexpr std::size_t kAllowListMaxCount = 64;

struct CertificateStore {
  KeyReference key;
  Bytes certificates{};  // value of BF21, as it came
  friend bool operator==(const CertificateStore&, const CertificateStore&) = default;
};
struct AllowList {
  KeyReference ca;
  std::optional<std::uint16_t> counter{};  // of SCP11c sessions
  std::vector<Bytes> serials{};
  friend bool operator==(const AllowList&, const AllowList&) = default;
};
struct CaIdentifier {
  bool of_cards = false;  // CA-KLCC
  Bytes identifier{};
  KeyReference key;
  friend bool operator==(const CaIdentifier&, const CaIdentifier&) = default;
};
using DomainData = std::variant<CertificateStore, AllowList, CaIdentifier>;

// The data of STORE DATA, its blocks put together. kUnexpectedTag when it does not begin with A6.
Result<DomainData> decode_domain_data(ByteView data);
Bytes encode_domain_data(const DomainData& data);

// A6 { 83 KID KVN }.
Bytes encode_key_reference(KeyReference key);
// What GET DATA BF21 and 0083 ask by: a key, or an identifier.
using StoreQuery = std::variant<KeyReference, Bytes>;
Result<StoreQuery> decode_store_query(ByteView data);

// The value of FF33 or FF34.
Bytes encode_ca_identifiers(const std::vector<CaIdentifier>& identifiers);
Result<std::vector<CaIdentifier>> decode_ca_identifiers(ByteView value, bool of_cards);

// Serial numbers are numbers: equal without their leading zero octets.
bool same_serial(ByteView one, ByteView other);

}  // namespace kagibin::scp
