// SPDX-License-Identifier: Apache-2.0
// Mutations that keep a message well-formed: one data object, somewhere down the templates, gets
// another value, goes, comes twice or changes places, and the lengths around it follow. Every
// fourth time libFuzzer's own octets-only mutation has its turn.
#include <algorithm>
#include <random>
#include <vector>

#include "kagibin/tlv/ber_tlv.h"

#include "fuzz/round_trip.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using kagibin::Bytes;
using kagibin::ByteView;
using kagibin::tlv::Tlv;
using kagibin::tlv::TlvReader;
using kagibin::tlv::TlvWriter;

constexpr std::size_t kRoom = 64;  // by how much a value may grow at once

// The TLVs of a template, or none when the octets are not TLVs to the end.
std::vector<Tlv> children_of(ByteView octets) {
  std::vector<Tlv> out;
  TlvReader in(octets);
  while (!in.empty()) {
    const auto next = in.next();
    if (!next) {
      return {};
    }
    out.push_back(*next);
  }
  return out;
}

Bytes mutate_octets(ByteView octets) {
  Bytes out(octets.begin(), octets.end());
  out.resize(octets.size() + kRoom);
  out.resize(LLVMFuzzerMutate(out.data(), octets.size(), out.size()));
  return out;
}

Bytes mutate(ByteView octets, std::minstd_rand& random) {
  const std::vector<Tlv> children = children_of(octets);
  if (children.empty()) {
    return mutate_octets(octets);
  }
  const std::size_t chosen = random() % children.size();
  TlvWriter out;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Tlv& child = children[i];
    if (i != chosen) {
      out.raw(child.encoded);
      continue;
    }
    switch (random() % 8) {
      case 0:  // it goes
        break;
      case 1:
        out.raw(child.encoded).raw(child.encoded);
        break;
      case 2:  // another one comes in its place
        out.raw(children[random() % children.size()].encoded);
        break;
      case 3:
        out.raw(mutate_octets(child.encoded));
        break;
      default:
        out.put(child.tag, mutate(child.value, random));
        break;
    }
  }
  return out.take();
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 4 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const Bytes out = mutate(ByteView(data, size), random);
  if (out.size() > max_size) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  std::ranges::copy(out, data);
  return out.size();
}
