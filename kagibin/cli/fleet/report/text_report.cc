// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/report/text_report.h"

#include <fmt/format.h>

#include "kagibin/cli/fleet/load/order_board.h"

namespace kagibin::cli::fleet {
namespace {

constexpr double kMilliseconds = 1000;

std::string players(const std::array<double, kPlayers>& cpu_us) {
  std::string out;
  for (std::size_t player = 0; player < kPlayers; ++player) {
    if (cpu_us.at(player) > 0) {
      out += fmt::format("{}{} {:.0f}", out.empty() ? "" : ", ", name(static_cast<Player>(player)),
                         cpu_us.at(player));
    }
  }
  return out;
}

std::string ceiling(const RunFigures& figures) {
  const UnitCosts& alone = figures.alone;
  if (alone.deliveries == 0) {
    return "ceiling        not measured (--alone 0)\n";
  }
  std::string out = fmt::format("alone          {} us of CPU a delivery, over {} deliveries: {}",
                                static_cast<std::uint64_t>(alone.delivery_us()), alone.deliveries,
                                players(alone.cpu_us));
  if (alone.handshake_us > 0) {
    out += fmt::format(", one handshake {:.0f}, {:.1f} requests of {:.0f}", alone.handshake_us,
                       alone.requests, alone.request_us);
  }
  out += fmt::format(
      "\nceiling        {:.1f} deliveries a second on {} processors; reached {:.2f} of it, with "
      "{:.2f} "
      "processors\n",
      figures.ceiling(), figures.processors, figures.share_of_ceiling(), figures.busy_processors);
  out += fmt::format("economy        {:.2f}: CPU of a delivery alone by CPU under load\n",
                     figures.economy());
  return out +
         fmt::format(
             "providers      {:.1f} ms by the clock for a provider's part of a delivery alone: "
             "{:.1f} a second at most for {}\n",
             alone.provider_seconds * kMilliseconds, figures.providers_bound(),
             figures.options.providers);
}

}  // namespace

std::string text_report(const RunFigures& figures) {
  const FleetOptions& options = figures.options;
  std::string out = fmt::format(
      "fleet          {} elements, {}, {} provider{}, {}, {}, {} devices at once, seed {}\n",
      options.elements, options.by_certificates ? "RL2" : "RL1", options.providers,
      options.providers == 1 ? "" : "s", options.over_tls ? "TLS 1.3" : "simulated network",
      figures.store_name, options.devices_at_once, options.seed);
  out += fmt::format("made           in {:.1f} s; an element rests in {} octets\n",
                     figures.making_seconds, figures.element_octets);
  out += fmt::format("orders         {}", figures.ordered);
  for (const auto& [state, count] : figures.by_state) {
    out += fmt::format(", {} {}", count, state);
  }
  out += fmt::format("; {} by receipt, {} further attempts\n", figures.by_receipt,
                     figures.further_attempts);
  out += fmt::format("failures       ");
  for (const auto& [failure, count] : figures.failures) {
    out += fmt::format("{} {}, ", failure, count);
  }
  out += fmt::format("{} requests, {} visits\n", figures.requests, figures.visits);
  out +=
      fmt::format("order->verdict p50 {:.1f} ms, p90 {:.1f} ms, p99 {:.1f} ms, longest {:.1f} ms\n",
                  quantile(figures.latencies, 0.5) * kMilliseconds,
                  quantile(figures.latencies, 0.9) * kMilliseconds,
                  quantile(figures.latencies, 0.99) * kMilliseconds,
                  quantile(figures.latencies, 1) * kMilliseconds);
  out += fmt::format("throughput     {:.1f} deliveries a second over {:.1f} s\n",
                     figures.deliveries_a_second(), figures.load_seconds);
  out += fmt::format("CPU            us a delivery: {}\n", players(figures.cpu_us));
  out += ceiling(figures);
  out += fmt::format("read back      {} elements in {:.1f} s: {} violation{}\n", figures.read_back,
                     figures.check_seconds, figures.violations, figures.violations == 1 ? "" : "s");
  for (const std::string& one : figures.first_violations) {
    out += "  " + one + '\n';
  }
  if (figures.troubles > 0) {
    out += fmt::format("troubles       {}, as the providers told them:\n", figures.troubles);
    for (const std::string& one : figures.first_troubles) {
      out += "  " + one + '\n';
    }
  }
  return out;
}

namespace {

boost::json::object by_player(const std::array<double, kPlayers>& cpu_us) {
  boost::json::object out;
  for (std::size_t player = 0; player < kPlayers; ++player) {
    out[name(static_cast<Player>(player))] = cpu_us.at(player);
  }
  return out;
}

template <typename Count>
boost::json::object by_name(const std::vector<std::pair<std::string, Count>>& counts) {
  boost::json::object out;
  for (const auto& [key, count] : counts) {
    out[key] = count;
  }
  return out;
}

boost::json::array strings(const std::vector<std::string>& from) {
  boost::json::array out;
  for (const std::string& one : from) {
    out.emplace_back(one);
  }
  return out;
}

}  // namespace

boost::json::object json_report(const RunFigures& figures) {
  const FleetOptions& options = figures.options;
  const auto at = [&](double share) { return quantile(figures.latencies, share); };
  return {
      {"elements", options.elements},
      {"level", options.by_certificates ? "RL2" : "RL1"},
      {"providers", options.providers},
      {"transport", options.over_tls ? "tls" : "simulated"},
      {"store", figures.store_name},
      {"devices_at_once", options.devices_at_once},
      {"latency_ms", options.latency.count()},
      {"seed", options.seed},
      {"interrupted", figures.interrupted},
      {"making_seconds", figures.making_seconds},
      {"load_seconds", figures.load_seconds},
      {"check_seconds", figures.check_seconds},
      {"octets_an_element", figures.element_octets},
      {"ordered", figures.ordered},
      {"states", by_name(figures.by_state)},
      {"confirmed", figures.confirmed},
      {"by_receipt", figures.by_receipt},
      {"further_attempts", figures.further_attempts},
      {"failures", by_name(figures.failures)},
      {"requests", figures.requests},
      {"visits", figures.visits},
      {"apdus", figures.apdus},
      {"latency_seconds",
       boost::json::object{
           {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}, {"longest", at(1)}}},
      {"deliveries_a_second", figures.deliveries_a_second()},
      {"cpu_us", by_player(figures.cpu_us)},
      {"alone", boost::json::object{{"deliveries", figures.alone.deliveries},
                                    {"cpu_us", by_player(figures.alone.cpu_us)},
                                    {"requests", figures.alone.requests},
                                    {"handshake_us", figures.alone.handshake_us},
                                    {"request_us", figures.alone.request_us},
                                    {"provider_seconds", figures.alone.provider_seconds},
                                    {"delivery_us", figures.alone.delivery_us()}}},
      {"processors", figures.processors},
      {"busy_processors", figures.busy_processors},
      {"ceiling", figures.ceiling()},
      {"share_of_ceiling", figures.share_of_ceiling()},
      {"economy", figures.economy()},
      {"providers_bound", figures.providers_bound()},
      {"read_back", figures.read_back},
      {"violations", figures.violations},
      {"first_violations", strings(figures.first_violations)},
      {"troubles", figures.troubles},
      {"first_troubles", strings(figures.first_troubles)},
  };
}

}  // namespace kagibin::cli::fleet
