// SPDX-License-Identifier: Apache-2.0
// Token numbers (93 in a token's control reference template) that were used: a token with a number
// is good for one operation (GPCS 2.3.1, 9.2.1, C.4). Tokens without a number may be sent again;
// they bind the operation, which then meets its own result.
//
//   tok/<AID>/70   length (1) | number, each     with the key it goes with (keys/key_store.h)
//
// Limits: as many numbers as fit 8,192 octets, 481 of the longest; then kLimit, until the token key
// is put anew, which makes the old tokens worthless anyway. For se/ only.
#pragma once

#include "kagibin/base/aid.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

bool was_token_used(const Nvm& nvm, const Aid& verifier, ByteView number);
// Precondition: 1 to 255 octets (KB_CHECK). Inside the operation's transaction.
Result<void> mark_token_used(Nvm& nvm, const Aid& verifier, ByteView number);

}  // namespace kagibin::se
