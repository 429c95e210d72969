// SPDX-License-Identifier: Apache-2.0
// What a coalition can do about relayed SCP11a sessions (Amendment F): every pair of private keys
// that it has is tried as ephemeral and static key of either end, with every point that it saw and
// every static public key that certificates name; every key set as the session's own keys. Only
// the receipt, or the C-MAC of the first command, says whether it was right. What PUT KEY carries
// is then tried under the session's Key-DEK and under every static one that is held.
//
//   solve_agreements(view, sessions.by_certificates, derived);
#pragma once

#include "kagibin/cli/solver/relayed_sessions.h"
#include "kagibin/cli/solver/solver.h"

namespace kagibin::cli {

// Adds what came out, and how much was tried. The key sets that the sessions carried.
std::vector<scp::Scp03KeySet> solve_agreements(const CoalitionView& view,
                                               const std::vector<RelayedAgreement>& sessions,
                                               Derived& derived);

}  // namespace kagibin::cli
