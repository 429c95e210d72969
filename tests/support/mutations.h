// SPDX-License-Identifier: Apache-2.0
// Damaged copies of a valid message, for the tests of decoders: cut short, one bit flipped, and one
// data object of a template dropped, doubled, moved, renamed, made longer or shorter.
//
// A path descends by position: {} is the template inside `message` itself (one TLV), {1} the one
// inside its second child. Precondition: the message is well-formed down that path (KB_CHECK).
// Ownership: values.
//
//   EXPECT_EQ(accepted(tlv_mutations(e0), decodes), (Names{"drop 87", "longer 84"}));
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::test {

struct Mutation {
  std::string what;  // "drop 83", "double 83", "swap 83", "longer 83", ...
  Bytes octets;
};

// For each child: drop, double, swap (with the next one), rename (tag 9A), longer, shorter, empty,
// and "long form" (its length in one octet more than needed). For the template: "append".
std::vector<Mutation> tlv_mutations(ByteView message, const std::vector<std::size_t>& path = {});

// Every proper prefix, the empty one included, and every message with one bit flipped.
std::vector<Mutation> truncations(ByteView message);
std::vector<Mutation> bit_flips(ByteView message);

// The names of the mutations for which the predicate holds, in their order.
using Names = std::vector<std::string>;
Names accepted(const std::vector<Mutation>& mutations,
               const std::function<bool(const Bytes&)>& predicate);

}  // namespace kagibin::test
