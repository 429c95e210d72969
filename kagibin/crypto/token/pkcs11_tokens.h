// SPDX-License-Identifier: Apache-2.0
// Keys in PKCS#11 tokens (v2.40; v3.0 for one mechanism), through p11-kit: the tokens behind the
// port held_key/key_tokens.h.
//
// A token is opened when the first key in it is asked for, and all keys in it share its sessions
// and its login (token.h). Limits: 1 to 64 sessions a token. Ownership: the keys it hands out keep
// their token open, also after this object is gone. Thread-safety: may be shared.
//
//   Pkcs11Tokens tokens([&](const TokenUri& uri) { return read_pin(uri); });
//   const SigningKey key = KB_TRY(tokens.signing_key("pkcs11:token=provider;object=signing"));
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "kagibin/crypto/held_key/key_tokens.h"
#include "kagibin/crypto/token/token.h"

namespace kagibin::crypto::token {

inline constexpr std::size_t kUsualSessions = 4;

class Pkcs11Tokens final : public KeyTokens {
 public:
  explicit Pkcs11Tokens(PinSource pin, std::size_t sessions = kUsualSessions)
      : pin_(std::move(pin)), sessions_(sessions) {}

  Result<SigningKey> signing_key(std::string_view uri) override;
  Result<SigningKey> generate_signing_key(std::string_view uri) override;
  Result<AgreementKey> agreement_key(std::string_view uri) override;
  Result<AgreementKey> generate_agreement_key(std::string_view uri) override;
  Result<AgreementKey> generate_exchange_key(std::string_view uri) override;
  Result<DerivationKey> derivation_key(std::string_view uri) override;
  Result<DerivationKey> generate_derivation_key(std::string_view uri, std::size_t size) override;
  Result<DerivationKey> put_derivation_key(std::string_view uri, const SecretBytes& key) override;
  Result<DerivationKey> generate_wrappable_master_key(std::string_view uri,
                                                      std::size_t size) override;
  Result<LongCheckValue> generate_wrap_only_key(std::string_view uri, std::size_t size) override;
  Result<LongCheckValue> put_wrap_only_key(std::string_view uri, const SecretBytes& key) override;
  Result<LongCheckValue> check_value(const KeyInToken& key) override;
  Result<SealedInToken> seal(const JoinedPlaintext& plaintext,
                             const EcPublicKey& recipient,
                             std::size_t key_size,
                             const SealingContext& context) override;
  Result<void> reach(std::string_view uri) override;
  Result<bool> in_one_token(std::string_view uri, std::string_view other) override;
  Result<void> erase(std::string_view uri) override;

  // The token itself, which the URI may name without a key.
  Result<std::shared_ptr<Token>> token(std::string_view uri);

 private:
  struct Named {
    std::shared_ptr<Token> token;
    std::shared_ptr<const TokenUri> uri;
  };
  // kValue when the URI names no key.
  Result<Named> find(std::string_view uri);

  // Once a token and key size.
  Result<void> rehearse(const std::shared_ptr<Token>& token, std::size_t key_size);

  PinSource pin_;
  std::size_t sessions_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Token>, std::less<>> tokens_;
  std::map<std::string, Error, std::less<>> refused_;  // whose PIN was wrong: not tried again
  std::mutex rehearsal_mutex_;
  std::set<std::pair<const Token*, std::size_t>> rehearsed_;
};

}  // namespace kagibin::crypto::token
