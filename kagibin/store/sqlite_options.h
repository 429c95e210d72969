// SPDX-License-Identifier: Apache-2.0
// Where a store's SQLite file is and how large it may grow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace kagibin::store {

struct SqliteOptions {
  std::filesystem::path path;
  std::optional<std::uint32_t> max_pages{};  // a quota, in pages of 4,096 octets
  int busy_timeout_ms = 5'000;
  bool read_only = false;  // neither made nor brought up to date; an older version is refused
};

}  // namespace kagibin::store
