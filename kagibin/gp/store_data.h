// SPDX-License-Identifier: Apache-2.0
// STORE DATA (GPCS 2.3.1, 11.11): P1 and the block number, and the data groupings (DGI) inside.
//
//   80 E2 P1 P2 | data      P1: b8 last block | b7 b6 encryption | b5 b4 structure | b1 answer
//   wanted DGI  id (2) | length: one octet 00 to FE, or FF and two octets | value
//
// The data may hold keys: it is never copied here. encode_groupings() returns SecretBytes and
// decode_groupings() views into the caller's octets. Thread-safety: functions and values.
//
//   const StoreData head = KB_TRY(StoreData::decode(p1, p2));
//   for (const Grouping& g : KB_TRY(decode_groupings(plain.expose()))) { ... }
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::gp {

enum class StoreEncryption : std::uint8_t {  // b7 b6, table 11-90
  kNone = 0,                                 // no general information, or not encrypted
  kApplication = 1,                          // application dependent
  kEncrypted = 3,
};
enum class StoreStructure : std::uint8_t {  // b5 b4
  kNone = 0,
  kGroupings = 1,  // DGI
  kTlv = 2,        // BER-TLV
};

struct StoreData {
  bool last = true;
  StoreEncryption encryption = StoreEncryption::kNone;
  StoreStructure structure = StoreStructure::kNone;
  bool answer_wanted = false;  // b1: an answer with data may come
  std::uint8_t block = 0;      // P2

  // kValue for the reserved codings (encryption 10, structure 11, b3 b2).
  static Result<StoreData> decode(std::uint8_t p1, std::uint8_t p2);
  std::uint8_t p1() const;
  friend bool operator==(StoreData, StoreData) = default;
};

struct Grouping {
  std::uint16_t id = 0;
  ByteView value{};  // of the caller's octets
};

// kInvalidArgument for a value past 65,535 octets. Lengths up to 254 take one octet.
Result<SecretBytes> encode_groupings(std::span<const Grouping> groupings);
// kTruncated; kEncoding for FF where one octet would do.
Result<std::vector<Grouping>> decode_groupings(ByteView data);

}  // namespace kagibin::gp
