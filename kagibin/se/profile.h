// SPDX-License-Identifier: Apache-2.0
// What a virtual element is made with: its names, its secure channel, its first keys and its first
// content. Afterwards everything lies in the element's memory; the profile is not needed again.
//
// No key has a default. Limits stand beside the fields. Ownership: holds secrets, move-only.
//
//   ElementProfile profile;
//   profile.key_sets.push_back({profile.isd_aid, 0x30, std::move(isd_keys)});
//   auto element = KB_TRY(Element::create(profile, std::move(medium), rng, clock, modules));
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/gp/registry/privileges.h"
#include "kagibin/scp/scp02/scp02.h"
#include "kagibin/scp/scp03/scp03.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::se {

struct InitialKeySet {
  Aid security_domain;
  std::uint8_t key_version_number = 0;  // 01 to 7F, or FF: a factory set that PUT KEY replaces
  std::variant<scp::Scp03KeySet, scp::Scp02KeySet> keys;  // AES, or 3DES for SCP02
};

struct InitialSecurityDomain {
  Aid aid;
  gp::Privileges privileges{gp::Privileges::kSecurityDomain};
  // Of a domain that takes key deliveries by itself: its code, which is built in, and what that is
  // installed with (kda/own/own_delivery.h).
  struct OwnDelivery {
    Aid load_file;
    Aid module;
    Bytes parameters{};
  };
  std::optional<OwnDelivery> own_delivery{};
};

// A Controlling Authority Security Domain (Amendment A; casd/casd.h). Its key pairs are made
// inside.
struct InitialCasd {
  Bytes authority_key;        // PK.CA.AUT, a point on P-256: whose certificates it believes
  bool mandated_dap = false;  // every load file has a DAP block of the controlling authority
};

struct InitialApplication {
  Aid load_file;
  Aid module;
  Aid aid;
  Aid security_domain;  // the ISD or one of the initial security domains
  Bytes parameters{};   // value of C9 for Application::install
};

// T=1, TCK, and historical octets with card capabilities (ISO/IEC 7816-4, 12.1.1.9): selection by
// full and partial name, extended length, and this many logical channels.
Bytes make_atr(std::uint8_t channel_count);
// The same around these historical octets, 1 to 15.
Bytes make_atr(ByteView historical);

struct ElementProfile {
  static constexpr std::uint8_t kMaxChannels = 20;

  std::uint8_t channel_count = 4;  // 1 to 20, the basic channel included
  Bytes atr{};                     // up to 33 octets; empty: make_atr(channel_count)
  Aid isd_aid = *Aid::from_hex("A000000151000000");
  // Security domain, card lock, card terminate, card reset, CVM management; authorized management,
  // token verification, global delete, global lock, global registry, final application, receipt
  // generation (GPCS 11.1.2): what GPCS 6.6.2 gives the ISD.
  gp::Privileges isd_privileges{0x9EFE80};
  Bytes iin{};   // Issuer Identification Number, 42; up to 16 octets; empty: no such object
  Bytes cin{};   // Card Image Number, 45; up to 16 octets; empty: no such object
  Bytes cplc{};  // value of 9F7F, 42 octets; empty: no such object
  scp::Scp03Parameter scp03{0x60};  // of every security domain not told otherwise at INSTALL
  // Legacy, off unless set: a published padding-oracle attack reads what it encrypts (scp02.h).
  // Then 3DES key sets open SCP02 sessions, in the ISD and in domains that do not ask for less.
  std::optional<scp::Scp02Parameter> scp02{};
  // Unless it is empty, key pairs open SCP11 sessions, in the ISD and in domains that do not ask
  // for less: kScp11S8 or kScp11S16. Certificates come later, by STORE DATA.
  std::optional<scp::Scp11Parameter> scp11{};
  std::array<std::uint8_t, 10> diversification_data{};
  // Commands other than MANAGE CHANNEL on the basic channel answer 6881: a device uses it itself.
  bool basic_channel_reserved = false;
  // Wrong host cryptograms in a row after which a key set is blocked for good (6983); 0: never.
  std::uint8_t authentication_failure_limit = 0;
  // Names and content of all records; more answers 6A84. 0: no limit.
  std::uint32_t memory_octets = 0;

  std::optional<InitialCasd> casd{};
  std::vector<InitialKeySet> key_sets{};
  std::vector<InitialSecurityDomain> security_domains{};
  std::vector<InitialApplication> applications{};
};

}  // namespace kagibin::se
