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

  // The security domain that this is the delivery code of; nullptr: a KDA, whose targets are
  // others.
  OwnDomainService* own_domain() const { return application.own_domain; }
  // Whether A0/89 is answered (enrolment/next_enrolment.h).
  bool answers_next_enrolment() const {
    return own_domain() == nullptr && !store.is_attested_by_casd();
  }
  crypto::Rng& rng() const { return application.rng; }
  Nvm& nvm() const { return application.nvm; }
  // Whether a command of an action left since the last reset and its answer proved nothing, of
  // whichever delivery (target/target_session.h).
  bool is_unanswered() const { return application.clear_on_reset[0] != 0; }
  void set_unanswered(bool value) const { application.clear_on_reset[0] = value ? 1 : 0; }
};

}  // namespace kagibin::se
