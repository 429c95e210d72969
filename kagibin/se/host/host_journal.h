// SPDX-License-Identifier: Apache-2.0
// What elements of a host wrote since its snapshot: one frame a write, in order.
//
//   journal   "KBHOSTJ\n" (8) | name of the snapshot (16) | check (8) | frame...
//   frame     head | head check (4) | octets | check (8)
//   head      number (4) | kind (1) | length of octets (4)
//   kind      01 append to the element's memory; 02 replace it
//   check     first eight octets of c(k); c(0) = SHA-256(magic | name),
//             c(k) = SHA-256(c(k-1) | head | octets)
//   head check  first four octets of SHA-256(c(k-1) | head)
//
// A frame that is not whole at the end is a write that power was lost in: it counts as not done. So
// does one whose check is wrong when nothing follows it, and a tail of zeros. Everything else that
// does not fit is damage (kEncoding). Limits: 1 MiB a frame. Thread-safety: values.
//
//   Bytes file = HostJournal::begin(name);
//   append(file, HostJournal::frame(check, {.number = 7, .octets = log}));
#pragma once

#include <cstdint>
#include <vector>

#include "kagibin/se/host/element_snapshot.h"

namespace kagibin::se {

class HostJournal {
 public:
  enum class Kind : std::uint8_t { kAppend = 1, kReplace = 2 };
  struct Write {
    std::uint32_t number = 0;
    Kind kind = Kind::kAppend;
    ByteView octets{};
  };

  explicit HostJournal(const SnapshotName& name);
  // An empty journal's octets.
  Bytes begin() const;
  // The next frame. It counts once keep() was called: a frame that was not written is made anew.
  SecretBytes frame(const Write& write);
  void keep() { check_ = next_; }

  struct Replayed;
  // kNotFound for a journal that goes on from another snapshot, or has no whole head; kEncoding for
  // damage. Writes view `file`.
  static Result<Replayed> replay(ByteView file, const SnapshotName& name);

 private:
  SnapshotName name_;
  crypto::Digest256 check_{};
  crypto::Digest256 next_{};
};

struct HostJournal::Replayed {
  std::vector<Write> writes{};
  bool torn = false;  // something stands behind the last whole frame
  HostJournal journal;
};

}  // namespace kagibin::se
