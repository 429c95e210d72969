// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/judge.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace kagibin::attack {

namespace {

const Claim* claim_of(const std::vector<Claim>& claims, const SecretBytes& key) {
  const auto found = std::ranges::find_if(
      claims, [&](const Claim& one) { return ct_equal(one.key.expose(), key.expose()); });
  return found == claims.end() ? nullptr : &*found;
}

}  // namespace

std::size_t Cell::tried() const {
  return std::accumulate(taken.begin(), taken.end(), std::size_t{0},
                         [](std::size_t sum, const WayTaken& one) { return sum + one.tried; });
}

std::vector<Coalition> columns_of(const Scheme& scheme) {
  const auto& all = coalitions();
  return {all.begin(), scheme.has_only_outsider ? all.begin() + 1 : all.end()};
}

Cell attack_cell(const Scheme& scheme, const Coalition& coalition) {
  Cell out{.scheme = scheme, .coalition = coalition};
  for (const Way& way : ways()) {
    if (!way.applies(scheme, coalition)) {
      continue;
    }
    Scene scene(scheme, coalition,
                fmt::format("{}/{}/{}", scheme.name, coalition.name(), way.name));
    Attempt attempt = way.run(scene);
    WayTaken taken{
        .way = way.name, .tried = attempt.tried, .stopped_by = std::move(attempt.stopped_by)};
    const std::vector<SecretBytes> delivered = scene.delivered();
    const bool found_all = std::ranges::all_of(delivered, [&](const SecretBytes& key) {
      return claim_of(attempt.claims, key) != nullptr;
    });
    if (found_all && !delivered.empty()) {
      const Claim* first = claim_of(attempt.claims, delivered.front());
      taken.found_how = first->how;
      if (!out.key) {
        out.key = first->key.duplicate();
      }
    }
    out.taken.push_back(std::move(taken));
  }
  return out;
}

}  // namespace kagibin::attack
