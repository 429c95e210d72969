// SPDX-License-Identifier: Apache-2.0
// The padding 80 00..00 (ISO/IEC 9797-1, method 2; GPCS B.1.3 and B.2.3) that secure channels and
// envelopes share, for ciphers with blocks of 16 octets (AES) and 8 (DES).
//
//   const SecretBytes padded = pad80(data);
#pragma once

#include <cstddef>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

// Appends 80 and zeros up to the next multiple of the block: one octet to one block more.
SecretBytes pad80(ByteView data, std::size_t block_bytes = 16);
// The length without the padding; kAuthentication when there is none. In time that depends on the
// length only.
Result<std::size_t> unpad80(ByteView padded, std::size_t block_bytes = 16);
// The same where more than one block may be padding: answers that some cards pad to a fixed length.
Result<std::size_t> unpad80_blocks(ByteView padded);

}  // namespace kagibin::crypto
