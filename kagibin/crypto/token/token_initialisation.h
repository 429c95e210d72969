// SPDX-License-Identifier: Apache-2.0
// A token that nobody initialised yet gets its name and its two PINs (PKCS#11 v2.40, 5.5 and 5.6).
//
// For tokens whose keeper has no tool for it, or one that wants PINs where others read them. A
// token that was initialised is never touched: to do it again would destroy its keys.
// Thread-safety: one thread.
//
//   KB_TRY(initialise_token(KB_TRY(TokenUri::parse("pkcs11:token=acme?module-path=/x.so")), so,
//   pin));
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/token/token_uri.h"

namespace kagibin::crypto::token {

// The URI says the name by token=, and the module by module-path. kValue when it does not;
// kConflict when a token has that name; kNotFound when no slot has a blank token; those of
// token_failure.h. PINs are taken as they are: what a token asks of them is its own matter.
Result<void> initialise_token(const TokenUri& uri, SecretBytes& so_pin, SecretBytes& pin);

}  // namespace kagibin::crypto::token
