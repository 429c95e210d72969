// SPDX-License-Identifier: Apache-2.0
// Whether a file that was named is what it should be, before it is opened for writing: an element's
// memory (se/nvm/nvm_log.h), or a store of many (se/host/element_snapshot.h). Nothing is written,
// and no lock is left beside a file that is none of ours.
//
// By its first eight octets alone; damage behind them is found when it is opened. Functions without
// state.
//
//   if (const auto is = check_element_file(state); !is) { failed_file(is.error(), what, state); }
#pragma once

#include <filesystem>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli {

// kNotFound, kEncoding for another file, kIo.
Result<void> check_element_file(const std::filesystem::path& path);
Result<void> check_store_file(const std::filesystem::path& path);
// FILE.log, the journal of a store.
std::filesystem::path journal_of(const std::filesystem::path& store);

// All of a file, of any length; empty when it is not there. Nothing is locked. kIo.
Result<SecretBytes> read_whole(const std::filesystem::path& path);

}  // namespace kagibin::cli
