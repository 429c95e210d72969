// SPDX-License-Identifier: Apache-2.0
// The Executable Load File of a built-in application: a small real one, whose data block's SHA-256
// is the code hash that certificates and attestations name (protocol section 3).
//
//   "KBLF"               magic (4)
//   80 05-10             AID of the load file
//   81 02                version: major, minor
//   82 20                SHA-256 over the sources of the application (load_file_sources.cmake)
//   83 05-10 ...         AIDs of its modules, 1 to 8, in order, each once
//
// The block says which sources were compiled; the code itself is in the element's program. Limits:
// 8 modules. Ownership: values. Thread-safety: values.
//
//   const LoadFile file{.aid = aid, .version = {1, 0}, .sources = kMySourcesSha256, .modules =
//   {m}}; const Bytes block = file.data_block(); const crypto::Digest256 code_hash =
//   file.code_hash();
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::se {

struct LoadFile {
  Aid aid;
  std::array<std::uint8_t, 2> version{};
  crypto::Digest256 sources{};
  std::vector<Aid> modules;

  static constexpr std::size_t kMaxModules = 8;

  // Precondition: 1 to 8 modules (KB_CHECK).
  Bytes data_block() const;
  crypto::Digest256 code_hash() const { return crypto::sha256(data_block()); }
  // Total; kEncoding, kLength, kLimit, kTrailing, kConflict (a module twice).
  static Result<LoadFile> decode(ByteView data_block);
  friend bool operator==(const LoadFile&, const LoadFile&) = default;
};

}  // namespace kagibin::se
