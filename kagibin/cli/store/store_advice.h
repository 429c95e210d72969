// SPDX-License-Identifier: Apache-2.0
// What to tell the person at the program when its store failed: which file it is and what to do.
// The store's own errors name no file (store/store_failure.h).
//
//   return console.failed(error, "the agent stopped", store_advice(error.detail.text(), file));
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace kagibin::cli {

// Sentences without the last full stop, as Console::failed() takes them; `otherwise` when the
// detail is not one of the store's.
std::string store_advice(std::string_view detail,
                         const std::filesystem::path& file,
                         std::string_view otherwise = {});

}  // namespace kagibin::cli
