// SPDX-License-Identifier: Apache-2.0
// PEM in and out of libcrypto (RFC 7468). For crypto/ only.
//
// Nothing here ever asks a terminal for a passphrase: encrypted PEM is refused.
#pragma once

#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

// A BIO that reads the octets, which must outlive it; null when memory is short.
BioPtr memory_reader(ByteView octets);
// What has been written to a memory BIO, as long as that lives.
ByteView memory_content(BIO* bio);
std::string memory_text(BIO* bio);

// A passphrase callback that has none.
int refuse_passphrase(char* buffer, int size, int writing, void* context);

// kEncoding when the text is not one certificate in PEM.
Result<X509Ptr> read_certificate(std::string_view pem);
// kValue unless the key is on P-256.
Result<EcPublicKey> to_public_key(EVP_PKEY* pkey);

}  // namespace kagibin::crypto
