// SPDX-License-Identifier: Apache-2.0
// Gives the entries of a store's audit log their places, hashes them into the tree, and signs its
// head (doc/audit.md, "Places").
//
// Any number of distributors may do so for one store: the head is taken by one at a time. A log is
// signed with one key: a distributor that has another one, or none, leaves the entries to those
// that have it. Nothing is signed that does not continue what was signed last: a head that this
// key did not sign, or tiles with another root, are kAuthentication, and the log stands still until
// somebody has looked (kagibin audit verify). Pure but for the transaction. Ownership: refers to
// the key.
//
//   LogKeeper keeper(key);
//   const std::size_t placed = KB_TRY(keeper.extend(*transaction));     // then commit
#pragma once

#include <cstddef>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::uint32_t kPlacesATime = 4'096;

class LogKeeper {
 public:
  explicit LogKeeper(const crypto::Ed25519PrivateKey& key)
      : key_(key), verifier_({.name = name_of_log(key.public_key()), .key = key.public_key()}) {}

  const VerifierKey& verifier() const { return verifier_; }
  // How many entries got their place; 0: there is nothing to commit.
  Result<std::size_t> extend(delivery::OrderTransaction& transaction) const;

 private:
  const crypto::Ed25519PrivateKey& key_;
  VerifierKey verifier_;
};

}  // namespace kagibin::roles::key_distribution_operator
