// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/report/run_figures.h"

#include <numeric>

namespace kagibin::cli::fleet {

double UnitCosts::delivery_us() const {
  return std::accumulate(cpu_us.begin(), cpu_us.end(), 0.0) + handshake_us + requests * request_us;
}

double RunFigures::deliveries_a_second() const {
  return load_seconds > 0 ? confirmed / load_seconds : 0;
}

double RunFigures::ceiling() const {
  constexpr double kMicroseconds = 1e6;
  const double each = alone.delivery_us();
  return each > 0 ? processors * kMicroseconds / each : 0;
}

double RunFigures::economy() const {
  const double under_load = std::accumulate(cpu_us.begin(), cpu_us.end(), 0.0);
  return under_load > 0 ? alone.delivery_us() / under_load : 0;
}

double RunFigures::providers_bound() const {
  return alone.provider_seconds > 0 ? options.providers / alone.provider_seconds : 0;
}

double RunFigures::share_of_ceiling() const {
  return ceiling() > 0 ? deliveries_a_second() / ceiling() : 0;
}

}  // namespace kagibin::cli::fleet
