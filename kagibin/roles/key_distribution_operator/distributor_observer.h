// SPDX-License-Identifier: Apache-2.0
// Port: what a Distributor tells of its work, for logs and metrics.
//
// Calls are short, must not block and must not throw; the distributor does not look at what they
// do. Thread-safety: called by the thread that calls the distributor.
//
//   Distributor distributor({.store = *store, ..., .observer = &observer});
#pragma once

#include <cstddef>

#include "kagibin/base/result.h"

namespace kagibin::roles::key_distribution_operator {

class DistributorObserver {
 public:
  DistributorObserver() = default;
  DistributorObserver(const DistributorObserver&) = delete;
  DistributorObserver& operator=(const DistributorObserver&) = delete;
  virtual ~DistributorObserver() = default;

  // Requests were handled together, and are about to be committed: whoever measures begins now.
  virtual void committing() {}
  // They are committed, and `changes`: at least one of them changed something.
  virtual void committed(std::size_t /*requests*/, bool /*changes*/) {}
  // The store did not take the transaction of these requests (0: of a tick), for the last time.
  virtual void not_committed(std::size_t /*requests*/, const Error& /*why*/) {}
  // So many orders and attempts whose time was over.
  virtual void expired(std::size_t /*count*/) {}
  // Entries of the audit log got their places, and its head was signed.
  virtual void log_extended(std::size_t /*entries*/) {}
  // The audit log cannot be extended, and why; with nullptr: it can again. Told once a change.
  virtual void log_stands(const Error* /*why*/) {}
  // About once a second, at the end of its work: the handler's thread is alive.
  virtual void ticked() {}
};

}  // namespace kagibin::roles::key_distribution_operator
