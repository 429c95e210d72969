// SPDX-License-Identifier: Apache-2.0
// What can go wrong with a store's SQLite file: one table from SQLite's result codes and the
// system's errno to our error, and from that to what somebody can do about it.
//
// An Error names no file, for its detail is a literal; whoever knows the file adds it. Pure.
//
//   const auto remedy = store::remedy(error.detail.text());
//   if (remedy) { fmt::print("{} ({}). {}\n", error.detail.text(), file, *remedy); }
#pragma once

#include <optional>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::store {

// For database.cc. `code` may be an extended one; `system_error` is errno where the code is about
// input and output, else 0.
Error failure_of(int code, int system_error);

// Refusals of a file that is not what it should be.
Error foreign_file();
Error newer_file();
Error older_file();  // to one who only reads
Error moved_file();
// Of a file that is to be made (whole_file.h).
Error name_taken();
Error being_written();

// Whole sentences, when the detail is that of one of these errors; empty for any other.
std::optional<std::string_view> remedy(std::string_view detail);

}  // namespace kagibin::store
