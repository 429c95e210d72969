// SPDX-License-Identifier: Apache-2.0
// Channel key sets that the security module manager gives to the service provider (protocol,
// section 2), as the octets that the manager then seals with CMS. TLV, never JSON, for it holds
// keys.
//
//   file    one or more records, nothing between or behind
//   record  EA { 80 01 version 01 | 81 01-10 IIN | 82 01-10 CIN | 83 05-10 SD AID | 84 01 KVN
//                85 01 SCP03 i | 86 Key-ENC | 87 Key-MAC | 88 Key-DEK }     (keys of 10, 18 or 20,
//                all of one length)
//
// Limits: 10,000 records. The octets are written once into memory that is wiped. Nothing here
// encrypts.
//
//   const SecretBytes content = KB_TRY(encode_key_exports(exports));
//   const std::vector<KeyExport> exports = KB_TRY(decode_key_exports(content.expose()));
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::delivery {

inline constexpr std::size_t kMaxKeyExports = 10'000;

struct KeyExport {
  Bytes iin{};
  Bytes cin{};
  Aid security_domain;
  std::uint8_t key_version_number = 0;
  std::uint8_t i = 0;  // SCP03 "i" parameter
  SecretBytes key_enc{};
  SecretBytes key_mac{};
  SecretBytes key_dek{};
};

// kInvalidArgument when a field has a length that the table does not allow.
Result<SecretBytes> encode_key_exports(std::span<const KeyExport> exports);
Result<std::vector<KeyExport>> decode_key_exports(ByteView octets);

}  // namespace kagibin::delivery
