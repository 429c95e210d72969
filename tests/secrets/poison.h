// SPDX-License-Identifier: Apache-2.0
// Marks on memory for valgrind's memcheck: a secret is undefined until somebody declassifies it,
// and memcheck reports every branch and every address that depends on undefined memory. Outside
// valgrind nothing happens. Thread-safety: none.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"

namespace kagibin::test {

bool runs_under_valgrind();
// How many errors memcheck has reported since the program began.
unsigned reported_errors();

void poison(ByteView octets);
// Of what everybody may see: ciphertext, a public key, a check value.
void make_public(ByteView octets);

SecretBytes poisoned(std::size_t size, std::uint8_t first);

}  // namespace kagibin::test
