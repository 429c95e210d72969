// SPDX-License-Identifier: Apache-2.0
// kagibin store backup, restore and verify: a distributor's store as a whole.
//
// A backup is one moment of a store, while distributors go on, as the SQLite file that a
// distributor would serve; of a database, it is read back from both ends and compared before it
// gets its name. A restore makes a store that was not there. Cut at any moment, either leaves the
// whole or nothing under the name. Exit codes as in console.h.
//
//   return WholeStore(program.console()).back_up("orders.sqlite3", "/backup/orders.sqlite3");
#pragma once

#include <filesystem>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/cli/console/console.h"
#include "kagibin/cli/store/row_digests.h"

namespace kagibin::cli {

class WholeStore {
 public:
  explicit WholeStore(Console console) : console_(console) {}

  // `from`: a file or the address of a database; `to`: a name that is free.
  int back_up(const std::string& from, const std::filesystem::path& to);
  // `to`: a name that is free, or the address of an empty database.
  int restore(const std::filesystem::path& file, const std::string& to);
  // Counts, digests, and the audit log against its last checkpoint.
  int verify(const std::string& store);

 private:
  void tell(const RowDigests::Tables& tables);
  int failed(const Error& error,
             std::string_view what,
             const std::string& from,
             const std::string& to);
  int verify_log(const std::string& store, std::int64_t version);

  Console console_;
};

}  // namespace kagibin::cli
