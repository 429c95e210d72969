// SPDX-License-Identifier: Apache-2.0
// The static Key-DEK that a domain has beside its SCP11a key (KID 12 of that KVN; GPCS Amendment F,
// 5.1), as orders put it there. With one the domain opens PUT KEY and STORE DATA under it and no
// more under the session's: RL4 where we alone know it, and RL2 no more.
//
// Records "static_dek" of the journal, sealed: 00 not exclusive, 01 exclusive, of a program that
// noted no origin, 02 exclusive | its origin (key_origin.h); then the key. Ownership: refers to
// store and journal. Thread-safety: one thread.
//
//   StaticDeks deks(journal, keys);
//   KB_TRY(deks.learn({seid, domain, 0x03}, dek, true));    // proved to be in the domain
//   const auto known = KB_TRY(deks.find({seid, domain, 0x03}));
//   if (known && known->is_exclusive) { ... RL4 ... }
#pragma once

#include <optional>
#include <string>

#include "kagibin/roles/service_provider/confidential/agreed_keys.h"
#include "kagibin/roles/service_provider/keys/key_origin.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct StaticDek {
  SecretBytes key;
  bool is_exclusive = false;  // never exported to us, never sealed at RL1 (exclusive_keys.h)
  std::optional<std::string> why_exposed{};  // otherwise, where a master key is why
};

class StaticDeks {
 public:
  static constexpr std::uint8_t kIdentifier = 0x12;  // KID

  StaticDeks(delivery::JournalStore& journal, KeyStore& keys) : journal_(journal), keys_(keys) {}

  // `name.key_version`: of SK.SD.ECKA. `is_exclusive`: as ExclusiveKeys::note() wants it.
  // `origin`: as there.
  Result<void> learn(const DomainKeyName& name,
                     const SecretBytes& key,
                     bool is_exclusive,
                     const std::optional<KeyOrigin>& origin = KeyOrigin());
  Result<void> forget(const DomainKeyName& name);
  Result<std::optional<StaticDek>> find(const DomainKeyName& name) const;

 private:
  delivery::JournalStore& journal_;
  KeyStore& keys_;
};

}  // namespace kagibin::roles::service_provider
