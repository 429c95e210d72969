// SPDX-License-Identifier: Apache-2.0
// What the handlers of one KDA share: its names, its memory, its source of randomness.
// Ownership: references into the application, which outlives the handlers. Thread-safety: one
// thread.
#pragma once

#include "kagibin/crypto/rng.h"
#include "kagibin/se/application.h"
#include "kagibin/se/kda/records/kda_store.h"

namespace kagibin::se {

struct KdaEnvironment {
  const ApplicationContext& application;
  KdaStore& store;

  crypto::Rng& rng() const { return application.rng; }
  Nvm& nvm() const { return application.nvm; }
};

}  // namespace kagibin::se
