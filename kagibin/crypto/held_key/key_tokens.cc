// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/key_tokens.h"

namespace kagibin::crypto {

KeyTokens::~KeyTokens() = default;

}  // namespace kagibin::crypto
