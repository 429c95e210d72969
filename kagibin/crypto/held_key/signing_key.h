// SPDX-License-Identifier: Apache-2.0
// A private key on P-256 that signs, wherever it is held: in memory, opened from an encrypted
// record, or in a token that never lets it out (crypto/token/). Who signs need not know which.
//
// ECDSA with SHA-256 (FIPS 186-5) in the two forms of this protocol, as in ecdsa.h. A key in memory
// draws from `rng`, so that a fixed source gives a fixed signature; a token draws from its own
// source. Ownership: a handle; copies share one holder. Thread-safety: const use may be shared.
//
//   const SigningKey key = KB_TRY(records.signing_key("signing_key"));
//   const Bytes signature = KB_TRY(key.sign_der({ascii("KB1-ENR"), tlvs}, rng));
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

class SigningKey {
 public:
  // Where a key lies.
  class Holder {
   public:
    Holder() = default;
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    virtual ~Holder() = default;
    virtual EcPublicKey public_key() const = 0;
    // r | s, 64 octets.
    virtual Result<Bytes> sign_digest(const Digest256& digest, Rng& rng) const = 0;
    // The key itself where it is in this process's memory; null where it is in a token.
    virtual const EcPrivateKey* in_memory() const { return nullptr; }
    // Its name (RFC 7512) where it is in a token.
    virtual std::string_view token_uri() const { return {}; }
  };

  // Keeps a copy of the key.
  // NOLINTNEXTLINE(google-explicit-constructor): whoever has the key itself may sign with it
  SigningKey(const EcPrivateKey& key);
  explicit SigningKey(std::shared_ptr<const Holder> holder) : holder_(std::move(holder)) {}

  EcPublicKey public_key() const { return holder_->public_key(); }
  const EcPrivateKey* in_memory() const { return holder_->in_memory(); }
  std::string_view token_uri() const { return holder_->token_uri(); }

  // Minimal DER, or r | s. kCrypto and what a token answers (crypto/token/token_failure.h).
  Result<Bytes> sign_der(std::initializer_list<ByteView> message, Rng& rng) const;
  Result<Bytes> sign_raw(std::initializer_list<ByteView> message, Rng& rng) const;
  Result<Bytes> sign_digest(const Digest256& digest, Rng& rng) const {
    return holder_->sign_digest(digest, rng);
  }

 private:
  std::shared_ptr<const Holder> holder_;
};

}  // namespace kagibin::crypto
