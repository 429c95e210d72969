// SPDX-License-Identifier: Apache-2.0
// What card content management does to the registry, whoever asks: the profile at manufacture or a
// command (GPCS chapter 9). Who may ask is the command's matter. For se/ only, inside a
// transaction.
#pragma once

#include "kagibin/gp/content/cap_file.h"
#include "kagibin/gp/content/install_parameters.h"
#include "kagibin/se/open/instances.h"

namespace kagibin::se {

struct Installation {
  Aid load_file;
  Aid module;
  Aid aid;  // of the new application or security domain
  gp::Privileges privileges{};
  Aid security_domain;    // associated
  Aid granter;            // in whose right: it gives the privileges (content/privilege_rules.h)
  ByteView parameters{};  // value of C9
  std::uint8_t life_cycle = gp::kInstalled;
  gp::InstallParameters system{};  // EF
  ByteView delivery{};             // of a domain that takes deliveries by itself: its code's own
};

// Makes an application or a supplementary security domain. kNotFound: load file, module, security
// domain; kConflict: the AID is in use, or what one application has at a time; kPolicy, kValue,
// kNotSupported: privileges or parameters that are not given here (content/privilege_rules.h);
// kInvalidArgument: parameters of a security domain that are not understood; kNoSpace: the memory
// budget; kCardStatus: the application's refusal.
Result<void> install(Platform& platform, Instances& instances, const Installation& installation);

// Takes an application or security domain away with everything that is its own. kPolicy: it is
// the ISD, the CASD, or a security domain that others are associated with.
Result<void> remove(Platform& platform, Instances& instances, const RegistryEntry& entry);

// Makes a load file of what was loaded; `octets` is its data block's SHA-256 and size. kConflict:
// the AID is in use; kNoSpace.
struct LoadedFile {
  gp::CapFile content;
  Aid security_domain;
  crypto::Digest256 code_hash{};
  std::uint32_t octets = 0;
};
Result<void> add_load_file(Platform& platform, const LoadedFile& file);

// kPolicy: it is built in, applications were made from it, or another load file imports it.
Result<void> remove_load_file(Platform& platform, const LoadFileEntry& file);

// Privileges and implicit selection of an application that is there; absent ones stay. Failures as
// of install().
struct RegistryChange {
  std::optional<gp::Privileges> privileges{};
  gp::InstallParameters system{};
  Aid granter;  // as of an Installation
};
Result<void> update(Platform& platform, RegistryEntry entry, const RegistryChange& change);

// The life cycle of a supplementary domain follows its keys: PERSONALIZED with a complete set.
Result<void> mark_personalized(Platform& platform, const RegistryEntry& domain);
// SELECTABLE, or PERSONALIZED where the domain's parameters say so (84).
std::uint8_t selectable_state(const RegistryEntry& entry);

}  // namespace kagibin::se
