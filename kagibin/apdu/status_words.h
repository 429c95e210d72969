// SPDX-License-Identifier: Apache-2.0
// Status words used here, each with its clause (7816-4 = ISO/IEC 7816-4; GPCS = GlobalPlatform Card
// Specification 2.3.1).
#pragma once

#include "kagibin/base/status_word.h"

namespace kagibin::apdu::sw {

inline constexpr StatusWord kOk{0x9000};        // 7816-4, 5.6
inline constexpr StatusWord kMoreData{0x6310};  // GPCS 11.4.3.2, GET STATUS: more data available
inline constexpr StatusWord kAuthenticationFailed{
    0x6300};  // GPCS, INITIALIZE UPDATE / EXTERNAL AUTHENTICATE
inline constexpr StatusWord kNoDiagnosis{0x6400};          // GPCS 11.1.3
inline constexpr StatusWord kMemoryFailure{0x6581};        // 7816-4: memory failure
inline constexpr StatusWord kWrongLength{0x6700};          // GPCS 11.1.3
inline constexpr StatusWord kChannelNotSupported{0x6881};  // GPCS 11.1.3
inline constexpr StatusWord kSecureMessagingNotSupported{0x6882};
inline constexpr StatusWord kLastCommandExpected{0x6883};  // 7816-4, chaining
inline constexpr StatusWord kChainingNotSupported{0x6884};
inline constexpr StatusWord kSecurityStatusNotSatisfied{0x6982};
inline constexpr StatusWord kAuthenticationMethodBlocked{0x6983};  // 7816-4: no try is left
inline constexpr StatusWord kConditionsNotSatisfied{0x6985};
inline constexpr StatusWord kCommandNotAllowed{0x6986};
inline constexpr StatusWord kIncorrectSecureMessagingObjects{0x6988};
inline constexpr StatusWord kWrongData{0x6A80};
inline constexpr StatusWord kFunctionNotSupported{0x6A81};
inline constexpr StatusWord kNotFound{0x6A82};
inline constexpr StatusWord kNotEnoughMemory{0x6A84};
inline constexpr StatusWord kIncorrectP1P2{0x6A86};
inline constexpr StatusWord kReferencedDataNotFound{0x6A88};
inline constexpr StatusWord kInstructionNotSupported{0x6D00};
inline constexpr StatusWord kClassNotSupported{0x6E00};

constexpr bool is_ok(StatusWord sw) { return sw == kOk; }
// 61xx: xx more octets by GET RESPONSE (7816-4, 5.6). 6Cxx: repeat with Le = xx.
constexpr bool has_more(StatusWord sw) { return sw.sw1() == 0x61; }
constexpr bool wants_le(StatusWord sw) { return sw.sw1() == 0x6C; }

}  // namespace kagibin::apdu::sw
