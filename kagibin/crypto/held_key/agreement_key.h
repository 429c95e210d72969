// SPDX-License-Identifier: Apache-2.0
// A private key on P-256 that agrees on a shared value, wherever it is held (signing_key.h): Z of
// SP 800-56A, 5.7.1.2, 32 octets. From a token Z comes out for as long as one message is opened;
// the key does not.
//
// Ownership: a handle; copies share one holder. Thread-safety: const use may be shared.
//
//   const SecretArray<32> z = KB_TRY(key.agree(ephemeral));
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec/ec_key.h"

namespace kagibin::crypto {

class AgreementKey {
 public:
  class Holder {
   public:
    Holder() = default;
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    virtual ~Holder() = default;
    virtual EcPublicKey public_key() const = 0;
    virtual Result<SecretArray<32>> agree(const EcPublicKey& peer) const = 0;
    virtual const EcPrivateKey* in_memory() const { return nullptr; }
    virtual std::string_view token_uri() const { return {}; }
  };

  // Keeps a copy of the key.
  // NOLINTNEXTLINE(google-explicit-constructor): whoever has the key itself may agree with it
  AgreementKey(const EcPrivateKey& key);
  explicit AgreementKey(std::shared_ptr<const Holder> holder) : holder_(std::move(holder)) {}

  EcPublicKey public_key() const { return holder_->public_key(); }
  // The key itself where it is in this process's memory; null where it is in a token.
  const EcPrivateKey* in_memory() const { return holder_->in_memory(); }
  // Its name (RFC 7512) where it is in a token; empty where it is not.
  std::string_view token_uri() const { return holder_->token_uri(); }
  // kCrypto and what a token answers.
  Result<SecretArray<32>> agree(const EcPublicKey& peer) const { return holder_->agree(peer); }

 private:
  std::shared_ptr<const Holder> holder_;
};

}  // namespace kagibin::crypto
