// SPDX-License-Identifier: Apache-2.0
// What the examiner reads in a token of SoftHSM 2.6 with the token's PIN: its keys themselves. No
// hardware security module has this; here it shows which octets to look for everywhere else.
//
// A token is a folder: token.object, and one .object file a key, each a counter (8) and attributes
//
//   type (8) | 1 | flag (1)    type (8) | 2 | number (8)    type (8) | 3 | length (8) | octets
//
// in network order; octet strings of private objects are IV (16) | AES-256-CBC with PKCS #7. Their
// key is in attribute 8000534D of token.object: salt (8) | IV (16) | "RJR" and the key, encrypted
// under SHA-256 of salt and PIN, hashed 1500 times and the salt's last octet more often.
// Ownership: values. Thread-safety: values.
//
//   for (const TokenObject& object : KB_TRY(read_token(hsm.tokens(), "provider", pin))) { ... }
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli::demo {

struct TokenObject {
  std::string label;
  SecretBytes value;  // a scalar of P-256 (32), or an AES key
};

// The private and secret keys of the token of this label. kNotFound; kAuthentication for another
// PIN; kEncoding, kTruncated.
Result<std::vector<TokenObject>> read_token(const std::filesystem::path& tokens,
                                            std::string_view label,
                                            const SecretBytes& pin);

// The attributes of one file that are octet strings or flags, by their types.
Result<std::map<std::uint64_t, Bytes>> read_object_file(ByteView file);

}  // namespace kagibin::cli::demo
