// SPDX-License-Identifier: Apache-2.0
// Secure messaging of SCP03 (Amendment D v1.2, 6.2.4 to 6.2.7) as both ends compute it: C-MAC,
// R-MAC and the encryption counter block. Used by scp03_host.cc and scp03_card.cc only.
//
// No state: the chaining value and the counter are the session's. Thread-safety: functions.
//
//   const crypto::AesBlock mac = KB_TRY(command_mac(keys, chaining, command, data, 8));
#pragma once

#include <limits>

#include "kagibin/apdu/apdu.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::scp {

// The last counter value that is used; a session ends before it would repeat.
inline constexpr std::uint32_t kMaxCounter = std::numeric_limits<std::uint32_t>::max();

// True when an R-MAC (and R-ENC) covers an answer with this status word: 9000, 62xx, 63xx (6.2.5).
constexpr bool carries_rmac(StatusWord sw) {
  return sw.value == 0x9000 || sw.sw1() == 0x62 || sw.sw1() == 0x63;
}

// The whole 16-octet CMAC under S-MAC, also the next chaining value, over
//   chaining value 16 | CLA on channel 0 with the secure-messaging bit | INS P1 P2
//   | Lc as sent, with `mac_size` added | data
// `command` gives the header and says whether the length is extended; its own data is not read.
// kValue for a class octet that is none.
Result<crypto::AesBlock> command_mac(const Scp03SessionKeys& keys,
                                     const crypto::AesBlock& chaining_value,
                                     const apdu::CommandApdu& command,
                                     ByteView data,
                                     std::size_t mac_size);

// CMAC under S-RMAC over chaining value | data | SW1 SW2.
Result<crypto::AesBlock> response_mac(const Scp03SessionKeys& keys,
                                      const crypto::AesBlock& chaining_value,
                                      ByteView data,
                                      StatusWord sw);

enum class Direction : std::uint8_t { kCommand, kResponse };
// The ICV: the counter as one block, first octet 80 for answers, encrypted under S-ENC (6.2.6 and
// 6.2.7).
Result<crypto::AesBlock> encryption_icv(const Scp03SessionKeys& keys,
                                        std::uint32_t counter,
                                        Direction direction);

// Pads (80 00..) and encrypts; `data` is not empty.
Result<Bytes> encrypt_data(const Scp03SessionKeys& keys,
                           std::uint32_t counter,
                           Direction direction,
                           ByteView data);
// kAuthentication for a wrong length and wrong padding alike.
Result<SecretBytes> decrypt_data(const Scp03SessionKeys& keys,
                                 std::uint32_t counter,
                                 Direction direction,
                                 ByteView data);

}  // namespace kagibin::scp
