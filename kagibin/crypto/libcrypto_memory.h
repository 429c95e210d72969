// SPDX-License-Identifier: Apache-2.0
// What libcrypto frees is wiped: it wipes keys by itself in many places, but not the content of
// CMS, nor what its PEM decoders and encoders put aside.
//
// Before main() begins, libcrypto is given a free() and a realloc() that overwrite a block first
// (CRYPTO_set_mem_functions). Every source of crypto/ that hands secrets to libcrypto's encoders
// names wipes_what_it_frees(), so that this is linked. Cost: one memset a block, not measurable in
// a delivery. Thread-safety: any.
#pragma once

namespace kagibin::crypto {

// False when libcrypto had allocated memory before, in a program that loads this code late.
bool wipes_what_it_frees();

}  // namespace kagibin::crypto
