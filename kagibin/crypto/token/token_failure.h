// SPDX-License-Identifier: Apache-2.0
// What a token answers (PKCS#11 v2.40, 5.1), as the one way to fail, and what may be done about it.
// For crypto/token/ and its tests.
//
//   kAuthentication  wrong PIN, or one that is locked: never tried twice
//   kNotSupported    a mechanism that the token does not offer
//   kPolicy          the token or the key's attributes forbid this use
//   kIo              the token is not there, busy or broken; what was asked may be asked again
//   kNotFound        no such token, no such key
//   kCrypto          everything else
#pragma once

#include <p11-kit/pkcs11.h>

#include "kagibin/base/result.h"

namespace kagibin::crypto::token {

// kLost: sessions and login are gone; a new session may do. kBusy: the same may be asked again
// after a while. kFinal: asking again changes nothing.
enum class FailureKind : std::uint8_t { kLost, kBusy, kFinal };

FailureKind kind_of(CK_RV rv);
// Precondition: not CKR_OK.
std::unexpected<Error> failure(CK_RV rv);

}  // namespace kagibin::crypto::token
