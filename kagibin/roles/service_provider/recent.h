// SPDX-License-Identifier: Apache-2.0
// What was worked out lately from octets that come again: found by the octets' SHA-256, so that it
// belongs to exactly these octets and no others. For public values: nothing here is wiped.
//
// Limits: kCapacity values, the oldest makes room. Ownership: values. Thread-safety: one thread.
//
//   Recent<crypto::EcPublicKey> points;
//   if (const auto* known = points.find(name)) { ... }
//   points.keep(name, point);
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::service_provider {

template <typename Value>
class Recent {
 public:
  static constexpr std::size_t kCapacity = 256;

  // Valid until the next keep().
  const Value* find(const crypto::Digest256& name) const {
    const auto found = std::ranges::find(entries_, name, &Entry::first);
    return found == entries_.end() ? nullptr : &found->second;
  }

  void keep(const crypto::Digest256& name, Value value) {
    if (entries_.size() < kCapacity) {
      entries_.emplace_back(name, std::move(value));
      return;
    }
    entries_[next_] = Entry(name, std::move(value));
    next_ = (next_ + 1) % kCapacity;
  }

 private:
  using Entry = std::pair<crypto::Digest256, Value>;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

}  // namespace kagibin::roles::service_provider
