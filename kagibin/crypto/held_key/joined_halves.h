// SPDX-License-Identifier: Apache-2.0
// A master key of two halves, each a master key of full size in a token of its own: what is derived
// is the XOR of what both derive over the same label and context (SP 800-108, as derivation_key.h).
// Neither half leaves its token, and one of them alone tells nothing of a derived key: for each
// value of it there is a value of the other half's part.
//
// It is dual control by two tokens with a PIN each (doc/tokens.md). The parts and the derived key
// are in this process; that is the only place where they meet. A key so joined is in no one token,
// so token_uri() is empty. Ownership: shares both. Thread-safety: const use may be shared.
//
//   const DerivationKey master = KB_TRY(join_halves(std::move(left), std::move(right)));
#pragma once

#include "kagibin/crypto/held_key/derivation_key.h"

namespace kagibin::crypto {

// kConflict when both are the same key: then all that is derived would be zeros. Derives from both
// once.
Result<DerivationKey> join_halves(DerivationKey left, DerivationKey right);

}  // namespace kagibin::crypto
