// SPDX-License-Identifier: Apache-2.0
// The old way (RL0), for comparison: the service provider entrusts its key to the operator, who
// sends it under the channel keys that the manager issued. The roles on the way are played by
// kagibin-conventional, a program of the tests.
//
//   const KnowledgeTable table = KB_TRY(run_conventional_scheme(site, options, narrator));
#pragma once

#include "kagibin/cli/demo/sealed_scheme.h"

namespace kagibin::cli::demo {

Outcome<KnowledgeTable> run_conventional_scheme(Site& site,
                                                const SchemeOptions& options,
                                                Narrator& narrator);

}  // namespace kagibin::cli::demo
