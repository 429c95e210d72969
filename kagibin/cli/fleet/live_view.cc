// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/live_view.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace kagibin::cli::fleet {

std::string live_line(const Fleet::Progress& progress,
                      const std::vector<double>& latencies,
                      std::uint32_t elements) {
  constexpr double kMilliseconds = 1000;
  const double rate = progress.seconds > 0 ? progress.orders.ended / progress.seconds : 0;
  std::string left = "?";
  if (rate > 0) {
    left = fmt::format("{:.0f} s", (elements - std::min(elements, progress.orders.ended)) / rate);
  }
  return fmt::format(
      "{:.0f} s: {} of {} ordered, {} ended ({} confirmed), {:.1f} a second, p50 {:.0f} ms, p99 "
      "{:.0f} ms, {} failures, {} left",
      progress.seconds, progress.orders.opened, elements, progress.orders.ended,
      progress.orders.confirmed, rate, quantile(latencies, 0.5) * kMilliseconds,
      quantile(latencies, 0.99) * kMilliseconds, progress.failures, left);
}

LiveView::LiveView(const Fleet& fleet)
    : fleet_(fleet),
      on_terminal_(isatty(STDERR_FILENO) != 0),
      thread_([this](const std::stop_token& stop) {
        const std::chrono::seconds pace(on_terminal_ ? 1 : 10);
        std::mutex mutex;
        std::condition_variable_any asked;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          asked.wait_for(lock, stop, pace, [] { return false; });
          show(stop.stop_requested());
        }
      }) {}

LiveView::~LiveView() {
  thread_.request_stop();
  thread_.join();
}

void LiveView::show(bool last) {
  const std::string line =
      live_line(fleet_.progress(), fleet_.board().latencies(), fleet_.options().elements);
  if (on_terminal_) {
    fmt::print(stderr, "\r\033[K{}{}", line, last ? "\n" : "");
  } else if (!last) {
    fmt::print(stderr, "{}\n", line);
  }
  static_cast<void>(std::fflush(stderr));
}

}  // namespace kagibin::cli::fleet
