// SPDX-License-Identifier: Apache-2.0
// Where a host's elements last: a snapshot of all of them, and a journal of what they wrote since.
//
// A snapshot replaces the old one atomically; the journal that belongs to the old one is then of no
// use and is begun anew. Power may fail between any two writes: what is loaded is the old snapshot
// with its journal, or the new one, which contains that journal. A write is durable when write()
// returns. Ownership: both media. Thread-safety: write() from any threads; nothing else beside it.
//
//   HostStore store(KB_TRY(NvmFile::open("fleet.kbh")), KB_TRY(NvmFile::open("fleet.kbh.log")));
//   ElementSnapshot now = KB_TRY(store.load());
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "kagibin/se/host/host_journal.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

class HostStore {
 public:
  HostStore(std::unique_ptr<NvmMedium> snapshot, std::unique_ptr<NvmMedium> journal)
      : snapshot_(std::move(snapshot)), journal_medium_(std::move(journal)) {}

  // The elements as they were last written. kNotFound when nothing was saved yet; kEncoding,
  // kTruncated, kTrailing for damage. Writes go on behind it once save() was called.
  Result<ElementSnapshot> load();
  // Makes `file`, a snapshot of this name, the state from which later writes go on. kIo, kNoSpace:
  // the old state is kept.
  Result<void> save(const SnapshotName& name, ByteView file);
  // kState before save(); kNoSpace leaves the store as it was; after kIo it is dead.
  Result<void> write(const HostJournal::Write& write);
  // Of the journal since it was begun.
  std::uint64_t journal_octets() const;

 private:
  Result<void> begin_journal();

  std::unique_ptr<NvmMedium> snapshot_;
  std::unique_ptr<NvmMedium> journal_medium_;
  mutable std::mutex mutex_;
  std::optional<HostJournal> journal_;
  bool begun_ = false;  // the journal's head is on its medium
  bool dead_ = false;
  std::uint64_t octets_ = 0;
};

}  // namespace kagibin::se
