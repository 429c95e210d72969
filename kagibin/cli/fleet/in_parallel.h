// SPDX-License-Identifier: Apache-2.0
// The same work for the numbers 0 to count-1, on several threads: each takes the next number. The
// first failure ends it.
//
//   KB_TRY(in_parallel(count, threads, [&](std::uint32_t number) -> Checked<void> { ... }));
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::cli::fleet {

template <typename Work>
roles::service_provider::Checked<void> in_parallel(std::uint32_t count,
                                                   unsigned threads,
                                                   const Work& work) {
  std::atomic<std::uint32_t> next{0};
  std::mutex mutex;
  std::optional<roles::service_provider::Problem> first;
  {
    std::vector<std::jthread> pool;
    pool.reserve(threads);
    for (unsigned i = 0; i < threads; ++i) {
      pool.emplace_back([&] {
        for (std::uint32_t number = next++; number < count; number = next++) {
          auto done = work(number);
          if (!done) {
            const std::lock_guard lock(mutex);
            if (!first) {
              first.emplace(std::move(done).error());
            }
            next = count;
          }
        }
      });
    }
  }
  if (first) {
    return std::unexpected(*first);
  }
  return {};
}

}  // namespace kagibin::cli::fleet
