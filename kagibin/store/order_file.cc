// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/order_file.h"

#include <system_error>
#include <utility>

#include "kagibin/store/orders/order_schema.h"

namespace kagibin::store {

std::int64_t OrderFile::current_version() {
  return static_cast<std::int64_t>(kOrderMigrations.size());
}

Result<OrderFile> OrderFile::open(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return fail(Errc::kNotFound, "there is no such file");
  }
  const Database::Options options{.path = path,
                                  .application_id = kOrderApplicationId,
                                  .moved_application_id = kMovedApplicationId,
                                  .migrations = kOrderMigrations,
                                  .read_only = true,
                                  .older_too = true};
  Database db = KB_TRY(Database::open(options));
  const std::int64_t version = KB_TRY(db.version(options));
  return OrderFile(std::make_unique<Database>(std::move(db)), version);
}

}  // namespace kagibin::store
