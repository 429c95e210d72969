// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/check/findings.h"

#include <string_view>

#include <fmt/format.h>

namespace kagibin::cli::fleet {

using delivery::State;

std::vector<std::string> violations(const Seen& seen, bool is_over) {
  std::vector<std::string> out;
  const auto expect = [&](bool holds, std::string_view invariant, std::string_view sentence) {
    if (!holds) {
      out.push_back(fmt::format(
          "order {}: {}: {} (provider: {}, operator: {} confirmed, element: "
          "{} installs{}{})",
          seen.number, invariant, sentence,
          seen.is_ordered ? delivery::name(seen.at_provider) : "not ordered",
          seen.confirmed_at_operator, seen.installs, seen.has_first_keys ? ", first keys" : "",
          seen.has_new_keys ? ", new keys" : ""));
    }
  };
  expect(seen.installs <= 1, "I1", "it was installed more than once");
  expect(seen.confirmed_at_operator <= 1, "I1", "more than one of its attempts is confirmed");
  const bool ended = seen.is_ordered && delivery::is_final(seen.at_provider);
  if (is_over) {
    expect(ended, "I7", "it has not ended");
  }
  if (!seen.is_ordered) {
    expect(seen.installs == 0, "I4", "nobody ordered it, and it was installed");
  }
  if (!ended) {
    return out;  // the element may have acted already
  }
  const bool confirmed = seen.at_provider == State::kConfirmed;
  expect(confirmed == (seen.confirmed_at_operator > 0), "I4",
         "provider and operator say different things");
  if (confirmed) {
    expect(seen.has_receipt, "I3", "it is confirmed without a receipt");
    expect(seen.installs == 1, "I4", "it is confirmed, and the element's keys did not change");
    expect(seen.has_new_keys && !seen.has_first_keys, "I4",
           "it is confirmed, and the element has other key versions");
    expect(seen.opens_with_new_keys, "I4",
           "it is confirmed, and the element opens no session under the new keys");
  } else {
    expect(seen.installs == 0 && !seen.has_new_keys && seen.has_first_keys, "I4",
           "it ended without an install, and the element's keys changed");
  }
  return out;
}

}  // namespace kagibin::cli::fleet
