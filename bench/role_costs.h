// SPDX-License-Identifier: Apache-2.0
// What a whole delivery costs each of the roles in processor time: those of `kagibin fleet`, which
// does the work, over the store that is given. For distributor_bench.cc.
#pragma once

#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>

namespace kagibin::bench {

// Counters in microseconds a delivery, TLS included: provider_us, distributor_us, device_us (the
// agent) and element_us under load, and database_us, the server's, where it can be seen; each with
// alone_ before it for one delivery at a time without a network. `store` is a PostgreSQL server's
// address; empty: a SQLite file in `folder`. The benchmark fails when a delivery does.
void weigh_roles(benchmark::State& state,
                 const std::string& store,
                 const std::filesystem::path& folder);

}  // namespace kagibin::bench
