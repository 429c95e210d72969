// SPDX-License-Identifier: Apache-2.0
// GET DATA (GPCS 2.3.1, 11.3): CLA CA P1 P2, the tag of one data object in P1 P2.
//
// The answer is the object with its tag and length. Key information (00E0) is key_information.h,
// card data (0066) is card_data.h; the plain objects are read and written by tlv/.
//
//   apdu::CommandApdu c = GetData{data_object::kKeyInformation}.encode();
#pragma once

#include <cstdint>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

namespace data_object {  // GPCS table 11-22 and annex H
inline constexpr std::uint16_t kIssuerIdentification = 0x0042;
inline constexpr std::uint16_t kCardImageNumber = 0x0045;
inline constexpr std::uint16_t kCardData = 0x0066;
inline constexpr std::uint16_t kCardCapabilityInformation = 0x0067;
inline constexpr std::uint16_t kSequenceCounter = 0x00C1;
inline constexpr std::uint16_t kConfirmationCounter = 0x00C2;
inline constexpr std::uint16_t kKeyInformation = 0x00E0;
inline constexpr std::uint16_t kApplicationList = 0x2F00;
inline constexpr std::uint16_t kCertificateStore = 0xBF21;  // Amendment F, 7.3: CERT.SD
inline constexpr std::uint16_t kCardResources = 0xFF21;     // ETSI TS 102 226, 8.2.1.7.2
}  // namespace data_object

struct GetData {
  std::uint16_t tag = 0;
  Bytes filter{};  // 2F00 takes 5C, BF21 takes a control reference; otherwise empty

  static GetData decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  apdu::CommandApdu encode() const;  // class 80
  friend bool operator==(const GetData&, const GetData&) = default;
};

}  // namespace kagibin::gp
