// SPDX-License-Identifier: Apache-2.0
// Sealing and opening of one envelope (suite 01; then the others against it) against their own
// operations on libcrypto. Goal of sealing: 1.15.
#include <algorithm>

#include <benchmark/benchmark.h>

#include "kagibin/envelope/test_delivery.h"

#include "bench/raw_openssl.h"
#include "bench/side_by_side.h"

namespace kagibin::bench {
namespace {

constexpr int kTurns = 20;
constexpr std::size_t kPayloadBytes =
    208;  // the plaintext of one PUT KEY of three AES-128 keys, padded
constexpr std::size_t kMessageBytes = 420;  // what is hashed and signed of E2

void seal(benchmark::State& state) {
  envelope::TestDelivery delivery;
  crypto::SystemRng rng;
  RawOpenssl raw;
  const Bytes statement = delivery.e1();
  const envelope::EnvelopeHeader header = delivery.header();
  const envelope::Payload payload = delivery.payload();
  side_by_side(
      state, kTurns,
      [&] {
        KB_CHECK(envelope::seal_delivery(header, payload, statement,
                                         delivery.enrolment_key.public_key(), delivery.provider_key,
                                         rng)
                     .has_value());
      },
      [&] {
        raw.generate();
        raw.agree();
        raw.hash(kMessageBytes);      // SHA-256(TLV E1)
        raw.hash(kMessageBytes / 2);  // ctx
        raw.hash(68);                 // K1, K2 of X9.63
        raw.hash(68);
        raw.encrypt(kPayloadBytes);
        raw.mac(kPayloadBytes + 150);
        raw.sign(kMessageBytes);
      });
}
BENCHMARK(seal)->UseManualTime();

void open(benchmark::State& state) {
  envelope::TestDelivery delivery;
  RawOpenssl raw;
  const Bytes statement = delivery.e1();
  const crypto::Digest256 hash = crypto::sha256(statement);
  const auto sealed = envelope::Envelope::decode(delivery.e2(statement)).value();
  raw.sign(kMessageBytes);
  side_by_side(
      state, kTurns,
      [&] {
        KB_CHECK(envelope::verify_envelope(sealed, hash, delivery.provider_key.public_key()));
        KB_CHECK(envelope::open_delivery(sealed, hash, delivery.enrolment_key).has_value());
      },
      [&] {
        raw.verify();
        raw.agree();
        raw.hash(kMessageBytes / 2);
        raw.hash(68);
        raw.hash(68);
        raw.mac(kPayloadBytes + 150);
        raw.encrypt(kPayloadBytes);
      });
}
BENCHMARK(open)->UseManualTime();

// Sealing and opening in another suite, against the same in suite 01. No goal: what a suite costs.
void suite_against_01(benchmark::State& state) {
  const auto suite = static_cast<std::uint8_t>(state.range(0));
  const auto here = envelope::suites_here();
  if (std::ranges::find(here, suite) == here.end()) {
    state.SkipWithError("libcrypto has no ML-KEM-768 (scripts/openssl35)");
    return;
  }
  envelope::TestDelivery plain;
  envelope::TestDelivery other;
  other.in_suite(suite);
  const auto seal_and_open = [](envelope::TestDelivery& delivery) {
    return [&delivery, statement = delivery.e1(), own = delivery.own_key()] {
      const crypto::Digest256 hash = crypto::sha256(statement);
      const auto sealed = envelope::Envelope::decode(delivery.e2(statement)).value();
      KB_CHECK(envelope::verify_envelope(sealed, hash, delivery.provider_key.public_key()));
      KB_CHECK(envelope::open_delivery(sealed, hash, own).has_value());
    };
  };
  side_by_side(state, kTurns, seal_and_open(other), seal_and_open(plain));
}
BENCHMARK(suite_against_01)->Arg(0x02)->Arg(0x10)->Arg(0x11)->Arg(0x20)->Arg(0x21)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
