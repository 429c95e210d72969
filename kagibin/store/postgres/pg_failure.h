// SPDX-License-Identifier: Apache-2.0
// What can go wrong with a store on a PostgreSQL server: one table from SQLSTATE (PostgreSQL 15,
// appendix A) to our error, and from that to what somebody can do about it.
//
// An Error names no server, for its detail is a literal; whoever knows the server adds it. Pure.
//
//   return std::unexpected(postgres_failure("53100"));      // kNoSpace
#pragma once

#include <optional>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::store {

// Of a statement that the server refused. kNoSpace, kIo, kInterrupted (tried again, the transaction
// may pass) or kStore.
Error postgres_failure(std::string_view sqlstate);

// The server could not be reached, went away, or did not answer in time (kInterrupted).
Error server_lost();
// As above, with a commit on its way: it may have been done (kInterrupted).
Error commit_in_doubt();
// Refusals when a store is opened.
Error foreign_database();
Error newer_database();
Error older_database();  // to one who only reads
Error old_server();
Error careless_server();
Error password_in_address();
Error bad_address();
// Of a migration whose target is not empty.
Error used_database();

// Whole sentences, when the detail is that of one of these errors; empty for any other.
std::optional<std::string_view> postgres_remedy(std::string_view detail);

}  // namespace kagibin::store
