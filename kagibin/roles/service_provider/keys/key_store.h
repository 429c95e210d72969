// SPDX-License-Identifier: Apache-2.0
// What the service provider keeps secret, at rest under its passphrase (crypto/record_folder.h).
//
// Few and long-lived keys are records of the folder: "signing_key" (SK.SP.SIG), "exchange_key" (for
// files sealed to us), "master.<name>", "literal.<name>" and "held.<name>"; the first three are the
// key itself or its place in a token (crypto/held_key/held_keys.h). What comes by the thousand or
// belongs to an order (channel key sets, payloads, KEM keys, Kr) is sealed under the same key and
// lies in the journal, so that it changes together with the order. A key that was not derived here
// serves one element for good: its first use binds it (journal record "literal_key", by the key's
// fingerprint SHA-256("KB1-KFP" | key)). The signing key, which every order asks for several times,
// is opened once and stays in memory, as the key that opens the records does; it is wiped with the
// store. Ownership: keeps references to the journal, the random source and the tokens, which may be
// null. Thread-safety: one thread.
//
//   KeyStore keys(KB_TRY(crypto::RecordFolder::open("provider/keys", passphrase)), journal, rng);
//   KB_TRY(keys.create_signing_key());
//   const DerivationKey master = KB_TRY(keys.master_key("fleet-2026"));
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/delivery/names.h"
#include "kagibin/roles/service_provider/keys/dual_control.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// A key set that opens a security domain's secure channel.
struct ChannelKeySet {
  std::uint8_t i = 0;  // SCP03 "i" as the issuer exported it; 00 when A delivered the set itself
  SecretBytes enc;
  SecretBytes mac;
  SecretBytes dek;
};

// As it lies under seal: i | Key-ENC | Key-MAC | Key-DEK. kLength unless the keys are AES keys of
// one size; kEncoding for octets that are none.
Result<SecretBytes> encode_key_set(const ChannelKeySet& keys);
Result<ChannelKeySet> decode_key_set(ByteView octets);

class KeyStore {
 public:
  KeyStore(crypto::RecordFolder records,
           delivery::JournalStore& journal,
           crypto::Rng& rng,
           crypto::KeyTokens* tokens = nullptr)
      : records_(std::move(records)), journal_(journal), rng_(rng), tokens_(tokens) {}

  // kConflict when there is one; kNotFound when there is none. kIo for a key in a token that cannot
  // be used now.
  Result<void> create_signing_key(const crypto::KeyPlace& place = {});
  // Both at once, made before there was a store.
  Result<void> keep_new_keys(const crypto::SigningKey& signing,
                             const crypto::AgreementKey& exchange);
  Checked<crypto::SigningKey> signing_key();
  Result<void> create_exchange_key(const crypto::KeyPlace& place = {});
  Checked<crypto::AgreementKey> exchange_key();
  // That key, to sign its own certificate.
  Checked<crypto::SigningKey> exchange_key_as_signer();

  // AES master keys for derivation, 16, 24 or 32 octets. kConflict when the name is taken.
  Checked<void> create_master_key(std::string_view name,
                                  std::size_t size_bytes,
                                  const crypto::KeyPlace& place = {});
  // Of two halves in two tokens (crypto/held_key/joined_halves.h).
  Checked<void> create_halved_master_key(std::string_view name,
                                         std::size_t size_bytes,
                                         const crypto::KeyPlace& left,
                                         const crypto::KeyPlace& right);
  // `token_uri`: where in a token it is to be, which does not have it yet; empty: a record.
  Checked<void> add_master_key(std::string_view name,
                               const SecretBytes& key,
                               const std::string& token_uri = {});
  Checked<crypto::DerivationKey> master_key(std::string_view name);
  // The key itself, which a key block is made of. kPolicy for one that is in a token.
  Checked<SecretBytes> master_key_octets(std::string_view name) const;
  bool has_master_key(std::string_view name) const;
  // Whether it is this key, wherever it is.
  Checked<bool> is_master_key(std::string_view name, const SecretBytes& key);
  // Where a long-term key is: its URI, or empty for a record. kNotFound.
  Result<std::string> signing_key_uri() { return held().token_uri("signing_key"); }

  // KEM keys, one an attempt, in memory, or in the token that keep_kem_keys_in() named: a URI of a
  // token without a key. `record` is what to seal, the key or its place in the token.
  struct NewKemKey {
    SecretBytes record;
    crypto::EcPublicKey point;
  };
  Result<void> keep_kem_keys_in(std::string_view token_uri);
  bool makes_kem_keys_in_token() const { return records_.contains("kem_token"); }
  // From now on in memory again; those that are in a token stay there until they are over.
  Result<void> keep_kem_keys_in_memory();
  // `now` stands in the note that tells of a key in a token that no attempt came to name
  // (kem_key_sweep.h).
  Checked<NewKemKey> make_kem_key(const delivery::OrderId& order,
                                  delivery::AttemptNumber attempt,
                                  std::int64_t now);
  // Of a record that is a place in a token (crypto::is_place_in_token). kIo for the token, which
  // all orders wait for; crypto::code_for_orders() for this key.
  Checked<crypto::AgreementKey> kem_key_in_token(ByteView record) const;
  // True when there was one to erase.
  Checked<bool> erase_kem_key_in_token(ByteView record) const;
  Checked<bool> erase_kem_key_named(const std::string& uri) const;

  // Under dual control (dual_control.h): such a key needs the second custodian's passphrase
  // besides, which `ask` is called for once, when it is first needed. kPolicy without it.
  Checked<void> create_second_custodian(const SecretBytes& passphrase,
                                        crypto::ScryptCost cost = {});
  bool has_second_custodian() const;
  void on_second_custodian(std::function<Result<SecretBytes>()> ask) { ask_ = std::move(ask); }
  // Asks now. kAuthentication for another passphrase than was set.
  Checked<void> admit_second_custodian() const;
  Checked<void> add_dual_master_key(std::string_view name, const SecretBytes& key);

  // AES keys as they are, for one element each; those that came as key blocks are read alike.
  Checked<void> add_literal_key(std::string_view name, const SecretBytes& key);
  Checked<SecretBytes> literal_key(std::string_view name) const;

  // Records beside those above, by their names (keys/blocks/block_keys.h).
  Result<SecretBytes> record(std::string_view record_name) const {
    return records_.get(record_name);
  }
  bool has_record(std::string_view record_name) const { return records_.contains(record_name); }
  Result<void> put_record(std::string_view record_name, const SecretBytes& content) {
    return records_.put(record_name, content.expose(), rng_);
  }
  Result<void> put_new_record(std::string_view record_name, const SecretBytes& content) {
    return records_.put_new(record_name, content.expose(), rng_);
  }
  // Null where there is no way to tokens.
  crypto::KeyTokens* tokens() const { return tokens_; }
  // The token that a master key is in, by the key's URI; empty for a record. kNotFound.
  Result<std::string> master_key_uri(std::string_view name) {
    return held().token_uri(std::string("master.").append(name));
  }
  Result<void> erase_record(std::string_view record_name) { return records_.erase(record_name); }
  Result<std::vector<std::string>> record_names(std::string_view prefix) const {
    return records_.names(prefix);
  }
  delivery::JournalStore& journal() { return journal_; }

  // Binds a key that was not derived here (literal, or from a CSV file) to its element for good;
  // kPolicy when it belongs to another one. `name` is what the message calls it.
  Checked<void> claim_key(std::string_view name, const SecretBytes& key, const Seid& seid);
  // The same question without binding.
  Checked<void> check_claim(std::string_view name, const SecretBytes& key, const Seid& seid) const;

  // Channel key sets by element, security domain and key version; a new one replaces.
  Result<void> put_channel_keys(const Seid& seid,
                                const Aid& security_domain,
                                std::uint8_t key_version,
                                const ChannelKeySet& keys);
  Result<std::optional<ChannelKeySet>> channel_keys(const Seid& seid,
                                                    const Aid& security_domain,
                                                    std::uint8_t key_version) const;
  Result<void> forget_channel_keys(const Seid& seid,
                                   const Aid& security_domain,
                                   std::uint8_t key_version);
  // All sets of the domain but one: the card has no others.
  Result<void> forget_other_channel_keys(const Seid& seid,
                                         const Aid& security_domain,
                                         std::uint8_t kept_version);

  // Blobs for the journal; the label says what and whose they are.
  Result<Bytes> seal(std::string_view label, ByteView secret) {
    return records_.seal(label, secret, rng_);
  }
  Result<SecretBytes> unseal(std::string_view label, ByteView blob) const {
    return records_.unseal(label, blob);
  }

 private:
  crypto::HeldKeys held() { return {records_, tokens_}; }
  Checked<void> add_aes_key(std::string_view prefix, std::string_view name, const SecretBytes& key);
  Checked<SecretBytes> aes_key(std::string_view prefix, std::string_view name) const;
  // Why others have the key that is in a token already, where it is one that is marked under
  // another name (exposed_keys.h).
  Result<std::optional<std::uint8_t>> mark_of_key_at(const crypto::KeyPlace& place);
  Checked<SecretBytes> dual_master_key(std::string_view name) const;
  Checked<void> refuse_taken_master(std::string_view name) const;

  crypto::RecordFolder records_;
  delivery::JournalStore& journal_;
  crypto::Rng& rng_;
  crypto::KeyTokens* tokens_;
  std::function<Result<SecretBytes>()> ask_;
  mutable std::optional<DualControl> second_;      // once it was asked for
  std::optional<crypto::SigningKey> signing_key_;  // once it was asked for
};

}  // namespace kagibin::roles::service_provider
