// SPDX-License-Identifier: Apache-2.0
// Channel key sets that came out of a confidential set-up (Amendment A, scenario 3), before and
// after the domain is known to have taken them.
//
// A set is kept before its request leaves, for the answer may be lost; it waits beside others of
// the same name, none of which replaces another, and no order uses it. Who sees the domain open
// with one of them adopts it: then it is the channel key set of that name, and known to be agreed
// on, not exported to us. Records "agreement" (sealed) and "agreed_keys" (fingerprint) of the
// journal. Ownership: refers to store and journal. Thread-safety: one thread.
//
//   AgreedKeys agreed(journal, keys, {seid, domain, 0x31});
//   KB_TRY(agreed.keep(set));                 // before the request
//   KB_TRY(agreed.adopt(set));                // the domain opens with it
#pragma once

#include <vector>

#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct DomainKeyName {
  Seid seid;
  Aid security_domain;
  std::uint8_t key_version = 0;
};

class AgreedKeys {
 public:
  AgreedKeys(delivery::JournalStore& journal, KeyStore& keys, DomainKeyName name)
      : journal_(journal), keys_(keys), name_(name) {}

  Result<void> keep(const ChannelKeySet& set);
  // Those that wait under this name.
  Result<std::vector<ChannelKeySet>> waiting() const;
  // Replaces the channel key set of this name and forgets what waits.
  Result<void> adopt(const ChannelKeySet& set);
  // True when the channel key set of this name was adopted here and is this one.
  Result<bool> is_agreed(const ChannelKeySet& set) const;

 private:
  Bytes name() const;
  delivery::JournalStore& journal_;
  KeyStore& keys_;
  DomainKeyName name_;
};

}  // namespace kagibin::roles::service_provider
