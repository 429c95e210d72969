// SPDX-License-Identifier: Apache-2.0
// The distributors' common store on a PostgreSQL server (15 or newer), behind
// delivery/order_store.h.
//
// Any number of distributors may share one database: no leader, no state of their own. The store
// stands in the schema `kagibin`, made and brought up to date when it is opened, under a lock.
// Refused are servers that would lose what they acknowledged (fsync off), passwords in the address,
// and schemas of a newer version. A lost server is connected to again, at most twice a second;
// until then every transaction fails with kInterrupted. Limits: one transaction at a time; names of
// orders and devices as in delivery/names.h. Thread-safety: one thread at a time.
//
//   auto store = KB_TRY(open_order_store_postgres({.address = "postgresql://kagibin@db/kagibin"}));
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"

namespace kagibin::store {

struct PostgresOptions {
  std::string address;
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds answer_timeout{20'000};
  bool read_only = false;  // neither made nor brought up to date; an older version is refused
};

// True for what is meant for PostgreSQL: "postgresql://..." and "postgres://...".
bool is_postgres_address(std::string_view text);

Result<std::unique_ptr<delivery::OrderStore>> open_order_store_postgres(
    const PostgresOptions& options);

}  // namespace kagibin::store
