// SPDX-License-Identifier: Apache-2.0
// Parameters $1, $2, ... of a statement, in PostgreSQL's binary format. For store/postgres only.
//
// Integers are bigint; text is UTF-8 without a NUL. Ownership: copies what it is given.
//
//   connection.add("SELECT ... WHERE id = $1 AND change > $2", PgParameters().text(id).integer(7));
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::store {

class PgParameters {
 public:
  PgParameters& integer(std::int64_t value);
  PgParameters& text(std::string_view value);
  PgParameters& octets(ByteView value);
  PgParameters& null();
  // Arrays of one dimension: bigint[], text[], bytea[].
  PgParameters& integers(std::span<const std::int64_t> values);
  PgParameters& texts(std::span<const std::string_view> values);
  PgParameters& octet_strings(std::span<const ByteView> values);

  struct Value {
    Bytes octets{};
    bool is_null = false;
  };
  const std::vector<Value>& values() const { return values_; }

 private:
  std::vector<Value> values_;
};

}  // namespace kagibin::store
