// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/labeled_hkdf.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/hmac_sha256.h"
#include "kagibin/crypto/kdf/hkdf.h"

namespace kagibin::crypto {

namespace {

constexpr std::string_view kHpkeVersion = "HPKE-v1";

}  // namespace

SecretArray<32> labeled_extract(ByteView suite_id,
                                ByteView salt,
                                std::string_view label,
                                ByteView ikm) {
  return hmac_sha256(salt, {ascii(kHpkeVersion), suite_id, ascii(label), ikm});
}

Result<SecretBytes> labeled_expand(
    ByteView suite_id, ByteView prk, std::string_view label, ByteView info, std::size_t size) {
  ByteWriter labeled;
  labeled.u16(static_cast<std::uint16_t>(size))
      .bytes(ascii(kHpkeVersion))
      .bytes(suite_id)
      .bytes(ascii(label))
      .bytes(info);
  return hkdf_expand(HkdfHash::kSha256, prk, labeled.view(), size);
}

}  // namespace kagibin::crypto
