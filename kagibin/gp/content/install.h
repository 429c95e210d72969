// SPDX-License-Identifier: Apache-2.0
// INSTALL (GPCS 11.5) of applications: for install, for make selectable, both, and for
// personalization. For load: install_load.h; for extradition and registry update: extradition.h.
//
//   80 E6 P1 P2 | LV load file AID | LV module AID | LV application AID | LV privileges
//               | LV parameters (C9 ..., EF ..., EA ...) | LV token
//   P1          04 install, 08 make selectable, 0C both, 20 personalization; P2 00
//   P1 P2       0E 03: install and make selectable, the end of a combined load (GPCS 9.3.8)
//   answer      00 (no receipt)
//
// Load file and module are empty (00) but for install; privileges, parameters and token are empty
// for personalization. Lengths of parameters and token are BER lengths. Parameters:
// install_parameters.h. Refused with kNotSupported: other purposes, b8 of P1 (more commands).
// Values.
//
//   Install i{.purpose = InstallFor::kPersonalization, .application = aid};
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {

enum class InstallFor : std::uint8_t {
  kInstall = 0x04,
  kMakeSelectable = 0x08,
  kInstallAndMakeSelectable = 0x0C,
  kLoadInstallAndMakeSelectable = 0x0E,  // P2 03
  kPersonalization = 0x20,
};

inline constexpr std::uint8_t kCombinedLoadEnds = 0x03;  // P2 (GPCS table 11-41)

struct Install {
  InstallFor purpose = InstallFor::kInstallAndMakeSelectable;
  std::optional<Aid> load_file{};  // for install: required
  std::optional<Aid> module{};     // for install: required
  Aid application;                 // the instance, or the one to personalize
  Privileges privileges{};
  Bytes parameters{};
  Bytes token{};  // seen, never checked here

  bool installs() const {
    return purpose == InstallFor::kInstall || purpose == InstallFor::kInstallAndMakeSelectable ||
           purpose == InstallFor::kLoadInstallAndMakeSelectable;
  }
  bool makes_selectable() const {
    return purpose == InstallFor::kMakeSelectable ||
           purpose == InstallFor::kInstallAndMakeSelectable ||
           purpose == InstallFor::kLoadInstallAndMakeSelectable;
  }

  // kValue where a field is there that the purpose excludes, or is missing; kLength for AIDs and
  // privileges; kTruncated, kTrailing, kEncoding.
  static Result<Install> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // Refuses what decode() refuses.
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const Install&, const Install&) = default;
};

// The value of C9 in install parameters, of their octets: what the application itself is given.
// kNotFound without one, kUnexpectedTag when it stands twice.
Result<ByteView> application_parameters(ByteView parameters);
// Install parameters with C9 alone.
Bytes with_application_parameters(ByteView value);

}  // namespace kagibin::gp
