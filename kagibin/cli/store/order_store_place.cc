// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/store/order_store_place.h"

#include <fmt/format.h>

#include "kagibin/cli/store/store_advice.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/pg_connection.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::cli {

Result<std::unique_ptr<delivery::OrderStore>> OrderStorePlace::open(bool read_only) const {
  if (address_.empty()) {
    return store::open_order_store({.path = file_, .read_only = read_only});
  }
  if (!store::is_postgres_address(address_)) {
    return std::unexpected(store::bad_address());
  }
  return store::open_order_store_postgres({.address = address_, .read_only = read_only});
}

std::string OrderStorePlace::advice(std::string_view detail, std::string_view otherwise) const {
  if (address_.empty()) {
    return store_advice(detail, file_, otherwise);
  }
  std::string_view remedy = store::postgres_remedy(detail).value_or(std::string_view());
  if (remedy.empty()) {
    return std::string(otherwise);
  }
  remedy.remove_suffix(remedy.ends_with('.') ? 1 : 0);
  // The address may be one that was refused for its password: it is not said again.
  return store::check_address(address_) ? fmt::format("The store is {}. {}", address_, remedy)
                                        : std::string(remedy);
}

}  // namespace kagibin::cli
