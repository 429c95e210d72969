// SPDX-License-Identifier: Apache-2.0
// Secure messaging of SCP02 (GPCS E.3, E.4.4 and E.4.6) as both ends compute it. Used by
// scp02_host.cc and scp02_card.cc only.
//
// No state: the C-MAC before is the session's. Thread-safety: functions.
//
//   const crypto::DesBlock mac = KB_TRY(scp02_command_mac(keys, icv, command, extended, data));
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/scp/scp02/scp02.h"

namespace kagibin::scp {

// True when the command is sent with extended length fields, as CommandApdu::encode() chooses them.
bool is_sent_extended(const apdu::CommandApdu& command, std::size_t data_bytes);

// The C-MAC on the modified APDU, before its data is encrypted:
//   CLA on channel 0 with the secure-messaging bit | INS P1 P2 | Lc of data and C-MAC | data
// `icv` is zero for EXTERNAL AUTHENTICATE and next_icv() afterwards. `command` gives the header;
// its own data is not read. kValue for a class octet that is none.
Result<crypto::DesBlock> scp02_command_mac(const Scp02SessionKeys& keys,
                                           const crypto::DesBlock& icv,
                                           const apdu::CommandApdu& command,
                                           bool extended,
                                           ByteView data);
// The ICV of the next command: the C-MAC before under single DES with the first half of the C-MAC
// session key (GPCS E.3.4).
Result<crypto::DesBlock> scp02_next_icv(const Scp02SessionKeys& keys,
                                        const crypto::DesBlock& c_mac_before);

// Pads (80 00..) and encrypts, CBC with a zero ICV (GPCS E.4.6).
Result<Bytes> scp02_encrypt_data(const Scp02SessionKeys& keys, ByteView data);
// Whole blocks of `data` decrypted, with their padding. kInvalidArgument unless they are whole.
Result<SecretBytes> scp02_decrypt_data(const Scp02SessionKeys& keys, ByteView data);

}  // namespace kagibin::scp
