// SPDX-License-Identifier: Apache-2.0
// The GlobalPlatform Registry (GPCS 8.1): what is on the element, in records of its memory.
//
//   reg/<AID>    80 01 kind | 81 01 life cycle | 82 03 privileges | 83 05-10 security domain
//                84 05-10 load file | 85 05-10 module
//                86 var secure channel protocols, three octets each: SCP, i (2)
//                | 87 01 implicit selection (CF) | 88 02 extradition to this domain
//                | 89 02 extradition away | 8A 02 deletion (82, 87, 83 of a domain's C9, for
//                applications and load files) | 8B 00 PERSONALIZED when it becomes selectable
//                | 8C 10 memory: non-volatile and volatile octets reserved, then their quotas
//                (FFFFFFFF: none); 87 to 8C each where it applies
//   elf/<AID>    80 01 life cycle | 81 05-10 security domain | 82 20 code hash
//                | 83 02 version | 84 04 octets of its data block | 85 05-10 module *
//                | 86 05-10 load file on this element that it imports *; 83 to 86 of one that was
//                loaded, and not built in
//
// AIDs in names are upper-case hexadecimal. There is no other copy: a transaction that is given up
// takes the registry back with everything else. Thread-safety: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/content/domain_parameters.h"
#include "kagibin/gp/content/install_parameters.h"
#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/se/nvm/nvm.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

enum class EntryKind : std::uint8_t {
  kIssuerSecurityDomain = 1,
  kSecurityDomain = 2,
  kApplication = 3,
};

// Memory of an application, from its install parameters (D8, D7, C8, C7).
struct MemoryShare {
  static constexpr std::uint32_t kNoQuota = 0xFFFFFFFF;

  std::uint32_t reserved_data = 0;  // non-volatile
  std::uint32_t reserved_volatile = 0;
  std::uint32_t data_quota = kNoQuota;
  std::uint32_t volatile_quota = kNoQuota;
  friend bool operator==(const MemoryShare&, const MemoryShare&) = default;
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
  std::optional<gp::ImplicitSelection> implicit_selection{};
  MemoryShare memory{};
  // Of a security domain: whose requests it takes; absent: what OPEN takes (content/authority.h).
  std::optional<gp::Acceptance> extradition_here{};
  std::optional<gp::Acceptance> extradition_away{};
  std::optional<gp::Acceptance> deletion{};
  bool personalized_at_once = false;

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
  bool loaded = false;  // by LOAD; what follows is said of such a file alone
  std::array<std::uint8_t, 2> version{};
  std::uint32_t octets = 0;
  std::vector<Aid> modules{};
  std::vector<Aid> imports{};
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
  Result<void> erase_load_file(const Aid& aid);
  std::vector<LoadFileEntry> load_files() const;

  // The selectable application that is selected implicitly on this logical channel (GPCS 6.4).
  std::optional<RegistryEntry> implicitly_selected(std::uint8_t channel) const;

  // The first selectable entry in order of AIDs whose AID begins with `prefix` and, when `after` is
  // given, stands behind it (SELECT by partial AID, first and next occurrence).
  std::optional<RegistryEntry> select(ByteView prefix, const std::optional<Aid>& after) const;

 private:
  Nvm& nvm_;
};

}  // namespace kagibin::se
