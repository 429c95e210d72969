// SPDX-License-Identifier: Apache-2.0
// Versions of the schema `kagibin` in a PostgreSQL database. For store/postgres only.
//
//   KB_TRY(bring_up_to_date(session));
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

// Makes the schema, or leads it from its version to ours, in one transaction and under a lock that
// all versions of this program know. kConflict (a schema that is not ours), kNotSupported (a newer
// one), kStore (no right to make it; fsync is off).
Result<void> bring_up_to_date(PgConnection& db);

// For whoever only reads; changes nothing. kNotSupported: the schema is not there, or of another
// version than ours.
Result<void> check_up_to_date(PgConnection& db);

}  // namespace kagibin::store
