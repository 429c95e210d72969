// SPDX-License-Identifier: Apache-2.0
// The value of a Result in set-up code of tests and benchmarks, where a failure is a bug: prints
// the error's sentence and ends the process.
//
//   const Bytes e0 = must(flow.attempt_after(order, 0)).message;
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::test {

[[noreturn]] inline void must_failed(Errc code, std::string_view text) {
  std::cerr << "a step that has to work failed: " << text << " (code " << static_cast<int>(code)
            << ")\n";
  std::abort();
}

template <typename Expected>
auto must(Expected result) {
  if (!result.has_value()) {
    if constexpr (std::is_same_v<typename Expected::error_type, Error>) {
      must_failed(result.error().code, result.error().detail.text());
    } else {
      must_failed(result.error().code, result.error().text);
    }
  }
  if constexpr (!std::is_void_v<typename Expected::value_type>) {
    return std::move(*result);
  }
}

}  // namespace kagibin::test
