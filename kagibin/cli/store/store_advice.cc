// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/store/store_advice.h"

#include <fmt/format.h>

#include "kagibin/store/store_failure.h"

namespace kagibin::cli {

std::string store_advice(std::string_view detail,
                         const std::filesystem::path& file,
                         std::string_view otherwise) {
  std::string_view remedy = store::remedy(detail).value_or(std::string_view());
  if (remedy.empty()) {
    return std::string(otherwise);
  }
  remedy.remove_suffix(remedy.ends_with('.') ? 1 : 0);
  return fmt::format("The store is {}. {}", file.string(), remedy);
}

}  // namespace kagibin::cli
