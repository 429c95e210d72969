// SPDX-License-Identifier: Apache-2.0
// SCP03 at level 33: wrapping and unwrapping one PUT KEY of three AES-128 keys, against one CBC and
// one CMAC of that size each.
#include <benchmark/benchmark.h>

#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp03/scp03_host.h"

#include "bench/raw_openssl.h"
#include "bench/side_by_side.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::bench {
namespace {

constexpr std::size_t kDataBytes = 70;
constexpr StatusWord kOk{0x9000};

scp::Scp03KeySet keys(crypto::Rng& rng) {
  return scp::Scp03KeySet::create(crypto::random_secret(rng, 16).value(),
                                  crypto::random_secret(rng, 16).value(),
                                  crypto::random_secret(rng, 16).value())
      .value();
}

// A session open on both ends.
struct Session {
  test::FixedRng rng{"scp03 bench"};
  scp::Scp03KeySet set = keys(rng);
  scp::Scp03Host host{set.duplicate(), {.key_version_number = 0x30}};
  scp::Scp03Card card;
  Session() {
    const auto init = host.initialize_update(rng).value();
    const auto answer = card.initialize_update(init.data, set.duplicate(),
                                               {.parameter = scp::Scp03Parameter{0x70},
                                                .key_version_number = 0x30,
                                                .aid = *Aid::from_hex("A000000151000000")},
                                               rng);
    const auto authenticate = host.external_authenticate({*answer, kOk}, scp::SecurityLevel{0x33});
    KB_CHECK(card.external_authenticate(*authenticate) == kOk);
    KB_CHECK(host.finish_authentication({{}, kOk}).has_value());
  }
};

void wrap_and_unwrap(benchmark::State& state) {
  Session session;
  RawOpenssl raw;
  const Bytes data(kDataBytes, 0x11);
  const Bytes answer_data(10, 0x22);
  side_by_side(
      state, 50,
      [&] {
        const auto wrapped = session.host.wrap({.ins = 0xD8, .p2 = 0x81, .data = data, .le = 256});
        KB_CHECK(session.card.unwrap(*wrapped).has_value());
        const apdu::ResponseApdu answer{session.card.wrap(answer_data, kOk), kOk};
        KB_CHECK(session.host.unwrap(answer).has_value());
      },
      [&] {
        for (int end = 0; end < 2; ++end) {
          raw.encrypt(16);  // the counter block of the ICV
          raw.encrypt(80);
          raw.mac(16 + 5 + 80);
          raw.encrypt(16);
          raw.encrypt(16);
          raw.mac(16 + 16 + 2);
        }
      });
}
BENCHMARK(wrap_and_unwrap)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
