// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/signing_key.h"

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/ec/ecdsa_digest.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kAdditionalInputSize = 32;

class InMemory final : public SigningKey::Holder {
 public:
  explicit InMemory(EcPrivateKey key) : key_(std::move(key)) {}
  EcPublicKey public_key() const override { return key_.public_key(); }
  const EcPrivateKey* in_memory() const override { return &key_; }
  // The same draw and the same signature as ecdsa_sign_raw's.
  Result<Bytes> sign_digest(const Digest256& digest, Rng& rng) const override {
    SecretArray<kAdditionalInputSize> additional_input;
    KB_TRY(rng.fill(additional_input.expose_mutable()));
    const RawSignature raw = KB_TRY(ecdsa_sign_digest(key_, digest, additional_input.expose()));
    return Bytes(raw.begin(), raw.end());
  }

 private:
  EcPrivateKey key_;
};

}  // namespace

SigningKey::SigningKey(const EcPrivateKey& key)
    : holder_(std::make_shared<const InMemory>(key.duplicate())) {}

Result<Bytes> SigningKey::sign_raw(std::initializer_list<ByteView> message, Rng& rng) const {
  return holder_->sign_digest(sha256(message), rng);
}

Result<Bytes> SigningKey::sign_der(std::initializer_list<ByteView> message, Rng& rng) const {
  return ecdsa_raw_to_der(KB_TRY(sign_raw(message, rng)));
}

}  // namespace kagibin::crypto
