// SPDX-License-Identifier: Apache-2.0
// Hands in the bytes that pass: the header of the envelope on its way to the element, the status
// words of the target on their way to the key delivery application.
#include <array>

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/scp/scp11/scp11.h"

#include "tests/attack/ways/way.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::attack {

namespace {

using test::must;
using test::Tamper;

// The octets of a TLV of one octet, with another value.
Bytes with_value(Bytes envelope, std::uint8_t tag, std::uint8_t value) {
  for (std::size_t at = 0; at + 2 < envelope.size(); ++at) {
    if (envelope[at] == tag && envelope[at + 1] == 1) {
      envelope[at + 2] = value;
      break;
    }
  }
  return envelope;
}

}  // namespace

Attempt lower_what_the_header_says(Scene& scene) {
  constexpr std::uint8_t kSuite = 0x81;
  constexpr std::uint8_t kLevel = 0x84;
  Attempt out;
  const auto answer = scene.enrol();
  const auto envelope = sealed_for(scene, answer, out);
  if (!envelope) {
    return out;
  }
  const Handle handle = must(envelope::EnrolmentAnswer::decode(*answer)).handle;
  for (const std::uint8_t tag : {kSuite, kLevel}) {
    for (const std::uint8_t value : std::array<std::uint8_t, 6>{0, 1, 2, 3, 4, 8}) {
      const Bytes changed = with_value(*envelope, tag, value);
      if (changed == *envelope) {
        continue;
      }
      ++out.tried;
      const auto loaded = scene.world().load(scene.card(), handle, changed);
      if (!loaded) {
        out.stopped_by = loaded.error().detail.text();
      }
    }
  }
  scene.relay(*envelope);
  solve(scene, out);
  return out;
}

Attempt lie_about_answers(Scene& scene) {
  Attempt out;
  const auto envelope = sealed_for(scene, scene.enrol(), out);
  if (!envelope) {
    return out;
  }
  constexpr std::array<Tamper, 5> kLies = {{{.instead = StatusWord{0x9000}},
                                            {.answer = StatusWord{0x6A80}},
                                            {.answer = StatusWord{0x6985}},
                                            {.drop_command = true},
                                            {.drop_answer = true}}};
  // Before the key leaves, at the key, and where the outcome is found out.
  for (const std::uint8_t instruction :
       {apdu::ins::kInitializeUpdate, scp::ins::kMutualAuthenticate, apdu::ins::kPutKey,
        apdu::ins::kGetData}) {
    for (const Tamper& lie : kLies) {
      test::TamperingLink liar(*scene.card().element, [&](const apdu::CommandApdu& command) {
        return command.ins == instruction ? lie : Tamper{};
      });
      ++out.tried;
      scene.relay(*envelope, &liar);
    }
  }
  solve(scene, out);
  return out;
}

}  // namespace kagibin::attack
