// SPDX-License-Identifier: Apache-2.0
// scrypt (RFC 7914) with 32 octets of output. For crypto/ and its tests only: records limit the
// salt and the cost.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/record/sealed_record.h"

namespace kagibin::crypto {

// kCrypto for a cost that RFC 7914 forbids or that there is no memory for.
Result<SecretArray<32>> run_scrypt(const SecretBytes& passphrase,
                                   ByteView salt,
                                   const ScryptCost& cost);

}  // namespace kagibin::crypto
