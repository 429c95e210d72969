// SPDX-License-Identifier: Apache-2.0
// Many elements in one file: what ElementHost keeps and is restored from.
//
//   snapshot   "KBHOST1\n" (8) | name (16) | label length (1) | label | count (4)
//              | element x count | check (32)
//   element    length (4) | octets: an element's whole memory, as nvm_log.h has it
//   check      c(count); c(0) = SHA-256 of everything before the first element,
//              c(i) = SHA-256(c(i-1) | element i)
//
// `name` is random, new in every snapshot; the journal (host_journal.h) says which one it goes on
// from. `label` says what made the elements (a profile's name). The check covers every octet, the
// number of elements and their order: a file that lacks a part, or has one changed, is refused
// (kEncoding, kTruncated, kTrailing). It keeps nobody from writing another file: the file stands
// for silicon, is readable by its owner alone, and is as secret as all its elements.
//
// Limits: 1,000,000 elements, 1 MiB each, label 40 octets. Thread-safety: values.
//
//   SnapshotWriter writer({.name = name, .label = "payment", .count = 2});
//   writer.add(first); writer.add(second);
//   const SecretBytes file = writer.finish();
//   const ElementSnapshot snapshot = KB_TRY(ElementSnapshot::decode(file.expose()));
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::se {

using SnapshotName = std::array<std::uint8_t, 16>;

struct ElementSnapshot {
  static constexpr std::size_t kMaxElements = 1'000'000;
  static constexpr std::size_t kMaxElementOctets = 1'048'576;
  static constexpr std::size_t kMaxLabel = 40;

  SnapshotName name{};
  std::string label{};
  std::vector<SecretBytes> elements{};

  // Total.
  static Result<ElementSnapshot> decode(ByteView file);
  SecretBytes encode() const;
};

// Writes a snapshot of elements that it is shown one by one.
class SnapshotWriter {
 public:
  struct Head {
    SnapshotName name{};
    std::string label{};
    std::uint32_t count = 0;
    std::size_t octets = 0;  // of all elements together, so that memory is taken once
  };
  // Preconditions (KB_CHECK): the limits; add() is called count times.
  explicit SnapshotWriter(const Head& head);
  void add(ByteView element);
  SecretBytes finish();

 private:
  void put(ByteView octets);

  SecretBytes out_;
  std::size_t used_ = 0;
  std::uint32_t left_;
  crypto::Digest256 check_{};
};

}  // namespace kagibin::se
