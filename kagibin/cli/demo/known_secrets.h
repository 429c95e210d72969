// SPDX-License-Identifier: Apache-2.0
// The secrets of one deployment, collected by the examiner who may look everywhere: the stores of
// A, C, E and M with their passphrases, and the element's memory (promises, I5).
//
// Keys that live for a step only are collected while they live: call each collect function at its
// time. What stands here leaves the process in no form. Ownership: keeps the secrets, wiped at the
// end. Thread-safety: one thread.
//
//   KnownSecrets secrets = KB_TRY(KnownSecrets::open(site, seid));
//   KB_TRY(secrets.collect_long_lived());        // after the roles were founded
//   KB_TRY(secrets.collect_enrolment());         // after step 1: skE, SK.SP.KEM
//   KB_TRY(secrets.collect_delivery());          // after step 2: Kr; after step 5: the new set
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kagibin/cli/demo/cast.h"
#include "kagibin/cli/demo/hsm/examiners_tokens.h"
#include "kagibin/cli/solver/solver.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::cli::demo {

struct Secret {
  std::string name;
  SecretBytes value;
  bool issued_by_manager = false;  // C holds it by right
};

class KnownSecrets {
 public:
  static Outcome<std::unique_ptr<KnownSecrets>> open(const Site& site,
                                                     const ElementInReader& element);

  Outcome<void> collect_long_lived();
  // RL4, after prepare_rl4().
  Outcome<void> collect_prepared();
  Outcome<void> collect_enrolment();
  Outcome<void> collect_receipt_key();
  Outcome<void> collect_delivered();
  // E2 as it was sent, with the hash of the statement it belongs to. After step 2.
  Outcome<SealedEnvelope> envelope() const;
  void add(std::string name, ByteView value, bool issued_by_manager = false);

  const std::vector<Secret>& all() const { return all_; }
  // Those keys of A, C, E and M that are used for longer than a step, and each SK.SP.KEM: they
  // ought to be in the token of each that has one. C's own are here alone.
  const std::vector<Secret>& long_term() const { return long_term_; }
  // What A's journal has of the attempt's KEM key, opened: the key, or its place in A's token.
  const SecretBytes& kem_record() const { return kem_record_; }
  // The secret of this name as a key on P-256.
  Outcome<crypto::EcPrivateKey> key(std::string_view name) const;
  // As A keeps them: C's first set, and the one that was delivered (both empty before collected).
  const roles::service_provider::ChannelKeySet& first() const { return first_; }
  const roles::service_provider::ChannelKeySet& delivered() const { return delivered_; }
  // RL3: on which A and the domain agreed. RL4: A's first own set.
  const roles::service_provider::ChannelKeySet& agreed() const { return agreed_; }
  const SecretBytes& static_dek() const { return static_dek_; }  // RL4

 private:
  KnownSecrets(const Site& site, const ElementInReader& element)
      : site_(site), element_(element), tokens_(site) {}
  // A key that a record is, or names the place of.
  Result<SecretBytes> key_of(SecretBytes record) const;
  Outcome<void> add_records(Role role,
                            std::initializer_list<std::pair<const char*, const char*>> names,
                            bool for_all = true);
  Outcome<void> add_channel_keys(std::uint8_t version,
                                 const char* name,
                                 bool issued_by_manager,
                                 roles::service_provider::ChannelKeySet& out);
  Outcome<void> add_element_keys();
  // RL2: SK.SD.ECKA, out of the domain's keys in the element's memory.
  Outcome<void> add_domain_key();
  Outcome<void> add_managers_keys();

  const Site& site_;
  const ElementInReader& element_;
  ExaminersTokens tokens_;
  crypto::SystemRng rng_;
  std::unique_ptr<delivery::JournalStore> journal_;
  std::optional<roles::service_provider::KeyStore> keys_;
  roles::service_provider::ChannelKeySet first_;
  roles::service_provider::ChannelKeySet delivered_;
  roles::service_provider::ChannelKeySet agreed_;
  SecretBytes static_dek_;
  SecretBytes kem_record_;
  std::vector<Secret> all_;
  std::vector<Secret> long_term_;
};

// C's own private keys.
Outcome<std::vector<crypto::EcPrivateKey>> manager_private_keys(const Site& site);
// C's key set of the target, from C's own store: what C holds by right.
Outcome<delivery::KeyExport> manager_key_set(const Site& site, const ElementInReader& element);

}  // namespace kagibin::cli::demo
