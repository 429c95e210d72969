// SPDX-License-Identifier: Apache-2.0
// The log that an Nvm keeps on its medium: checksummed frames, one a transaction.
//
//   log     "KBNVM01\n" | frame ...
//   frame   sequence (4, from 0) | length of changes (4) | head check (4) | changes | check (8)
//   change  01 | name length (1) | name | length (2) | content        the record is now this
//           02 | name length (1) | name                               the record is gone
//
// Head check: the first four octets of SHA-256(sequence | length). Check: the first eight octets of
// SHA-256(sequence | length | changes). Numbers are big-endian.
//
// Every append is durable before the next, so only the last frame can be unfinished. It is dropped
// when it ends early, or fills the log but fails its check. A frame that fails with more behind it,
// or a head that is complete and wrong, is damage: kEncoding. The log is replaced as a whole by one
// frame with everything that is live when it is new, when it ended torn, and when it would be
// longer than 64 KiB and four times what is live. Thread-safety: functions without state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "kagibin/base/byte_io.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::se::nvm_log {

inline constexpr std::string_view kMagic = "KBNVM01\n";
inline constexpr std::size_t kCompactAboveOctets = 65'536;
inline constexpr std::size_t kCompactAboveFactor = 4;

using Records = std::map<std::string, SecretBytes, std::less<>>;

void put_change(ByteWriter& out, std::string_view name, ByteView content);
void erase_change(ByteWriter& out, std::string_view name);

// A whole frame around encoded changes.
SecretBytes frame(std::uint32_t sequence, ByteView changes);

// A whole log of one frame.
SecretBytes whole_log(const Records& records);

struct Replayed {
  Records records;
  std::uint32_t next_sequence = 0;
  bool torn = false;
};
// Reads a whole log; an empty one has no records. kEncoding for damage beyond a torn tail.
Result<Replayed> replay(ByteView log);

}  // namespace kagibin::se::nvm_log
