// SPDX-License-Identifier: Apache-2.0
// LabeledExtract and LabeledExpand of RFC 9180, section 4, with HKDF-SHA256. For crypto/hpke only.
//
//   LabeledExtract(salt, label, ikm)    HKDF-Extract(salt, "HPKE-v1" | suite id | label | ikm)
//   LabeledExpand(prk, label, info, L)
//       HKDF-Expand(prk, L (2) | "HPKE-v1" | suite id | label | info, L)
//
// Thread-safety: functions.
//
//   const SecretArray<32> prk = labeled_extract(suite_id, {}, "eae_prk", dh.expose());
#pragma once

#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

// Precondition: the salt has at most 64 octets.
SecretArray<32> labeled_extract(ByteView suite_id,
                                ByteView salt,
                                std::string_view label,
                                ByteView ikm);
// kInvalidArgument beyond 255 blocks.
Result<SecretBytes> labeled_expand(
    ByteView suite_id, ByteView prk, std::string_view label, ByteView info, std::size_t size);

}  // namespace kagibin::crypto
