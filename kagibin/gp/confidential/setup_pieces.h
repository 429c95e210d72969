// SPDX-License-Identifier: Apache-2.0
// A certificate of a confidential set-up that is longer than one command: its grouping, 3A01, goes
// on in the blocks of STORE DATA behind the first, which bring no id and no length of their own
// (SGP.02, 4.1.3.1). CERT.SP has a block to itself up to 223 octets with its head; with three AID
// prefixes and a session's encryption and MAC around it, it is longer.
//
// Collects the blocks. Limits: a grouping of kMostOctets. Total. Ownership: values. Thread-safety:
// values.
//
//   if (SetupPieces::begins(data)) { pieces.emplace(data); }
//   if (KB_TRY(pieces->add(next))) { ... SetupRequest::decode(pieces->octets(), false) ... }
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

class SetupPieces {
 public:
  static constexpr std::size_t kMostOctets = 512;

  // Whether this data is the beginning of a certificate's grouping, and not the whole.
  static bool begins(ByteView data);

  // Precondition: begins(first) (KB_CHECK).
  explicit SetupPieces(ByteView first);
  // True when the grouping is whole. kLength for an empty piece, and for one that goes beyond it.
  Result<bool> add(ByteView piece);
  // What came so far, with the head.
  ByteView octets() const { return octets_; }

 private:
  Bytes octets_;
  std::size_t size_;
};

}  // namespace kagibin::gp
