// SPDX-License-Identifier: Apache-2.0
// Which channel key sets nobody but we and the domain know (protocol, section 8, RL3).
//
//   exclusive      agreed on with the domain (confidential/agreed_keys.h), or put into it by an
//   order
//                  that a receipt with a good MAC confirms and of which every envelope was sealed
//                  above RL1
//   not exclusive  whatever a manager exported, and every set with a key that was ever sealed at
//   RL1
//                  or exported: such a key is exposed for good, however it comes into a domain
//                  later; and every set with a key that came or went as a key block, or is derived
//                  from a master key that others have (exposed_keys.h)
//
// What replaces the set of a name ends its exclusiveness: a fingerprint is kept, not the name
// alone. The other way round a key on which RL3 rests is never sealed at RL1: who recorded a
// session under it could open that session then.
//
// Records "exclusive_keys" (name of the set -> its fingerprint, and from which master keys it is
// derived, key_origin.h), "exclusive_key" and "exposed_key" (fingerprint of one key) of the
// journal. Ownership: refers to store and journal. Thread-safety: one thread; other processes may
// use the journal at the same time.
//
//   ExclusiveKeys exclusive(journal, keys);
//   KB_TRY(exclusive.expose(actions));                    // before they are sealed at RL1
//   KB_TRY(exclusive.note({seid, domain, 0x31}, set, origin));    // proved to be in the domain
//   if (KB_TRY(exclusive.holds({seid, domain, 0x31}))) { ... RL3 ... }
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kagibin/envelope/payload/payload.h"
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"
#include "kagibin/roles/service_provider/keys/key_origin.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

class ExclusiveKeys {
 public:
  ExclusiveKeys(delivery::JournalStore& journal, KeyStore& keys) : journal_(journal), keys_(keys) {}

  // These actions are about to go out at RL1: the keys of PUT KEY, and what STORE DATA and COMMAND
  // carry where it has a key's size. kPolicy when an exclusive set has one of them: then nothing is
  // noted (but where another process made the set exclusive in between: then it is so no longer).
  Checked<void> expose(std::span<const envelope::Action> actions);
  // One key that may go out at RL1 later, where nobody can look at it any more. As above.
  Checked<void> expose_unseen(std::string_view name, const SecretBytes& key);
  // Somebody else is known to have this set.
  Result<void> expose(const ChannelKeySet& set);
  Result<void> expose(ByteView key);
  // A set that is proved to be in the domain and never went out at RL1. Changes nothing where a key
  // of it is exposed. `origin`: none where the order was made by a program that did not note it.
  Result<void> note(const DomainKeyName& name,
                    const ChannelKeySet& set,
                    const std::optional<KeyOrigin>& origin = KeyOrigin());
  // Whether we hold a set of this name, and it is exclusive.
  Result<bool> holds(const DomainKeyName& name) const;

  // The same of a set that was found by this name.
  Result<bool> is_exclusive(const DomainKeyName& name, const ChannelKeySet& set) const;

  // Where a set of ours would be exclusive but for a master key that others have: a sentence's part
  // that says so. And the same of any keys of this origin.
  Result<std::optional<std::string>> why_exposed(const DomainKeyName& name) const;
  Result<std::optional<std::string>> exposing_master(const std::optional<KeyOrigin>& origin) const;

  // One key: whether it is exposed, and that expose() has to refuse it from now on.
  Result<bool> is_exposed(ByteView key) const;
  Result<void> keep_from_rl1(ByteView key);

 private:
  Result<bool> is_exposed(const ChannelKeySet& set) const;
  delivery::JournalStore& journal_;
  KeyStore& keys_;
};

}  // namespace kagibin::roles::service_provider
