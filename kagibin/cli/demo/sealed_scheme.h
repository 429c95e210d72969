// SPDX-License-Identifier: Apache-2.0
// The whole sealed scheme: the players, the delivery, the key in use, and the examination of what
// everybody on the way knows.
//
//   const KnowledgeTable table = KB_TRY(run_sealed_scheme(site, options, narrator));
#pragma once

#include <vector>

#include "kagibin/cli/demo/knowledge/knowledge_table.h"
#include "kagibin/cli/demo/narrator.h"
#include "kagibin/cli/demo/site.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::cli::demo {

struct SchemeOptions {
  bool pcsc = true;
  envelope::RelayLevel level = envelope::RelayLevel::kRl1;  // of the sealed scheme
  bool hsm = false;                                         // long-term keys in tokens
  bool look_for_keys = false;                               // outside of tokens; with hsm always
  std::vector<Role> plant{};  // for tests: write the delivered key into a log of these roles
};

Outcome<KnowledgeTable> run_sealed_scheme(Site& site,
                                          const SchemeOptions& options,
                                          Narrator& narrator);

}  // namespace kagibin::cli::demo
