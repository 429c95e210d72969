// SPDX-License-Identifier: Apache-2.0
// What one party remembers of signatures that it verified: several parties share the thread here,
// and none may profit from what another verified.
#pragma once

#include <utility>

#include "kagibin/pki/verified_signatures.h"

namespace kagibin::pki {

// What runs in its life has its own memory of verified signatures, not the provider's.
class OwnMemory {
 public:
  explicit OwnMemory(VerifiedSignatures& own) : own_(own) { exchange(); }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  ~OwnMemory() { exchange(); }

 private:
  void exchange() { std::swap(own_, VerifiedSignatures::of_thread()); }

  VerifiedSignatures& own_;
};

}  // namespace kagibin::pki
