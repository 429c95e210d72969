// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/report/svg_plot.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "kagibin/cli/fleet/load/order_board.h"

namespace kagibin::cli::fleet {
namespace {

constexpr double kWidth = 720;
constexpr double kPanel = 170;  // height of a panel's plot
constexpr double kLeft = 70;
constexpr double kPlotWidth = kWidth - kLeft - 30;
constexpr std::size_t kBars = 60;

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)"
                     "\n",
                     x, y, anchor, text);
}

struct Panel {
  double top;
  std::string title;
  std::string unit;  // of the height
  double last = 0;   // value at the right end
  std::vector<double> heights;
};

std::string drawn(const Panel& panel) {
  const double highest = std::max(*std::ranges::max_element(panel.heights), 1e-9);
  const double bottom = panel.top + kPanel;
  const double wide = kPlotWidth / static_cast<double>(panel.heights.size());
  std::string out = fmt::format(R"(<text class="title" x="{:.1f}" y="{:.1f}">{}</text>)"
                                "\n",
                                kLeft, panel.top - 12, panel.title);
  for (std::size_t i = 0; i < panel.heights.size(); ++i) {
    const double high = panel.heights[i] / highest * kPanel;
    out += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)"
                       "\n",
                       kLeft + static_cast<double>(i) * wide, bottom - high, wide - 1, high);
  }
  out += fmt::format(R"(<path d="M{0:.1f} {1:.1f}V{2:.1f}H{3:.1f}"/>)"
                     "\n",
                     kLeft, panel.top, bottom, kLeft + kPlotWidth);
  out += text_at(kLeft - 6, panel.top + 10, "end", fmt::format("{:.0f}", highest));
  out += text_at(kLeft - 6, panel.top + 24, "end", panel.unit);
  out += text_at(kLeft - 6, bottom, "end", "0");
  constexpr int kMarks = 4;
  for (int mark = 0; mark <= kMarks; ++mark) {
    const double share = static_cast<double>(mark) / kMarks;
    out += text_at(kLeft + share * kPlotWidth, bottom + 16, "middle",
                   fmt::format("{:.3g} s", share * panel.last));
  }
  return out;
}

// How many of the values lie in each of the bars from 0 to `last`.
std::vector<double> counted(const std::vector<double>& values, double last) {
  std::vector<double> out(kBars);
  for (const double value : values) {
    const double place = last > 0 ? value / last * static_cast<double>(kBars) : 0;
    ++out.at(std::min(kBars - 1, static_cast<std::size_t>(std::max(0.0, place))));
  }
  return out;
}

}  // namespace

std::string svg_plot(const RunFigures& figures) {
  constexpr double kFirstTop = 110;
  constexpr double kSecondTop = kFirstTop + kPanel + 80;
  const double span = figures.verdicts.empty() ? 1 : std::max(figures.verdicts.back(), 1e-3);
  std::vector<double> rate = counted(figures.verdicts, span);
  for (double& one : rate) {
    one *= static_cast<double>(kBars) / span;
  }
  const double longest = std::max(quantile(figures.latencies, 1), 1e-3);
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}">)"
      "\n<style>text{{font:12px sans-serif;fill:#222}}.title{{font-weight:bold}}"
      "rect{{fill:#3a6ea5}}path{{fill:none;stroke:#222}}.mark{{stroke:#b03030}}</style>\n"
      R"(<title>kagibin fleet</title>)"
      "\n",
      kWidth, kSecondTop + kPanel + 40);
  out += text_at(kLeft, 24, "start",
                 fmt::format("{} elements, {}, {}, {}, seed {}", figures.options.elements,
                             figures.options.by_certificates ? "RL2" : "RL1",
                             figures.options.over_tls ? "TLS 1.3" : "simulated network",
                             figures.store_name, figures.options.seed));
  out += text_at(kLeft, 44, "start",
                 fmt::format("{} confirmed, {:.1f} a second, {:.2f} of the ceiling of {:.1f}",
                             figures.confirmed, figures.deliveries_a_second(),
                             figures.share_of_ceiling(), figures.ceiling()));
  out += text_at(
      kLeft, 64, "start",
      fmt::format("{} elements read back, {} violations", figures.read_back, figures.violations));
  out += drawn({.top = kFirstTop,
                .title = "Verdicts a second, over the run",
                .unit = "a second",
                .last = span,
                .heights = std::move(rate)});
  out += drawn({.top = kSecondTop,
                .title = "From order to verdict",
                .unit = "orders",
                .last = longest,
                .heights = counted(figures.latencies, longest)});
  for (const auto& [share, label] :
       {std::pair(0.5, "p50"), std::pair(0.9, "p90"), std::pair(0.99, "p99")}) {
    const double x = kLeft + quantile(figures.latencies, share) / longest * kPlotWidth;
    out += fmt::format(R"(<path class="mark" d="M{:.1f} {:.1f}V{:.1f}"/>)"
                       "\n",
                       x, kSecondTop, kSecondTop + kPanel);
    out += text_at(x, kSecondTop - 2, "middle", label);
  }
  return out + "</svg>\n";
}

}  // namespace kagibin::cli::fleet
