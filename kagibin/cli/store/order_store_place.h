// SPDX-License-Identifier: Apache-2.0
// Where a distributor's orders are: in a SQLite file of its folder, or in a database that several
// distributors share (--store).
//
//   const OrderStorePlace place(options.store, folder.orders());
//   const auto store = KB_TRY(place.open());
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"

namespace kagibin::cli {

class OrderStorePlace {
 public:
  // `address`: "postgresql://..." or empty.
  OrderStorePlace(std::string address, std::filesystem::path file)
      : address_(std::move(address)), file_(std::move(file)) {}

  Result<std::unique_ptr<delivery::OrderStore>> open() const { return open(false); }
  // Changes nothing: a store of an older version is refused, one that is not there is not made.
  Result<std::unique_ptr<delivery::OrderStore>> open_to_read() const { return open(true); }
  // "sqlite" or "postgresql".
  std::string_view kind() const { return address_.empty() ? "sqlite" : "postgresql"; }
  // Sentences without the last full stop, as Console::failed() takes them.
  std::string advice(std::string_view detail, std::string_view otherwise = {}) const;

 private:
  Result<std::unique_ptr<delivery::OrderStore>> open(bool read_only) const;

  std::string address_;
  std::filesystem::path file_;
};

}  // namespace kagibin::cli
