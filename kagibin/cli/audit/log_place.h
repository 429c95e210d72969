// SPDX-License-Identifier: Apache-2.0
// A log as it is named on the command line: an exported folder, a distributor's orders.sqlite3, or
// the address of a PostgreSQL database.
//
//   LogPlace place("postgresql:///kagibin");
//   KB_TRY(place.open());
//   LogAudit audit(place.log(), verifier);
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/log_source.h"

namespace kagibin::cli {

class LogPlace {
 public:
  explicit LogPlace(std::string name);

  // kNotFound when there is nothing of this name; nothing is made.
  Result<void> open();
  // After open().
  roles::key_distribution_operator::LogSource& log() { return *log_; }
  delivery::StoreSnapshot* snapshot() { return snapshot_.get(); }  // null: a folder
  // What somebody can do about a failure; may be empty.
  std::string advice(std::string_view detail) const;

 private:
  std::string name_;
  bool is_address_;
  OrderStorePlace place_;
  std::unique_ptr<delivery::OrderStore> store_;
  std::unique_ptr<delivery::StoreSnapshot> snapshot_;
  std::unique_ptr<roles::key_distribution_operator::LogSource> log_;
};

}  // namespace kagibin::cli
