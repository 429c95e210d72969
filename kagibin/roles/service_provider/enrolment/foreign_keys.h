// SPDX-License-Identifier: Apache-2.0
// Keys of others in a domain that takes deliveries by itself (level OS). Until it has keys of its
// own, the manager's, above it, open it (GPCS 7.3), so that a set may be there before ours: it
// would put, replace and delete keys beside ours for good. Protocol, section 8: the delivery that
// first gives us a key set replaces that set or deletes it, at every level.
//
// All that a statement says is the highest version in the domain (E1/8B), which is how it looked at
// enrolment. So a set of a lower version, and one put since, are not seen here.
//
//   KB_TRY(check_foreign_keys(domain, statement.highest_key_version, actions));
#pragma once

#include <span>

#include "kagibin/envelope/payload/payload.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

namespace kagibin::roles::service_provider {

// Whose domain, and the books that say which channel key sets we put there.
struct OwnDomainKeys {
  const Seid& seid;
  const Aid& domain;
  const KeyStore& keys;
  const ExclusiveKeys& exclusive;
};

// kPolicy where the domain has keys, as yet none by which we alone open it, and these actions
// neither delete those of the highest version nor replace them by a channel key set.
Checked<void> check_foreign_keys(const OwnDomainKeys& domain,
                                 std::uint8_t highest_version,
                                 std::span<const envelope::Action> actions);

}  // namespace kagibin::roles::service_provider
