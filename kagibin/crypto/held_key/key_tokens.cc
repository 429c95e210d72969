// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/key_tokens.h"

namespace kagibin::crypto {

KeyTokens::~KeyTokens() = default;

Errc code_for_orders(Errc code) {
  switch (code) {
    case Errc::kIo:
    case Errc::kAuthentication:  // the PIN
    case Errc::kLimit:           // of sessions
      return Errc::kIo;
    case Errc::kInvalidArgument:
    case Errc::kNotFound:
    case Errc::kCrypto:
      return code;
    default:
      return Errc::kNotSupported;
  }
}

}  // namespace kagibin::crypto
