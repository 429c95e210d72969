// SPDX-License-Identifier: Apache-2.0
// Keys held anywhere, for those calls of libcrypto that want an EVP_PKEY (CMS). For crypto/ only.
//
// A key in a token becomes an EC_KEY without a private half whose method asks the token
// (EC_KEY_METHOD, of which libcrypto 3 knows that no provider can take its place). The handle has
// to outlive what is returned.
#pragma once

#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

// Null when libcrypto refuses.
PkeyPtr make_signing_pkey(const SigningKey& key);
PkeyPtr make_agreement_pkey(const AgreementKey& key);

}  // namespace kagibin::crypto
