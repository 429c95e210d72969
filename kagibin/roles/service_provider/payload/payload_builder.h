// SPDX-License-Identifier: Apache-2.0
// Turns a payload file into the actions for one element: every key source becomes a key.
//
// Derived keys: SP 800-108 counter mode with AES-CMAC, label "KB1-KDV", context SEID | target |
// KVN | KID. Keys that are not derived (literal, CSV) are bound to the element before they are
// used. check() asks the same questions without binding or drawing anything. Ownership: refers to
// all it is given. Thread-safety: one thread.
//
//   PayloadBuilder builder(payload, csv_files, keys, rng);
//   KB_TRY(builder.check(seids));
//   std::vector<envelope::Action> actions = KB_TRY(builder.build(seid));
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
#include "kagibin/roles/service_provider/payload/payload_file.h"

namespace kagibin::roles::service_provider {

using CsvFiles = std::map<std::string, KeyCsv, std::less<>>;

class PayloadBuilder {
 public:
  PayloadBuilder(const PayloadFile& payload, const CsvFiles& csv, KeyStore& keys, crypto::Rng& rng)
      : payload_(payload), csv_(csv), keys_(keys), rng_(rng) {}

  // Could all these elements be served? A literal key for more than one element is kPolicy.
  Checked<void> check(std::span<const Seid> seids) const;
  // The actions for this element; draws random keys and binds literal ones.
  Checked<std::vector<envelope::Action>> build(const Seid& seid);

 private:
  using KeyCheckValue = std::optional<std::array<std::uint8_t, 3>>;

  Checked<const crypto::DerivationKey*> master_key(const std::string& name) const;
  Checked<SecretBytes> derive(const DerivedKey& source, const Seid& seid) const;
  Checked<SecretBytes> from_csv(const CsvKey& source, const Seid& seid) const;
  Checked<SecretBytes> key(const KeySource& source, const Seid& seid);
  // One value of an action; `last` is the check value of the last key before it.
  Checked<SecretBytes> value(const PlannedValue& value, const Seid& seid, KeyCheckValue& last);
  Checked<std::optional<Bytes>> probe(const std::optional<PlannedProbe>& planned,
                                      const Seid& seid,
                                      KeyCheckValue& last);
  Checked<envelope::Action> put_key(const PlannedPutKey& planned, const Seid& seid);
  Checked<envelope::Action> store_data(const PlannedStoreData& planned, const Seid& seid);
  Checked<envelope::Action> command(const PlannedCommand& planned, const Seid& seid);

  const PayloadFile& payload_;
  const CsvFiles& csv_;
  KeyStore& keys_;
  crypto::Rng& rng_;
  mutable std::string master_name_{};  // of the last derivation; the key is wiped with the builder
  mutable std::optional<crypto::DerivationKey> master_{};
};

}  // namespace kagibin::roles::service_provider
