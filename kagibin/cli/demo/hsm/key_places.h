// SPDX-License-Identifier: Apache-2.0
// Where the long-term keys of A, C, E and M are: the examiner looks for them in everything that
// those four have but their tokens.
//
// Looked at: every file of their homes; every encrypted record, opened with its passphrase; the
// memory, command line and environment of each of their programs, of one-shot programs in their
// last moment. A module of SoftHSM computes in the memory of the program that loaded it: what
// stands there is told apart, for a real module computes elsewhere. The control is the same search
// over homes that have the same keys in records, where it has to find every one of them. Refers to
// the site. Thread-safety: one thread.
//
//   KeyPlaces places(site);
//   site.watch_by([&](Role role) { return places.last_look(role); });
//   places.look();                                        // after each step
//   const KeyFindings findings = KB_TRY(places.conclude(secrets.long_term()));
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kagibin/cli/demo/hsm/key_findings.h"
#include "kagibin/cli/demo/knowledge/holdings.h"
#include "kagibin/cli/demo/known_secrets.h"
#include "kagibin/cli/demo/site.h"

namespace kagibin::cli::demo {

class KeyPlaces {
 public:
  explicit KeyPlaces(const Site& site);

  // A running process of a role; others than A, C, E and M are passed over.
  void watch(Role role, pid_t process, const std::string& name);
  // For one-shot programs; empty for other roles.
  Child::LastLook last_look(Role role);
  void look();
  // Of what lies sealed elsewhere than in a folder of records.
  void add_opened(Role role, std::string where, const SecretBytes& content);

  Outcome<KeyFindings> conclude(const std::vector<Secret>& keys);

 private:
  void look_at(Role role, pid_t process, const std::string& name);
  Outcome<std::size_t> open_records(const std::filesystem::path& folder,
                                    const SecretBytes& passphrase,
                                    Holdings& out) const;
  Outcome<std::size_t> control(const std::vector<Secret>& keys) const;

  const Site& site_;
  std::map<Role, Holdings> holdings_;
};

}  // namespace kagibin::cli::demo
