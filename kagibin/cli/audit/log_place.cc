// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/audit/log_place.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;

LogPlace::LogPlace(std::string name)
    : name_(std::move(name)),
      is_address_(name_.find("://") != std::string::npos),
      place_(is_address_ ? name_ : std::string(),
             is_address_ ? std::filesystem::path() : std::filesystem::path(name_)) {}

Result<void> LogPlace::open() {
  std::error_code error;
  if (!is_address_ && std::filesystem::is_directory(name_, error)) {
    log_ = std::make_unique<kdo::FolderLog>(name_);
    return {};
  }
  if (!is_address_ && !std::filesystem::exists(name_, error)) {
    return fail(Errc::kNotFound, "there is no such log");
  }
  store_ = KB_TRY(place_.open_to_read());
  snapshot_ = KB_TRY(store_->snapshot());
  log_ = std::make_unique<kdo::StoreLog>(*snapshot_);
  return {};
}

std::string LogPlace::advice(std::string_view detail) const {
  return log_ == nullptr || snapshot_ != nullptr ? place_.advice(detail) : std::string();
}

}  // namespace kagibin::cli
