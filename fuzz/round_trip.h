// SPDX-License-Identifier: Apache-2.0
// The oracle of the fuzzers: a decoder is total, and what it takes encodes to the same octets.
//
// A fuzzer is one file that defines LLVMFuzzerTestOneInput by FUZZ_OCTETS, one line in
// CMakeLists.txt, and seeds in corpus/<name>/. Without libFuzzer, replay_main.cc runs the seeds.
//
//   FUZZ_OCTETS(octets) { kagibin::fuzz::check_round_trip<envelope::Envelope>(octets); }
#pragma once

#include <cstddef>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace kagibin::fuzz {

inline ByteView view(const Bytes& octets) { return octets; }
inline ByteView view(const SecretBytes& octets) { return octets.expose(); }

// Message has a static decode(ByteView) and encode().
template <typename Message>
void check_round_trip(ByteView octets) {
  const auto message = Message::decode(octets);
  if (message) {
    const auto again = message->encode();
    KB_CHECK(equal(view(again), octets));
  }
}

}  // namespace kagibin::fuzz

#define FUZZ_OCTETS(octets)                                                           \
  static void fuzz_octets(kagibin::ByteView octets);                                  \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_octets(kagibin::ByteView(data, size));                                       \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_octets(kagibin::ByteView octets)
