// SPDX-License-Identifier: Apache-2.0
// Examines what B, C, D, the device and two coalitions know: looks at what they hold after each
// step, and at the end searches all of it and lets the solver work on it (promises, I5).
//
// The element (kagibin-se and its state file) is left out; nothing else of these parties is. Refers
// to the site. Thread-safety: one thread.
//
//   Examination examination(site);
//   site.watch_by([&](Role role) { return examination.last_look(role); });
//   examination.watch(Role::kDistributor, server.process(), "kagibin-distributor");
//   examination.look();                                          // after each step
//   const KnowledgeTable table = KB_TRY(examination.conclude(evidence));
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/cli/demo/knowledge/holdings.h"
#include "kagibin/cli/demo/knowledge/knowledge_table.h"
#include "kagibin/cli/demo/knowledge/secret_search.h"
#include "kagibin/cli/demo/known_secrets.h"
#include "kagibin/cli/demo/site.h"
#include "kagibin/cli/solver/solver.h"

namespace kagibin::cli::demo {

// What the examiner brings to the end.
struct Evidence {
  std::string scheme;
  envelope::RelayLevel level = envelope::RelayLevel::kRl1;
  const std::vector<Secret>& secrets;
  std::vector<scp::Scp03KeySet>
      all_key_sets{};            // C's first set, the delivered one, at RL3 and RL4 A's first own
  bool has_managers_set = true;  // at OS there is none of C's
  std::vector<SealedEnvelope> envelopes{};
  std::vector<crypto::EcPrivateKey> manager_keys{};      // C's own
  std::vector<crypto::CurvePublicKey> agreement_keys{};  // that certificates of SCP11 name
  std::string known_plaintext{};  // in D's capture under TLS; empty: the capture has no TLS
};

class Examination {
 public:
  explicit Examination(const Site& site);

  // A running process of a party; looked at from now on.
  void watch(Role role, pid_t process, const std::string& name);
  // For one-shot programs: a look in their last moment (empty for roles that are not examined).
  Child::LastLook last_look(Role role);
  void look();

  // Fails when the examination itself cannot be trusted: the capture does not open, the known
  // plaintext is not where it must be, the relayed sessions do not open for the examiner.
  Outcome<KnowledgeTable> conclude(const Evidence& evidence);

 private:
  // One party's holdings, searched once for all coalitions it is in.
  struct Party {
    const char* name;
    const Holdings* holdings;
    std::set<std::pair<SecretSearch::Hit, std::string>> hits{};  // and where
    std::vector<crypto::EcPrivateKey> private_keys{};
    std::vector<SealedEnvelope> envelopes{};
  };
  using Coalition = std::vector<const Party*>;
  Holdings* holdings_of(Role role);
  Outcome<void> take_capture(const std::string& known_plaintext);
  Outcome<std::vector<Secret>> session_keys(const Evidence& evidence) const;
  static Party search_party(const char* name,
                            const Holdings& holdings,
                            const SecretSearch& search,
                            const Evidence& evidence);
  KnowledgeRow row(const Coalition& members,
                   const std::vector<Secret>& sessions,
                   const Evidence& evidence) const;
  void solve(const Coalition& members,
             const std::vector<Secret>& sessions,
             const Evidence& evidence,
             const std::set<std::string>& held,
             KnowledgeRow& out) const;

  const Site& site_;
  Holdings distributor_;
  Holdings manager_;
  Holdings carrier_;
  Holdings device_;
};

}  // namespace kagibin::cli::demo
