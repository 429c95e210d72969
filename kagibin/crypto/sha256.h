// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) over one or several pieces, read as one string of octets.
//
//   const Digest256 hash = sha256({ascii("KB1-CTX"), aad, tlv});
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "kagibin/base/bytes.h"

namespace kagibin::crypto {

using Digest256 = std::array<std::uint8_t, 32>;

Digest256 sha256(std::initializer_list<ByteView> pieces);
inline Digest256 sha256(ByteView octets) { return sha256({octets}); }

}  // namespace kagibin::crypto
