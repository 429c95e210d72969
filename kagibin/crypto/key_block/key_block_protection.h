// SPDX-License-Identifier: Apache-2.0
// Protection of key blocks of version D (ANSI X9.143, key derivation binding method with AES): the
// key block protection key (KBPK) of 16, 24 or 32 octets gives two keys of its own size,
//
//   KBEK, KBAK = CMAC(KBPK, counter (1) | usage (2: 0000, 0001) | 00 | algorithm (2: 0002 to 0004
//                           for AES of 128, 192, 256 bits) | length in bits (2)), counter from 1
//   key data   = length of the key in bits (2) | key | random padding to whole blocks
//   MAC        = CMAC(KBAK, header | key data), all 16 octets
//   encrypted  = AES-CBC(KBEK, IV = MAC, key data)
//
// so that the MAC holds every character of the header, the length included. A block of ours pads
// keys of up to 32 octets to one length, so that nobody reads the key's size off it.
//
// Failures: kAuthentication for another KBPK and any change of a character behind what decode()
// refuses, all alike; kInvalidArgument for a KBPK that is no AES key. Behind the MAC kLength names
// what an honest sender would not write. No branch depends on KBPK or key but for its length behind
// the MAC. Thread-safety: functions.
//
//   KeyBlockHeader header{.key_usage = "D0", .mode_of_use = 'B', .exportability = 'E'};
//   const KeyBlock block = KB_TRY(protect_key(kbpk, header, key, rng));
#pragma once

#include "kagibin/base/secret.h"
#include "kagibin/crypto/key_block/key_block.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

// The key within; its algorithm and length are the caller's to judge.
Result<SecretBytes> open_key_block(const SecretBytes& kbpk, const KeyBlock& block);

// kLength for an empty key and for one of more than 4,000 octets.
Result<KeyBlock> protect_key(const SecretBytes& kbpk,
                             const KeyBlockHeader& header,
                             const SecretBytes& key,
                             Rng& rng);

}  // namespace kagibin::crypto
