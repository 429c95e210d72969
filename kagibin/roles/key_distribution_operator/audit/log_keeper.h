// SPDX-License-Identifier: Apache-2.0
// Gives the entries of a store's audit log their places, hashes them into the tree, and signs its
// head (doc/audit.md, "Places").
//
// Any number of distributors may do so for one store: the head is taken by one at a time. A log is
// signed with one key: a distributor that has another one, or none, leaves the entries to those
// that have it. Nothing is signed that does not continue what was signed last: a head that this
// key did not sign, or tiles with another root, are kAuthentication, and the log stands still until
// somebody has looked (kagibin audit verify). A store that was restored from a backup knows nothing
// of what was signed behind it: the distributor keeps its last checkpoint elsewhere, and a log that
// does not continue that one is kConflict. Pure but for the transaction. Ownership: refers to the
// key.
//
//   LogKeeper keeper(key, last, [&](std::string_view note) { write(note); });
//   const std::size_t placed = KB_TRY(keeper.extend(*transaction));
//   KB_TRY(transaction->commit());
//   keeper.committed();
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "kagibin/base/result.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::uint32_t kPlacesATime = 4'096;

class LogKeeper {
 public:
  using Keep = std::function<void(std::string_view checkpoint)>;
  // `last`: the checkpoint that was kept last; empty: none.
  explicit LogKeeper(const crypto::Ed25519PrivateKey& key, std::string last = {}, Keep keep = {})
      : key_(key),
        verifier_({.name = name_of_log(key.public_key()), .key = key.public_key()}),
        last_(std::move(last)),
        keep_(std::move(keep)) {}

  const VerifierKey& verifier() const { return verifier_; }
  // How many entries got their place; 0: there is nothing to commit.
  Result<std::size_t> extend(delivery::OrderTransaction& transaction);
  // Whether extend() would, though nothing may wait; changes nothing.
  Result<void> check(delivery::OrderTransaction& transaction);
  // What extend() did is in the store; not before, for what is kept must never be ahead of it.
  void committed();

 private:
  bool signs(const delivery::AuditHead& head) const;
  Result<void> check_continues_last(delivery::AuditRows& audit, const TreeHead& head);

  const crypto::Ed25519PrivateKey& key_;
  VerifierKey verifier_;
  std::string last_;
  Keep keep_;
  std::string signed_;
  bool proved_ = false;  // that the log continues what was kept when this began
};

}  // namespace kagibin::roles::key_distribution_operator
