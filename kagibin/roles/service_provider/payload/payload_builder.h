// SPDX-License-Identifier: Apache-2.0
// Turns a payload file into the actions for one element: every key source becomes a key.
//
// Derived keys: SP 800-108 counter mode with AES-CMAC, label "KB1-KDV", context SEID | target |
// KVN | KID. Keys that are not derived (literal, CSV) are bound to the element before they are
// used. Keys that are in a token (keys/token_element_keys.h), and keys derived from a master key in
// one where `is_token_only`, stay there: the payload has their check values alone. check() asks the
// same questions without binding or drawing anything. Ownership: refers to all it is given.
// Thread-safety: one thread.
//
//   PayloadBuilder builder(payload, csv_files, keys, rng);
//   KB_TRY(builder.check(seids));
//   OrderPayload actions = KB_TRY(builder.build(seid));
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kagibin/crypto/rng.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/roles/service_provider/keys/key_csv.h"
#include "kagibin/roles/service_provider/keys/key_store.h"
#include "kagibin/roles/service_provider/payload/order_payload.h"
#include "kagibin/roles/service_provider/payload/payload_file.h"

namespace kagibin::roles::service_provider {

using CsvFiles = std::map<std::string, KeyCsv, std::less<>>;

class PayloadBuilder {
 public:
  PayloadBuilder(const PayloadFile& payload,
                 const CsvFiles& csv,
                 KeyStore& keys,
                 crypto::Rng& rng,
                 bool is_token_only = false)
      : payload_(payload), csv_(csv), keys_(keys), rng_(rng), is_token_only_(is_token_only) {}

  // Could all these elements be served? A literal key for more than one element is kPolicy.
  Checked<void> check(std::span<const Seid> seids) const;
  // The actions for this element; draws random keys and binds literal ones.
  Checked<OrderPayload> build(const Seid& seid);
  // Whether keys of the payload stay in a token; and whether all that it puts does.
  bool has_token_keys() const;
  bool is_sealed_inside() const;

 private:
  using KeyCheckValue = std::optional<std::array<std::uint8_t, 3>>;

  bool stays_in_token(const KeySource& source) const;
  struct InToken {
    crypto::KeyInToken key;
    crypto::LongCheckValue check_value{};
  };
  // Of a source that stays_in_token().
  Checked<InToken> find_in_token(const KeySource& source, const Seid& seid) const;
  Bytes derivation_context(const DerivedKey& source, const Seid& seid) const;
  Checked<const crypto::DerivationKey*> master_key(const std::string& name) const;
  Checked<SecretBytes> derive(const DerivedKey& source, const Seid& seid) const;
  Checked<SecretBytes> from_csv(const CsvKey& source, const Seid& seid) const;
  Checked<SecretBytes> key(const KeySource& source, const Seid& seid);
  // One value of an action; `last` is the check value of the last key before it.
  Checked<SecretBytes> value(const PlannedValue& value, const Seid& seid, KeyCheckValue& last);
  Checked<std::optional<Bytes>> probe(const std::optional<PlannedProbe>& planned,
                                      const Seid& seid,
                                      KeyCheckValue& last);
  // Keys that stay in a token are added to `held`, as of the next action.
  Checked<envelope::Action> put_key(const PlannedPutKey& planned,
                                    const Seid& seid,
                                    OrderPayload& out);
  Checked<envelope::Action> store_data(const PlannedStoreData& planned, const Seid& seid);
  Checked<envelope::Action> command(const PlannedCommand& planned, const Seid& seid);

  const PayloadFile& payload_;
  const CsvFiles& csv_;
  KeyStore& keys_;
  crypto::Rng& rng_;
  bool is_token_only_;
  mutable std::string master_name_{};  // of the last derivation; the key is wiped with the builder
  mutable std::optional<crypto::DerivationKey> master_{};
};

}  // namespace kagibin::roles::service_provider
