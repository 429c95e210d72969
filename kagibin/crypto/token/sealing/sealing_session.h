// SPDX-License-Identifier: Apache-2.0
// The steps of sealing in a token (token_sealing.h), in one session, on objects whose handles are
// known. What came of them is in `steps`. For crypto/token/sealing/ only.
#pragma once

#include <span>

#include "kagibin/crypto/held_key/joined_plaintext.h"
#include "kagibin/crypto/token/sealing/session_steps.h"

namespace kagibin::crypto::token {

// kInvalidArgument for a plaintext that joined_plaintext.h does not allow.
Result<void> check_parts(const JoinedPlaintext& plaintext);

// The key that `key` describes, derived from this master key, as an object that may be wrapped.
CK_OBJECT_HANDLE derive_object(SessionSteps& steps, CK_OBJECT_HANDLE master, const KeyInToken& key);

// By a copy that may encrypt, which the key itself may not.
LongCheckValue check_value_of(SessionSteps& steps, CK_OBJECT_HANDLE key, std::size_t size);

// `keys`: the objects of the plaintext's keys, in its order.
SealedInToken seal_in_session(SessionSteps& steps,
                              const JoinedPlaintext& plaintext,
                              std::span<const CK_OBJECT_HANDLE> keys,
                              const EcPublicKey& recipient,
                              std::size_t key_size,
                              const SealingContext& context);

}  // namespace kagibin::crypto::token
