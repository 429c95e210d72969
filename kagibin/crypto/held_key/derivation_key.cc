// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/derivation_key.h"

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/kdf/kdf.h"

namespace kagibin::crypto {
namespace {

class InMemory final : public DerivationKey::Holder {
 public:
  explicit InMemory(SecretBytes key) : key_(std::move(key)) {}
  Result<SecretBytes> diversify(ByteView label, ByteView context, std::size_t size) const override {
    return diversify_cmac(key_.expose(), label, context, size);
  }

 private:
  SecretBytes key_;
};

}  // namespace

Result<DerivationKey> DerivationKey::in_memory(SecretBytes key) {
  if (!is_aes_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "a master key is an AES key: 16, 24 or 32 octets");
  }
  return DerivationKey(std::make_shared<const InMemory>(std::move(key)));
}

}  // namespace kagibin::crypto
