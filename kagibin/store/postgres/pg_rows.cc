// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/pg_rows.h"

#include <charconv>

#include <libpq-fe.h>

namespace kagibin::store {

std::int64_t PgRow::integer(int column) const {
  std::uint64_t value = 0;
  const ByteView in = octets(column);
  for (const std::uint8_t octet : in) {
    value = value << 8U | octet;
  }
  // No column narrower than a bigint holds a negative number.
  return static_cast<std::int64_t>(value);
}

std::string_view PgRow::text(int column) const {
  return {PQgetvalue(result_, row_, column),
          static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

ByteView PgRow::octets(int column) const { return ascii(text(column)); }

bool PgRow::is_null(int column) const { return PQgetisnull(result_, row_, column) != 0; }

void PgRows::Clear::operator()(pg_result* result) const { PQclear(result); }

int PgRows::count() const { return PQntuples(result_.get()); }

std::int64_t PgRows::rows_changed() const {
  const std::string_view digits = PQcmdTuples(result_.get());
  std::int64_t changed = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), changed);
  return changed;
}

std::string_view PgRows::what_was_done() const { return PQcmdStatus(result_.get()); }

}  // namespace kagibin::store
