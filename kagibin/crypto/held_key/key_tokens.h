// SPDX-License-Identifier: Apache-2.0
// Where keys live that never leave: the port that token/pkcs11_tokens.h implements, so that roles
// use tokens without linking them.
//
// Keys are named by RFC 7512 URIs with an object or an id:
// "pkcs11:token=provider;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so". Opening a key
// asks the token everything that using it needs, so that a missing mechanism, a forbidden use or a
// key that the token would let out is said before anything is done. generate_* make the key inside
// the token: sensitive, not extractable; kConflict when the name is taken. Failures: those of
// token/token_failure.h. Thread-safety: may be shared.
//
//   const SigningKey key = KB_TRY(tokens.generate_signing_key(uri));
#pragma once

#include <cstddef>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/crypto/held_key/derivation_key.h"
#include "kagibin/crypto/held_key/joined_plaintext.h"
#include "kagibin/crypto/held_key/signing_key.h"

namespace kagibin::crypto {

class KeyTokens {
 public:
  KeyTokens() = default;
  KeyTokens(const KeyTokens&) = delete;
  KeyTokens& operator=(const KeyTokens&) = delete;
  virtual ~KeyTokens();

  virtual Result<SigningKey> signing_key(std::string_view uri) = 0;
  virtual Result<SigningKey> generate_signing_key(std::string_view uri) = 0;
  virtual Result<AgreementKey> agreement_key(std::string_view uri) = 0;
  virtual Result<AgreementKey> generate_agreement_key(std::string_view uri) = 0;
  // One that may sign too: its own certificate, once.
  virtual Result<AgreementKey> generate_exchange_key(std::string_view uri) = 0;
  virtual Result<DerivationKey> derivation_key(std::string_view uri) = 0;
  // `size`: 16, 24 or 32 octets.
  virtual Result<DerivationKey> generate_derivation_key(std::string_view uri, std::size_t size) = 0;
  // Takes a key that came from elsewhere: the token's own from now on, as one that was made there.
  virtual Result<DerivationKey> put_derivation_key(std::string_view uri,
                                                   const SecretBytes& key) = 0;

  // A master key whose derived keys a token seals inside where it lets only keys be wrapped whose
  // master key may be, too: this one may (CKA_EXTRACTABLE).
  virtual Result<DerivationKey> generate_wrappable_master_key(std::string_view uri,
                                                              std::size_t size) = 0;
  // Keys that are delivered, which leave under another key only (CKA_SENSITIVE, CKA_EXTRACTABLE);
  // and sealing them inside. Whoever asks for the first time has the token seal something that is
  // thrown away, and looks at it: kNotSupported names the mechanism that is missing.
  virtual Result<LongCheckValue> generate_wrap_only_key(std::string_view uri, std::size_t size) = 0;
  virtual Result<LongCheckValue> put_wrap_only_key(std::string_view uri,
                                                   const SecretBytes& key) = 0;
  // Also of a key that would be derived. kPolicy when it may not leave under any key, or would
  // leave in the clear.
  virtual Result<LongCheckValue> check_value(const KeyInToken& key) = 0;
  // `key_size`: of Kenc and Kmac, 16 or 32. kInvalidArgument for parts that are not as
  // joined_plaintext.h says; otherwise as code_for_orders() says, and nothing of it is left in the
  // token. kNotSupported also for keys in two tokens.
  virtual Result<SealedInToken> seal(const JoinedPlaintext& plaintext,
                                     const EcPublicKey& recipient,
                                     std::size_t key_size,
                                     const SealingContext& context) = 0;

  // That the token of this URI is there and takes our PIN; a key need not be named, or be there.
  virtual Result<void> reach(std::string_view uri) = 0;
  // Whether both URIs are of one token, by what it says of itself (label, manufacturer, model and
  // serial number), by whatever module it is reached.
  virtual Result<bool> in_one_token(std::string_view uri, std::string_view other) = 0;
  // Destroys the key, both halves of a pair. kNotFound when there is none.
  virtual Result<void> erase(std::string_view uri) = 0;
};

// The failure of one key in a token that was reached, for who works on many orders. kIo is what
// stands in the way of all of them and may pass: a token that is lost or busy, a PIN that it
// refuses. What concerns this key alone, and lasts, is kNotFound, kCrypto or kNotSupported: none of
// them ends the order, which is no fault of its element, or holds up another one.
Errc code_for_orders(Errc code);

}  // namespace kagibin::crypto
