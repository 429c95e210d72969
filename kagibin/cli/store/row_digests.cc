// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/store/row_digests.h"

#include "kagibin/crypto/sha256.h"

namespace kagibin::cli {

void RowDigests::row(std::string_view table, ByteView columns) {
  Table& sum = tables_[std::string(table)];
  ++sum.rows;
  sum.sha256 = to_hex(crypto::sha256({*from_hex(sum.sha256), columns}));
}

}  // namespace kagibin::cli
