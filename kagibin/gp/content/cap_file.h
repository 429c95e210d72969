// SPDX-License-Identifier: Apache-2.0
// A Java Card CAP file as it is loaded: the components one after the other, out of their archive,
// as the Load File Data Block of LOAD (JCVM 3.0, chapter 6; GPCS 11.6.2.3).
//
//   component   tag (1) | size (2) | size octets
//   1 Header    DECAFFED | minor, major of the format | flags | package
//               | from format 2.2: length (1) and name of the package, or nothing
//   2 Directory sizes of components 1 to 11 (format 2.1) or 12, two octets each | static fields (6)
//               | imports (1) | applets (1) | custom components (1) | ...
//   3 Applet    count (1) | { length (1) AID | offset of install() (2) } *
//   4 Import    count (1) | package *           package: minor, major | length (1) AID
//
// The other components (5 to 13, custom 80 to FF) are passed over: there is no bytecode here. What
// is checked is what a registry needs and what shows a file that is cut, mixed up or not for this
// format: the Header first, every component once and whole, nothing behind the last; the Directory
// says the same sizes and counts (of format 2.3: the first twelve sizes); an applet's AID begins
// with the RID of its package. Formats 2.1 to 2.3; the extended form (flag 08) is refused. Limits:
// 16 applets, 64 imports. Values.
//
//   const CapFile cap = KB_TRY(CapFile::decode(load_file_data_block));
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct CapPackage {
  Aid aid;
  std::array<std::uint8_t, 2> version{};  // major, minor
  friend bool operator==(const CapPackage&, const CapPackage&) = default;
};

struct CapFile {
  static constexpr std::size_t kMaxApplets = 16;
  static constexpr std::size_t kMaxImports = 64;

  CapPackage package;
  std::vector<CapPackage> imports{};
  std::vector<Aid> applets{};  // in the file's order, each once; none for a library

  // Total. kEncoding for what is not a CAP file or contradicts itself, kTruncated, kTrailing,
  // kConflict (a component or an applet twice), kLength (AIDs), kLimit, kNotSupported (format).
  static Result<CapFile> decode(ByteView data_block);
  friend bool operator==(const CapFile&, const CapFile&) = default;
};

}  // namespace kagibin::gp
