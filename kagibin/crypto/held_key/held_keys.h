// SPDX-License-Identifier: Apache-2.0
// The long-term keys of a role, by name: each a record of its folder that is the key itself, or the
// place of a key in a token. Whoever uses them need not know which.
//
// A key in a token has the record
//
//   "KBT1" | public point (65), or check value of a master key (8) | URI (RFC 7512)
//
// and a master key of two halves in two tokens (joined_halves.h)
//
//   "KBT2" | check value of each half (8, 8) | length of the first URI (2) | both URIs
//
// so that a token that was exchanged for another is seen: the point, or the check value
// diversify("KB1-CHK", "KB1-CHK", 8), has to be what the token answers (kUntrusted). A key itself
// is at most 32 octets, such a record never less than 33. Failures: those of records
// (record_folder.h) and of tokens (key_tokens.h); kNotSupported where a key is in a token and there
// is no way to tokens. Ownership: refers to the folder, and to `tokens`, which may be null.
// Thread-safety: one thread.
//
//   const HeldKeys keys(records, tokens);
//   KB_TRY(keys.make_signing_key("signing_key", {.uri = uri, .is_made_there = true}, rng));
//   const SigningKey key = KB_TRY(keys.signing_key("signing_key"));
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kagibin/crypto/held_key/key_tokens.h"
#include "kagibin/crypto/record/record_folder.h"

namespace kagibin::crypto {

// Where a new key is to be.
struct KeyPlace {
  std::string uri{};            // empty: in a record of the folder
  bool is_made_there = false;   // else the token has it already
  bool may_be_wrapped = false;  // a master key that is made (KeyTokens)
};

// A key before there is a folder to keep its place in. kNotSupported for a token that is not there.
Result<SigningKey> new_signing_key(const KeyPlace& place, KeyTokens* tokens, Rng& rng);
Result<AgreementKey> new_exchange_key(const KeyPlace& place, KeyTokens* tokens, Rng& rng);

// What founding a role made so far. Unless all went well it is taken back: nobody used it yet, and
// the next try finds tokens and disk as this one did.
class Founding {
 public:
  explicit Founding(KeyTokens* tokens) : tokens_(tokens) {}
  Founding(const Founding&) = delete;
  Founding& operator=(const Founding&) = delete;
  ~Founding();
  // They were made just now.
  void note_key(const KeyPlace& place);
  void note_folder(std::filesystem::path records) { folder_ = std::move(records); }
  void keep();

 private:
  KeyTokens* tokens_;
  std::vector<std::string> uris_;
  std::filesystem::path folder_;
};

class HeldKeys {
 public:
  HeldKeys(RecordFolder& records, KeyTokens* tokens) : records_(records), tokens_(tokens) {}

  // kConflict when there is a record of this name; nothing is made then.
  Result<void> make_signing_key(std::string_view name, const KeyPlace& place, Rng& rng) const;
  Result<void> make_exchange_key(std::string_view name, const KeyPlace& place, Rng& rng) const;
  // `size`: 16, 24 or 32 octets, of a key that is made.
  Result<void> make_derivation_key(std::string_view name,
                                   std::size_t size,
                                   const KeyPlace& place,
                                   Rng& rng) const;
  // A key that came from elsewhere, into a token that does not have it yet.
  Result<void> put_derivation_key(std::string_view name,
                                  const SecretBytes& key,
                                  const std::string& uri,
                                  Rng& rng) const;
  // A master key of two halves in two tokens, both made there or both there already. kConflict for
  // one token, or one key, in the place of two; kNotSupported as above.
  Result<void> make_halved_key(std::string_view name,
                               std::size_t size,
                               const KeyPlace& left,
                               const KeyPlace& right,
                               Rng& rng) const;
  // Writes the record of a key that is there already, over an older one.
  Result<void> put(std::string_view name, const SigningKey& key, Rng& rng) const;
  Result<void> put(std::string_view name, const AgreementKey& key, Rng& rng) const;

  Result<SigningKey> signing_key(std::string_view name) const;
  Result<AgreementKey> agreement_key(std::string_view name) const;
  Result<DerivationKey> derivation_key(std::string_view name) const;
  // What tells one master key from another and does not give it, of a record or a place in a token
  // (which is not asked); empty for one of two halves.
  Result<SecretBytes> derivation_check(std::string_view name) const;
  // The same of a key in a token.
  Result<SecretBytes> derivation_check_at(std::string_view uri) const;
  // Empty for a key that is a record; of two halves both, with " and " between.
  Result<std::string> token_uri(std::string_view name) const;

 private:
  Result<KeyTokens*> tokens() const;
  Result<void> refuse_taken(std::string_view name) const;

  RecordFolder& records_;
  KeyTokens* tokens_;
};

// The contents of such a record, for keys whose records lie elsewhere (KEM keys of orders).
bool is_place_in_token(ByteView record);
SecretBytes place_in_token(const AgreementKey& key);
// kEncoding for a record of another kind.
Result<std::string> token_uri_of(ByteView record);
Result<AgreementKey> agreement_key_at(ByteView record, KeyTokens* tokens);

}  // namespace kagibin::crypto
