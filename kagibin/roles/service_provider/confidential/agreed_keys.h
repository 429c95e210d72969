// SPDX-License-Identifier: Apache-2.0
// Channel key sets that came out of a confidential set-up (Amendment A, scenario 3), before and
// after the domain is known to have taken them.
//
// A set is kept before its request leaves, for the answer may be lost; it waits beside others of
// the same name, none of which replaces another, and no order uses it. Who sees the domain open
// with one of them adopts it: then it is the channel key set of that name, and known to be agreed
// on, not exported to us. A set whose request had the domain's other keys deleted (b1 of the
// parameters, setup_reference.h) is then the only one that we hold for the domain: the others are
// on no card any more. Sets that wait under other names stay: a request that was held back may
// still come. Records "pinned_agreement" (sealed: key set, and 01 when it replaces all) and
// "pinned_agreed_keys" (fingerprint) of the journal. Ownership: refers to store and journal.
// Thread-safety: one thread.
//
//   AgreedKeys agreed(journal, keys, {seid, domain, 0x31});
//   KB_TRY(agreed.keep({std::move(keys), true}));   // before the request
//   KB_TRY(agreed.adopt(set));                      // the domain opens with it
#pragma once

#include <vector>

#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct DomainKeyName {
  Seid seid;
  Aid security_domain;
  std::uint8_t key_version = 0;
};

// The name of records about this set. The AID stands last: it alone has no fixed length.
Bytes record_name(const DomainKeyName& name);
// SHA-256("KB1-KFP" | Key-ENC | Key-MAC | Key-DEK).
crypto::Digest256 fingerprint_of(const ChannelKeySet& set);

struct AgreedSet {
  ChannelKeySet keys;
  bool replaces_all = false;  // the domain's other keys go
};

class AgreedKeys {
 public:
  AgreedKeys(delivery::JournalStore& journal, KeyStore& keys, DomainKeyName name)
      : journal_(journal), keys_(keys), name_(name) {}

  Result<void> keep(const AgreedSet& set);
  // Those that wait under this name.
  Result<std::vector<AgreedSet>> waiting() const;
  // Replaces the channel key set of this name, and forgets what waits under it; with replaces_all
  // the domain's other sets, too.
  Result<void> adopt(const AgreedSet& set);
  // True when the channel key set of this name was adopted here and is this one.
  Result<bool> is_agreed(const ChannelKeySet& set) const;

 private:
  delivery::JournalStore& journal_;
  KeyStore& keys_;
  DomainKeyName name_;
};

}  // namespace kagibin::roles::service_provider
