// SPDX-License-Identifier: Apache-2.0
// C-APDU and R-APDU (ISO/IEC 7816-4, 5.2 to 5.4): all seven cases, short and extended length, and
// the class octet.
//
// Limits: data 0 to 65,535 octets, Le 1 to 65,536 (short: 255 and 256). An absent Le is no Le; 256
// is encoded 00 in short form, 65,536 as 0000 in extended form. Decoding and encoding round-trip
// byte for byte except that Lc 0 in extended form is refused. Ownership: values. Thread-safety:
// values.
//
//   CommandApdu select{.cla = 0x00, .ins = ins::kSelect, .p1 = 0x04, .p2 = 0x00, .data = aid, .le =
//   256}; Bytes wire = select.encode(); CommandApdu again = KB_TRY(CommandApdu::decode(wire));
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::apdu {

namespace ins {
inline constexpr std::uint8_t kManageChannel = 0x70;
inline constexpr std::uint8_t kEndRMacSession = 0x78;
inline constexpr std::uint8_t kBeginRMacSession = 0x7A;
inline constexpr std::uint8_t kExternalAuthenticate = 0x82;
inline constexpr std::uint8_t kInitializeUpdate = 0x50;
inline constexpr std::uint8_t kSelect = 0xA4;
inline constexpr std::uint8_t kGetResponse = 0xC0;
inline constexpr std::uint8_t kGetData = 0xCA;
inline constexpr std::uint8_t kPutKey = 0xD8;
inline constexpr std::uint8_t kStoreData = 0xE2;
inline constexpr std::uint8_t kDelete = 0xE4;
inline constexpr std::uint8_t kInstall = 0xE6;
inline constexpr std::uint8_t kLoad = 0xE8;
inline constexpr std::uint8_t kSetStatus = 0xF0;
inline constexpr std::uint8_t kGetStatus = 0xF2;
}  // namespace ins

struct CommandApdu {
  std::uint8_t cla = 0;
  std::uint8_t ins = 0;
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  Bytes data{};
  std::optional<std::uint32_t> le{};
  bool extended = false;  // extended length fields although short ones would do

  // kTruncated, kTrailing, kLength for octets that are none of the seven cases.
  static Result<CommandApdu> decode(ByteView octets);
  // Extended when asked for or when Lc or Le needs it.
  Bytes encode() const;
  friend bool operator==(const CommandApdu&, const CommandApdu&) = default;
};

struct ResponseApdu {
  Bytes data{};
  StatusWord sw{};

  // kTruncated below two octets.
  static Result<ResponseApdu> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const ResponseApdu&, const ResponseApdu&) = default;
};

// What a class octet says (ISO/IEC 7816-4, 5.4.1; GPCS 11.1.4).
struct ClassOctet {
  std::uint8_t channel = 0;       // 0 to 19
  bool proprietary = false;       // b8: 80-8F, C0-FF (GlobalPlatform commands)
  bool secure_messaging = false;  // b3 (first) or b6 (further)
  bool chaining = false;          // b5: not the last command of a chain

  // kValue for FF and for the reserved range 20-3F and A0-BF.
  static Result<ClassOctet> decode(std::uint8_t cla);
  std::uint8_t encode() const;
  friend bool operator==(const ClassOctet&, const ClassOctet&) = default;
};

// The class octet of the same command on another logical channel. Precondition: channel is 0 to 19
// and the class decodes.
Result<std::uint8_t> on_channel(std::uint8_t cla, std::uint8_t channel);

}  // namespace kagibin::apdu
