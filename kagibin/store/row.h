// SPDX-License-Identifier: Apache-2.0
// A row that a query answered, whatever the database. For store/ only.
//
// Columns count from 0. Views are the query's: see there how long they live.
//
//   Result<OrderRow> read_order(const Row& row);
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/base/bytes.h"

namespace kagibin::store {

class Row {
 public:
  Row() = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  virtual ~Row() = default;

  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual ByteView octets(int column) const = 0;
  virtual bool is_null(int column) const = 0;
};

}  // namespace kagibin::store
