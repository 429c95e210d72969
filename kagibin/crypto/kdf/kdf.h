// SPDX-License-Identifier: Apache-2.0
// Key derivation: SP 800-108 in counter mode with AES-CMAC, and X9.63.
//
//   SecretBytes keys = KB_TRY(x963_kdf_sha256(z.expose(), ctx, 48));
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/hash.h"

namespace kagibin::crypto {

// K(i) = CMAC(key, prefix | i (one octet, from 1) | suffix), concatenated and cut to `size` octets
// (1 to 255 blocks). SCP03 (Amendment D, 4.1.5) has the label and separator before the counter and
// the context behind it: prefix = label | 00 | L, suffix = context.
Result<SecretBytes> sp800_108_counter_cmac(ByteView key,
                                           ByteView prefix,
                                           ByteView suffix,
                                           std::size_t size);

// K(i) = SHA-256(z | i (four octets, from 1) | shared_info), cut to `size` octets (ANSI X9.63, SEC
// 1 3.6.1).
Result<SecretBytes> x963_kdf_sha256(ByteView z, ByteView shared_info, std::size_t size);
// The same with another hash of the family (BSI TR-03111, 4.3.3).
Result<SecretBytes> x963_kdf(HashAlgorithm hash,
                             ByteView z,
                             ByteView shared_info,
                             std::size_t size);

// Diversification of one element's keys from a master key: SP 800-108 counter mode with AES-CMAC in
// the standard's own order, [i]_2 (four octets) | Label | 00 | Context | [L]_2 (four octets, bits).
Result<SecretBytes> diversify_cmac(ByteView master_key,
                                   ByteView label,
                                   ByteView context,
                                   std::size_t size);

}  // namespace kagibin::crypto
