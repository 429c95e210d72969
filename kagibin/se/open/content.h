// SPDX-License-Identifier: Apache-2.0
// What card content management does to the registry, whoever asks: the profile at manufacture or a
// command (GPCS chapter 9). For se/ only, inside a transaction.
#pragma once

#include "kagibin/se/open/instances.h"

namespace kagibin::se {

struct Installation {
  Aid load_file;
  Aid module;
  Aid aid;  // of the new application or security domain
  gp::Privileges privileges{};
  Aid security_domain;    // associated
  ByteView parameters{};  // value of C9
  std::uint8_t life_cycle = gp::kInstalled;
};

// Makes an application or a supplementary security domain. kNotFound: load file, module, security
// domain; kConflict: the AID is in use; kInvalidArgument: privileges that are not given here, or
// parameters of a security domain that are not understood; kCardStatus: the application's refusal.
Result<void> install(Platform& platform, Instances& instances, const Installation& installation);

// Takes an application or security domain away with everything that is its own. kPolicy: it is
// the ISD, or a security domain that others are associated with.
Result<void> remove(Platform& platform, Instances& instances, const RegistryEntry& entry);

// The life cycle of a supplementary domain follows its keys: PERSONALIZED with a complete set.
Result<void> mark_personalized(Platform& platform, const RegistryEntry& domain);

}  // namespace kagibin::se
