// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/command_name.h"

#include <algorithm>
#include <array>

namespace kagibin::apdu {

namespace {

// A row names the commands whose octets agree with it under its masks; the first one that does
// counts.
struct Row {
  std::uint8_t ins = 0;
  std::uint8_t p1_mask = 0;
  std::uint8_t p1 = 0;
  CommandName name{};
};

constexpr std::uint8_t kAny = 0x00;      // mask: P1 does not matter
constexpr std::uint8_t kExact = 0xFF;    // mask: P1 is this
constexpr std::uint8_t kButMore = 0x7F;  // mask: but for b8, more INSTALL commands follow
constexpr std::uint8_t kMutualOrExternal = 0x82;
constexpr std::uint8_t kProprietaryBit = 0x80;

constexpr CommandName kMutualAuthenticate{"MUTUAL AUTHENTICATE", "Amendment F, 7.6"};
constexpr CommandName kInternalAuthenticate{"INTERNAL AUTHENTICATE", "Amendment F, 7.7"};

// Of every class.
constexpr auto kRows = std::to_array<Row>({
    {0x20, kAny, 0, {"VERIFY", "ISO/IEC 7816-4"}},
    {0x2A, kAny, 0, {"PERFORM SECURITY OPERATION", "Amendment F, 7.5"}},
    {0x50, kAny, 0, {"INITIALIZE UPDATE", "Amendment D, 7.1.1; GPCS E.5.1"}},
    {0x70, kExact, 0x00, {"MANAGE CHANNEL [open]", "GPCS 11.7"}},
    {0x70, kExact, 0x80, {"MANAGE CHANNEL [close]", "GPCS 11.7"}},
    {0x70, kAny, 0, {"MANAGE CHANNEL", "GPCS 11.7"}},
    {0x78, kAny, 0, {"END R-MAC SESSION", "Amendment D, 7.1.4; GPCS E.5.4"}},
    {0x7A, kAny, 0, {"BEGIN R-MAC SESSION", "Amendment D, 7.1.3; GPCS E.5.3"}},
    {0x82, kAny, 0, {"EXTERNAL AUTHENTICATE", "Amendment D, 7.1.2; GPCS E.5.2"}},
    {0x84, kAny, 0, {"GET CHALLENGE", "ISO/IEC 7816-4"}},
    {0x88, kAny, 0, {"INTERNAL AUTHENTICATE", "ISO/IEC 7816-4, 11.5.2"}},
    {0xA4, kAny, 0, {"SELECT", "GPCS 11.9"}},
    {0xB0, kAny, 0, {"READ BINARY", "ISO/IEC 7816-4"}},
    {0xC0, kAny, 0, {"GET RESPONSE", "ISO/IEC 7816-4, 11.7.1"}},
    {0xCA, kAny, 0, {"GET DATA", "GPCS 11.3"}},
    {0xCB, kAny, 0, {"GET DATA", "GPCS 11.3"}},
    {0xD8, kExact, 0x00, {"PUT KEY [add]", "GPCS 11.8"}},
    {0xD8, kAny, 0, {"PUT KEY [replace]", "GPCS 11.8"}},
    {0xDA, kAny, 0, {"PUT DATA", "ISO/IEC 7816-4"}},
    {0xE2, kAny, 0, {"STORE DATA", "GPCS 11.11"}},
    {0xE4, kAny, 0, {"DELETE", "GPCS 11.2"}},
    {0xE6, kButMore, 0x02, {"INSTALL [for load]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x04, {"INSTALL [for install]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x08, {"INSTALL [for make selectable]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x0C, {"INSTALL [for install and make selectable]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x0E, {"INSTALL [for load, install and make selectable]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x10, {"INSTALL [for extradition]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x20, {"INSTALL [for personalization]", "GPCS 11.5"}},
    {0xE6, kButMore, 0x40, {"INSTALL [for registry update]", "GPCS 11.5"}},
    {0xE6, kAny, 0, {"INSTALL", "GPCS 11.5"}},
    {0xE8, kAny, 0, {"LOAD", "GPCS 11.6"}},
    {0xF0, kExact, 0x80, {"SET STATUS [of the card]", "GPCS 11.10"}},
    {0xF0, kExact, 0x40, {"SET STATUS [of an application or security domain]", "GPCS 11.10"}},
    {0xF0, kExact, 0x60, {"SET STATUS [of a security domain and its applications]", "GPCS 11.10"}},
    {0xF0, kAny, 0, {"SET STATUS", "GPCS 11.10"}},
    {0xF1, kAny, 0, {"GENERATE KEY", ""}},  // of published hosts; no clause
    {0xF2, kExact, 0x80, {"GET STATUS [issuer security domain]", "GPCS 11.4"}},
    {0xF2, kExact, 0x40, {"GET STATUS [applications and security domains]", "GPCS 11.4"}},
    {0xF2, kExact, 0x20, {"GET STATUS [executable load files]", "GPCS 11.4"}},
    {0xF2, kExact, 0x10, {"GET STATUS [executable load files and modules]", "GPCS 11.4"}},
    {0xF2, kAny, 0, {"GET STATUS", "GPCS 11.4"}},
});

}  // namespace

CommandName command_name(std::uint8_t cla, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2) {
  // In GlobalPlatform's class these two are SCP11's when they name a key (scp11.h).
  const bool proprietary = (cla & kProprietaryBit) != 0;
  if (proprietary && ins == kMutualOrExternal && p2 != 0) {
    return kMutualAuthenticate;
  }
  const auto found = std::ranges::find_if(
      kRows, [&](const Row& row) { return row.ins == ins && (p1 & row.p1_mask) == row.p1; });
  if (found == kRows.end()) {
    return {};
  }
  const bool scp11 = proprietary && found->name.text == kInternalAuthenticate.text;
  return scp11 ? kInternalAuthenticate : found->name;
}

}  // namespace kagibin::apdu
