// SPDX-License-Identifier: Apache-2.0
// INSTALL [for extradition] and [for registry update] (GPCS 11.5.2.3.4 and 11.5.2.3.5): moves an
// application, a security domain or a load file to another security domain, and changes what the
// registry says about an application.
//
//   80 E6 10 00 | LV security domain AID | 00 | LV application or load file AID | 00
//               | LV parameters | LV extradition token
//   80 E6 40 00 | LV security domain AID (opt) | 00 | LV application AID (opt) | LV privileges
//   (opt)
//               | LV parameters (EF { CF ... }) | LV registry update token
//   answer        00 (no receipt)
//
// Values.
//
//   Extradition request{.security_domain = new_domain, .object = application};
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {

struct Extradition {
  static constexpr std::uint8_t kP1 = 0x10;

  Aid security_domain;  // the new one
  Aid object;           // application, security domain or load file
  Bytes parameters{};
  Bytes token{};  // seen, never checked here

  // Total. kValue for P2 and for a field that is missing or not empty; kLength, kTruncated,
  // kTrailing, kEncoding.
  static Result<Extradition> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // kLength for a field past 65,535 octets.
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const Extradition&, const Extradition&) = default;
};

struct RegistryUpdate {
  static constexpr std::uint8_t kP1 = 0x40;

  std::optional<Aid> security_domain{};    // when the application is extradited, too
  std::optional<Aid> application{};        // without one: what is said of the card
  std::optional<Privileges> privileges{};  // instead of those that it has
  Bytes parameters{};
  Bytes token{};

  // As above.
  static Result<RegistryUpdate> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const RegistryUpdate&, const RegistryUpdate&) = default;
};

}  // namespace kagibin::gp
