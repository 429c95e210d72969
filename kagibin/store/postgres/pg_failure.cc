// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/pg_failure.h"

#include <array>

namespace kagibin::store {
namespace {

struct Failure {
  Errc code;
  Detail detail;
  std::string_view remedy;
};

constexpr Failure kFull{Errc::kNoSpace, "the database server's disk is full; nothing was changed",
                        "Make room on its disk, then run the same command again."};
constexpr Failure kInTheWay{Errc::kInterrupted,
                            "others were at the same rows of the store; nothing was changed",
                            "Run the same command again."};
constexpr Failure kLost{Errc::kInterrupted,
                        "the database server cannot be reached, or went away; nothing was "
                        "acknowledged",
                        "See that the server runs and that this machine reaches it, then run the "
                        "same command again."};
constexpr Failure kInDoubt{Errc::kInterrupted,
                           "the database server went away while it committed; nothing was "
                           "acknowledged",
                           "Run the same command again: what was done already is done once."};
constexpr Failure kBusyServer{Errc::kInterrupted,
                              "the database server has no connection or memory to spare; nothing "
                              "was acknowledged",
                              "Raise max_connections or end other users of the server, then run "
                              "the same command again."};
constexpr Failure kStandby{Errc::kInterrupted,
                           "the database server is a standby and takes no changes",
                           "Name the primary, or all servers with target_session_attrs=primary."};
constexpr Failure kInputOutput{Errc::kIo, "the database server failed to read or write its files",
                               "Look at its disk and its log, then run the same command again."};
constexpr Failure kDamaged{Errc::kStore, "the database server reports damaged data",
                           "Stop the distributors and restore the newest backup."};
constexpr Failure kNobody{Errc::kStore, "the database server does not let this user in",
                          "See the user and the database in --store, the password in ~/.pgpass "
                          "(mode 0600) or in the service file, and the server's pg_hba.conf."};
constexpr Failure kNoRight{Errc::kStore, "this user of the database server may not do that",
                           "Make the user the owner of the database, or let its owner run the "
                           "command once, for it makes the schema."};
constexpr Failure kOther{Errc::kStore, "the database server refused a statement",
                         "Its log says why. This is a fault of the program: report it."};
constexpr Failure kForeign{Errc::kConflict,
                           "the database has a schema named kagibin that is not a store",
                           "Nothing was changed: take another database."};
constexpr Failure kNewer{Errc::kNotSupported,
                         "a newer version of this program wrote the store in the database",
                         "Nothing was changed: use that version, or a later one."};
constexpr Failure kOlder{Errc::kNotSupported,
                         "the database has no store, or one of an older version of this program",
                         "Nothing was changed: a distributor brings it up to date when it is "
                         "started once; else use the older version."};
constexpr Failure kOldServer{Errc::kNotSupported, "the database server is older than version 15",
                             "Take PostgreSQL 15 or newer."};
constexpr Failure kCareless{Errc::kStore,
                            "the database server runs with fsync or full_page_writes off and "
                            "would lose what it acknowledged",
                            "Turn both on in its postgresql.conf."};
constexpr Failure kPassword{Errc::kInvalidArgument,
                            "a password has no place on a command line, where everybody on this "
                            "machine reads it",
                            "Keep it in ~/.pgpass (mode 0600) or in a service file."};
constexpr Failure kAddress{Errc::kInvalidArgument, "this is no address of a PostgreSQL database",
                           "Write postgresql://USER@HOST/DATABASE, or "
                           "postgresql:///?service=NAME."};
constexpr Failure kUsed{Errc::kConflict, "the database holds orders already",
                        "Nothing was changed: take an empty database."};

constexpr std::array kFailures = {kFull,     kInTheWay, kLost,        kInDoubt, kBusyServer,
                                  kStandby,  kDamaged,  kInputOutput, kNobody,  kNoRight,
                                  kOther,    kForeign,  kNewer,       kOlder,   kOldServer,
                                  kCareless, kPassword, kAddress,     kUsed};

struct StateRow {
  std::string_view prefix;  // of SQLSTATE: a class of two characters, or all five
  const Failure& failure;
};

// The first row that fits counts.
constexpr std::array kStates = {
    StateRow{"53100", kFull},      // disk_full
    StateRow{"53", kBusyServer},   // insufficient_resources
    StateRow{"40003", kInDoubt},   // statement_completion_unknown
    StateRow{"40", kInTheWay},     // serialization_failure, deadlock_detected
    StateRow{"55P03", kInTheWay},  // lock_not_available
    StateRow{"55006", kInTheWay},  // object_in_use
    StateRow{"57014", kInTheWay},  // query_canceled: statement_timeout
    StateRow{"23505", kInTheWay},  // unique_violation: another store made the row meanwhile
    StateRow{"23514", kInTheWay},  // check_violation: another store took what a limit had left
    StateRow{"25006", kStandby},   // read_only_sql_transaction
    StateRow{"25P03", kLost},      // idle_in_transaction_session_timeout
    StateRow{"08", kLost},         // connection_exception
    StateRow{"57P", kLost},        // admin_shutdown, crash_shutdown, cannot_connect_now
    StateRow{"58", kInputOutput},  // system_error
    StateRow{"XX001", kDamaged},   // data_corrupted
    StateRow{"XX002", kDamaged},   // index_corrupted
    StateRow{"28", kNobody},       // invalid_authorization_specification
    StateRow{"3D000", kNobody},    // invalid_catalog_name
    StateRow{"42501", kNoRight},   // insufficient_privilege
};

Error error_of(const Failure& failure) { return {failure.code, failure.detail}; }

}  // namespace

Error postgres_failure(std::string_view sqlstate) {
  for (const StateRow& row : kStates) {
    if (sqlstate.starts_with(row.prefix)) {
      return error_of(row.failure);
    }
  }
  return error_of(kOther);
}

Error server_lost() { return error_of(kLost); }
Error commit_in_doubt() { return error_of(kInDoubt); }
Error foreign_database() { return error_of(kForeign); }
Error newer_database() { return error_of(kNewer); }
Error older_database() { return error_of(kOlder); }
Error old_server() { return error_of(kOldServer); }
Error careless_server() { return error_of(kCareless); }
Error password_in_address() { return error_of(kPassword); }
Error bad_address() { return error_of(kAddress); }
Error used_database() { return error_of(kUsed); }

std::optional<std::string_view> postgres_remedy(std::string_view detail) {
  for (const Failure& failure : kFailures) {
    if (failure.detail.text() == detail) {
      return failure.remedy;
    }
  }
  return std::nullopt;
}

}  // namespace kagibin::store
