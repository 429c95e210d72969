// SPDX-License-Identifier: Apache-2.0
// P with keys of PUT KEY that are in a token (crypto/held_key/joined_plaintext.h): as parts, with
// the keys between the octets around them.
//
// In the payload the value of such a key is empty, which Payload::check() refuses, so that nothing
// else seals or sends it. Ownership: values. Thread-safety: values.
//
//   const crypto::JoinedPlaintext parts = KB_TRY(join_payload(std::move(payload), held));
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kagibin/crypto/held_key/joined_plaintext.h"
#include "kagibin/envelope/payload/payload.h"

namespace kagibin::envelope {

// A key that is in a token, and where it goes: keys[key] of the PUT KEY actions[action].
struct HeldKey {
  std::size_t action = 0;
  std::size_t key = 0;
  crypto::KeyInToken value{};
};

// Gives the held keys their sizes, as octets 00, so that the payload can be checked and measured.
// kInvalidArgument for a place that is none, is named twice, or has a value already.
Result<void> put_stand_ins(Payload& payload, std::span<const HeldKey> held);
// Precondition: a payload with stand-ins, and the keys that they stand for.
Result<crypto::JoinedPlaintext> join_payload(const Payload& payload, std::span<const HeldKey> held);

}  // namespace kagibin::envelope
