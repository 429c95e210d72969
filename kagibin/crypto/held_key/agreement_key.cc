// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/agreement_key.h"

#include "kagibin/crypto/ec/ecdh.h"

namespace kagibin::crypto {
namespace {

class InMemory final : public AgreementKey::Holder {
 public:
  explicit InMemory(EcPrivateKey key) : key_(std::move(key)) {}
  EcPublicKey public_key() const override { return key_.public_key(); }
  const EcPrivateKey* in_memory() const override { return &key_; }
  Result<SecretArray<32>> agree(const EcPublicKey& peer) const override { return ecdh(key_, peer); }

 private:
  EcPrivateKey key_;
};

}  // namespace

AgreementKey::AgreementKey(const EcPrivateKey& key)
    : holder_(std::make_shared<const InMemory>(key.duplicate())) {}

}  // namespace kagibin::crypto
