// SPDX-License-Identifier: Apache-2.0
// The service provider's journal in one SQLite file, behind delivery/journal_store.h. What is
// secret comes sealed; the file holds no plaintext of it.
//
// Limits: an annotation of 64 KiB, a kind of record of 64 characters. Thread-safety: one thread at
// a time; a second process may write in between.
//
//   auto journal = KB_TRY(open_journal_store({.path = folder / "journal.sqlite3"}));
#pragma once

#include <memory>

#include "kagibin/base/result.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/store/sqlite_options.h"

namespace kagibin::store {

Result<std::unique_ptr<delivery::JournalStore>> open_journal_store(const SqliteOptions& options);

}  // namespace kagibin::store
