// SPDX-License-Identifier: Apache-2.0
// Ours and the raw limit in turns, in one run: the time of a benchmark is ours, counters give the
// raw limit and the ratio. Turns of a few hundred microseconds share the machine's mood, so the
// ratio holds where the times do not.
#pragma once

#include <chrono>

#include <benchmark/benchmark.h>

namespace kagibin::bench {

template <typename Ours, typename Raw>
void side_by_side(benchmark::State& state, int turns, Ours ours, Raw raw) {
  using Seconds = std::chrono::duration<double>;
  Seconds raw_total{};
  Seconds ours_total{};
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < turns; ++i) {
      raw();
    }
    const auto middle = std::chrono::steady_clock::now();
    for (int i = 0; i < turns; ++i) {
      ours();
    }
    const auto end = std::chrono::steady_clock::now();
    raw_total += middle - begin;
    ours_total += end - middle;
    state.SetIterationTime(Seconds(end - middle).count());
  }
  const double rounds = static_cast<double>(state.iterations()) * turns;
  state.counters["raw_us"] = raw_total.count() * 1e6 / rounds;
  state.counters["ours_us"] = ours_total.count() * 1e6 / rounds;
  state.counters["ratio"] = ours_total.count() / raw_total.count();
}

}  // namespace kagibin::bench
