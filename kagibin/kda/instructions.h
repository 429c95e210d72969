// SPDX-License-Identifier: Apache-2.0
// The key delivery application (KDA) as it is addressed: AID, class, instructions and limits
// (protocol, section 9).
//
// The AID is proprietary (ISO/IEC 7816-4, 8.2.1.2: first octet F0, no registered provider).
//
//   link.transmit(kda::select().encode());
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kagibin/base/aid.h"

namespace kagibin::kda {

// F0 "KAGIBIN" 01
inline constexpr std::array<std::uint8_t, 9> kAid = {0xF0, 0x4B, 0x41, 0x47, 0x49,
                                                     0x42, 0x49, 0x4E, 0x01};
Aid aid();

inline constexpr std::uint8_t kClass = 0x80;

namespace ins {
inline constexpr std::uint8_t kEnrol = 0x10;
inline constexpr std::uint8_t kLoad = 0x12;
inline constexpr std::uint8_t kNext = 0x14;
inline constexpr std::uint8_t kGetReceipt = 0x16;
inline constexpr std::uint8_t kCancel = 0x18;
inline constexpr std::uint8_t kStatus = 0x1A;
inline constexpr std::uint8_t kStatement = 0x1C;
inline constexpr std::uint8_t kCapabilities = 0x1E;
inline constexpr std::uint8_t kGenerate = 0x20;
inline constexpr std::uint8_t kStoreCertificates = 0x22;
}  // namespace ins

// Octets that a chained message may have when it is put together again (4,096 where suite 20 or 21
// is offered).
inline constexpr std::size_t kReassemblyLimit = 1024;
// Data octets of one block of a chain: a short C-APDU.
inline constexpr std::size_t kBlockSize = 255;
// Of a block that a secure channel still wraps: with padding and a 16-octet C-MAC it fits into 255.
inline constexpr std::size_t kWrappedBlockSize = 223;

}  // namespace kagibin::kda
