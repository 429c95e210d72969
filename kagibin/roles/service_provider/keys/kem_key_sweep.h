// SPDX-License-Identifier: Apache-2.0
// Which KEM keys in a token serve nothing any more, and erasing them: those of orders whose
// validity is over, and those that no journal row names, since their attempt was cut between the
// token and the journal, or another process opened that attempt first.
//
// Every key that is to be made is noted before (record "kem_made" of the journal), so that the keys
// of other providers in the same token are never looked at. A note that is younger than kYoung may
// be of an attempt that another process is just opening, and is left; who opens one asks is_late()
// and gives its key up. Keys that an older program left behind have no note: they stay.
//
// A note says which object of a token is destroyed, so it lies under seal, and names none but the
// KEM key that it was made for: who can write the journal alone has nothing erased by it.
// Ownership: refers to all it is given. Thread-safety: one thread; other processes may use the
// journal.
//
//   const KemKeySweep found = KB_TRY(sweep_kem_keys(journal, keys, clock.now(), true));   // looks
//   for (const std::string& uri : found.orphans) { ... }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

struct KemKeyNote {
  std::int64_t made_at = 0;
  delivery::OrderId order;
  delivery::AttemptNumber attempt = 0;
  std::string uri;
};

// What the key is called in its token, by the random part of its name.
std::string kem_object(const delivery::OrderId& order,
                       delivery::AttemptNumber attempt,
                       ByteView part);

class KemKeyNotes {
 public:
  static constexpr std::int64_t kYoung = 600;  // seconds

  KemKeyNotes(delivery::JournalStore& journal, KeyStore& keys) : journal_(journal), keys_(keys) {}

  // `part`: the random part of the key's name. Before the key is made.
  Result<void> add(ByteView part, const KemKeyNote& note);
  Result<void> remove(ByteView part);
  struct All {
    std::vector<std::pair<Bytes, KemKeyNote>> notes;
    std::vector<std::string> refused;  // hex of their parts: not ours, or of no KEM key
  };
  Result<All> all() const;

  // Whether a key that was noted then is too old to be put into the journal now.
  static bool is_late(std::int64_t made_at, std::int64_t now) {
    return now - made_at >= kYoung / 2 || now < made_at;
  }

 private:
  delivery::JournalStore& journal_;
  KeyStore& keys_;
};

struct KemKeySweep {
  std::vector<std::string> over;     // URIs of keys of orders whose validity is over
  std::vector<std::string> orphans;  // URIs that no attempt names
  std::vector<std::string> refused;  // notes that were not believed: KemKeyNotes::All
  int erased = 0;                    // of both, what was still in the token
  // Why keys of both were not erased: their tokens do not answer. They are found again.
  std::vector<std::string> failed;
};

// `is_dry_run`: says what would be erased; of keys that were erased before it cannot tell.
Checked<KemKeySweep> sweep_kem_keys(delivery::JournalStore& journal,
                                    KeyStore& keys,
                                    std::int64_t now,
                                    bool is_dry_run);

}  // namespace kagibin::roles::service_provider
