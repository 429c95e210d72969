// SPDX-License-Identifier: Apache-2.0
// The GlobalPlatform Registry (GPCS 8.1): what is on the element, in records of its memory.
//
//   reg/<AID>    80 01 kind | 81 01 life cycle | 82 03 privileges | 83 05-10 security domain
//                84 05-10 load file | 85 05-10 module
//                86 var secure channel protocols, three octets each: SCP, i (2)
//   elf/<AID>    80 01 life cycle | 81 05-10 security domain | 82 20 code hash
//
// AIDs in names are upper-case hexadecimal. There is no other copy: a transaction that is given up
// takes the registry back with everything else. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/se/nvm/nvm.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

enum class EntryKind : std::uint8_t {
  kIssuerSecurityDomain = 1,
  kSecurityDomain = 2,
  kApplication = 3,
};

struct RegistryEntry {
  Aid aid;
  EntryKind kind = EntryKind::kApplication;
  std::uint8_t life_cycle = 0;  // gp/life_cycle.h: the card's, of the ISD
  gp::Privileges privileges{};
  Aid security_domain;  // associated; the ISD's own is itself
  Aid load_file;
  Aid module;
  std::vector<gp::ChannelProtocol> protocols{};  // that a security domain speaks

  // i of this secure channel protocol; empty when the domain does not speak it.
  std::optional<std::uint16_t> parameter_of(std::uint8_t scp) const {
    return gp::parameter_of(protocols, scp);
  }
  bool is_security_domain() const { return kind != EntryKind::kApplication; }
  // Locked domains and applications are not (GPCS 5.3).
  bool selectable() const { return is_issuer() || (!locked() && life_cycle >= gp::kSelectable); }
  bool locked() const { return !is_issuer() && (life_cycle & gp::kLockedBit) != 0; }
  // The domain on top of its hierarchy is associated with itself.
  bool is_root() const { return security_domain == aid; }
  bool is_issuer() const { return kind == EntryKind::kIssuerSecurityDomain; }
  // Content management in its own right (GPCS 9.1.3): the ISD, and domains with the privilege.
  bool authorized_management() const {
    return is_issuer() || privileges.has(gp::Privileges::kAuthorizedManagement);
  }
};

struct LoadFileEntry {
  Aid aid;
  std::uint8_t life_cycle = gp::kExecutableLoadFileLoaded;
  Aid security_domain;
  crypto::Digest256 code_hash{};
};

class Registry {
 public:
  explicit Registry(Nvm& nvm) : nvm_(nvm) {}

  std::optional<RegistryEntry> find(const Aid& aid) const;
  Result<void> put(const RegistryEntry& entry);
  Result<void> erase(const Aid& aid);
  // In order of their AIDs.
  std::vector<RegistryEntry> entries() const;

  std::optional<LoadFileEntry> find_load_file(const Aid& aid) const;
  Result<void> put_load_file(const LoadFileEntry& entry);
  std::vector<LoadFileEntry> load_files() const;

  // The first selectable entry in order of AIDs whose AID begins with `prefix` and, when `after` is
  // given, stands behind it (SELECT by partial AID, first and next occurrence).
  std::optional<RegistryEntry> select(ByteView prefix, const std::optional<Aid>& after) const;

 private:
  Nvm& nvm_;
};

}  // namespace kagibin::se
