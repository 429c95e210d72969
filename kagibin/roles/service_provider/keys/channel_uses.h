// SPDX-License-Identifier: Apache-2.0
// Under which channel keys sessions have run, or may run: those that we sealed for a session (C1),
// those that a domain was seen to open with, and those that a manager exported (models f2w, f2wr;
// doc/decisions/0017). Key-ENC names the set: it is what opens a recorded session, whatever stands
// beside it, and under whatever domain and version. Nothing takes the note back.
//
// Record "channel_used" of the journal, by SHA-256("KB1-KFP" | Key-ENC): the order that it was
// sealed for, or 01 for several and for whoever else. Ownership: refers to the journal.
// Thread-safety: one thread.
//
//   ChannelUses uses(journal);
//   KB_TRY(uses.note(payload.channel_keys->enc, order.id));   // before the envelope is sealed
#pragma once

#include "kagibin/base/secret.h"
#include "kagibin/delivery/journal_store.h"

namespace kagibin::roles::service_provider {

class ChannelUses {
 public:
  explicit ChannelUses(delivery::JournalStore& journal) : journal_(journal) {}

  Result<void> note(const SecretBytes& key_enc);
  Result<void> note(const SecretBytes& key_enc, const delivery::OrderId& order);
  Result<bool> has(const SecretBytes& key_enc) const;
  // Otherwise than by this order.
  Result<bool> has_another(const SecretBytes& key_enc, const delivery::OrderId& order) const;

 private:
  delivery::JournalStore& journal_;
};

}  // namespace kagibin::roles::service_provider
