// SPDX-License-Identifier: Apache-2.0
// Keys that are made in a token, put into it, and destroyed. For crypto/token/ only.
//
// All are sensitive and good for one use, and not extractable; but keys that are delivered
// (Kept::kUnderAnotherKey), whose use it is to be wrapped, and master keys whose derived keys are
// (kWithDerivedKeys). Making is never asked again after a
// failure: the answer may be what was lost, and the key be there.
#pragma once

#include <cstdint>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/token/token.h"

namespace kagibin::crypto::token {

// kBoth: for a key that files are sealed to, which signs its own certificate.
enum class PairUse : std::uint8_t { kSign, kAgree, kBoth };
// kConflict when there is a key of this name. What was made and is not as it was asked for is
// destroyed again.
Result<void> generate_pair(Token& token, const TokenUri& uri, PairUse use);
enum class Kept : std::uint8_t { kInside, kUnderAnotherKey, kWithDerivedKeys };
Result<void> generate_secret(Token& token,
                             const TokenUri& uri,
                             std::size_t size,
                             Kept kept = Kept::kInside);
// A key that came from elsewhere, the token's from now on: it was outside until here.
Result<void> put_secret(Token& token,
                        const TokenUri& uri,
                        const SecretBytes& key,
                        Kept kept = Kept::kInside);
// Private, public and secret keys of this name. kNotFound when there is none.
Result<void> destroy(Token& token, const TokenUri& uri);

}  // namespace kagibin::crypto::token
