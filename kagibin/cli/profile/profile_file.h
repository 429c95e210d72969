// SPDX-License-Identifier: Apache-2.0
// A profile: what an element is made with, as a small JSON file that people read and write. A SIM,
// a secure SD and a payment element differ by profile, not by program: form factor is a property.
//
//   format       1
//   name         what the file is called, without .json
//   about        one sentence or more for people
//   warning      optional; said aloud by every program that makes elements with the profile
//   isd          { aid, privileges [names of GPCS table 6-1] }
//   scp03        { i }                           hexadecimal, as everywhere below
//   scp02        optional { i, reason }          off without it; the reason is for who reads the
//   file scp11        optional "S8" or "S16" casd         optional { authority_key, mandated_dap }:
//   a CASD (Amendment A). authority_key is
//                the controlling authority's public key, a point on P-256 (65 octets); without it
//                the maker puts his authority's there, and nobody makes the element by hand
//   limits       { channels 1..20, basic_channel_reserved, failed_authentications 0..255 (0: no
//                limit), memory_octets (0: no limit) }
//   answer_to_reset  optional { octets } or { historical_bytes }; else the ATR tells the channels
//   identity     { iin, cin_prefix, cplc }       cplc 42 octets, empty for none
//   keys         [ { name, domain (optional AID; the ISD), kvn, type "AES-128" "AES-192" "AES-256"
//                "3DES", from } ]
//                from "master": derived from NAME.master of a key file (key_derivation.h: KDF3 for
//                AES, EMV for 3DES); "given": NAME.enc, .mac, .dek of a key file, for one element
//                alone; "published": the test key that stands there as value, which has to be
//                GlobalPlatform tools' 40..4F and nothing else: a profile holds no secret
//   security_domains  [ { aid, privileges } ]
//   applications      [ { load_file, module, aid, domain (optional AID; the ISD), parameters } ]
//
// What belongs to one element alone comes from its serial number, four octets: CIN is cin_prefix
// and serial, the serial stands in octets 13 to 16 of CPLC (IC serial number), and key
// diversification data is the last six octets of IIN (zeros in front when it is shorter) and the
// serial, as EMV CPS 1.1, 4.1 has it.
//
// Every member stands once and no other is known. Limits: 64 KiB a file, 16 entries a list.
// Thread-safety: value.
//
//   const auto profile = ProfileFile::parse(text);
//   if (!profile) return console.failed_text(profile.error().code, "...", profile.error().text);
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/se/profile.h"

namespace kagibin::cli {

enum class KeySource : std::uint8_t { kMaster, kGiven, kPublished };

// What GlobalPlatform tools try first: known to everybody, no secret.
inline constexpr std::string_view kPublishedTestKey = "404142434445464748494A4B4C4D4E4F";

struct ProfileKeySet {
  std::string name;
  std::optional<Aid> domain{};  // empty: the ISD
  std::uint8_t version = 0;
  bool aes = true;
  std::size_t size = 16;  // octets a key
  KeySource source = KeySource::kMaster;
};

struct ProfileProblem {
  Errc code;
  std::string text;  // a sentence
};

struct ProfileFile {
  std::string name;
  std::string about;
  std::string warning{};
  se::ElementProfile element{};  // everything that all elements of the profile share; no key set
  Bytes cin_prefix{};
  std::string scp02_reason{};
  std::vector<ProfileKeySet> keys{};

  // kEncoding, kValue, kLimit with the member that is wrong; kPolicy for a key value that is not
  // the published one, and for SCP02 without a reason.
  static std::expected<ProfileFile, ProfileProblem> parse(std::string_view text);
  bool has_published_keys() const;
};

}  // namespace kagibin::cli
