// SPDX-License-Identifier: Apache-2.0
// Card capability information (GPCS 2.3.1, H.4; gp/card/card_capability.h) in words: hashes,
// signature schemes, ciphers, key sizes and curves as people call them.
//
// Numbers that no table names are shown as they are, "hash 07". Functions without state.
//
//   signature_names(capability.token_schemes);       // {"RSA-1024 SHA-1", "ECDSA P-256"}
#pragma once

#include <string>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::cli {

std::vector<std::string> hash_names(ByteView hashes);               // 83
std::vector<std::string> block_cipher_names(std::uint8_t ciphers);  // 84
std::vector<std::string> signature_names(ByteView schemes);         // 85, 86, 87
std::vector<std::string> curve_names(ByteView references);          // 88 (table B-2)
std::vector<std::string> key_size_names(std::uint8_t sizes);        // 82 of A0: "AES-128"

}  // namespace kagibin::cli
