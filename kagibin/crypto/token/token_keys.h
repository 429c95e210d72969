// SPDX-License-Identifier: Apache-2.0
// Keys that stay in a token, opened by name. For crypto/token/ only; the roles see them as
// SigningKey, AgreementKey and DerivationKey.
//
// Opening refuses a private or secret key that the token would hand out in the clear
// (CKA_SENSITIVE false, kPolicy) and one whose attributes forbid its use. What a token signs is
// verified before it is handed on: a token that is out of order is not believed.
#pragma once

#include <memory>

#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/crypto/held_key/derivation_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/token/token.h"

namespace kagibin::crypto::token {

using SharedToken = std::shared_ptr<Token>;
using SharedUri = std::shared_ptr<const TokenUri>;  // names a key

Result<SigningKey> open_signing_key(const SharedToken& token, const SharedUri& uri);
Result<AgreementKey> open_agreement_key(const SharedToken& token, const SharedUri& uri);
Result<DerivationKey> open_derivation_key(const SharedToken& token, const SharedUri& uri);

}  // namespace kagibin::crypto::token
