// SPDX-License-Identifier: Apache-2.0
// What a run shows while it lasts, on standard error: one line that is written over and over on a
// terminal, a line every ten seconds elsewhere.
//
// A thread of its own from construction to destruction. Ownership: refers to the fleet.
//
//   { const LiveView view(*fleet); KB_TRY(fleet->load(stop)); }
#pragma once

#include <thread>

#include "kagibin/cli/fleet/fleet.h"

namespace kagibin::cli::fleet {

class LiveView {
 public:
  explicit LiveView(const Fleet& fleet);
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  ~LiveView();

 private:
  void show(bool last);

  const Fleet& fleet_;
  bool on_terminal_;
  std::jthread thread_;
};

// One line of it; `elements` in all.
std::string live_line(const Fleet::Progress& progress,
                      const std::vector<double>& latencies,
                      std::uint32_t elements);

}  // namespace kagibin::cli::fleet
