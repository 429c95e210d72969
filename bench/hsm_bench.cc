// SPDX-License-Identifier: Apache-2.0
// What the provider's keys do for one sealing (E0 signed, E4's value agreed on, three keys derived,
// E2 made and signed), with all of them in SoftHSM against the same in memory, by one to eight
// threads with as many sessions; and one envelope that NSS seals inside. SoftHSM computes in this
// process and keeps its keys in files: what is measured is the way to a token, not a token.
#include <memory>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "kagibin/crypto/token/pkcs11_tokens.h"
#include "kagibin/envelope/test_delivery.h"

#include "bench/side_by_side.h"
#include "tests/token/soft_token.h"

namespace kagibin::bench {
namespace {

constexpr int kTurns = 10;  // a thread

struct Keys {
  crypto::SigningKey signing;
  crypto::AgreementKey kem;
  crypto::DerivationKey master;
};

// E1 and what goes with it, the same for every sealing.
struct Envelope {
  envelope::TestDelivery delivery;
  Bytes statement = delivery.e1();
  envelope::EnvelopeHeader header = delivery.header();
  envelope::Payload payload = delivery.payload();
  crypto::EcPublicKey peer = delivery.kda_key.public_key();
};

void seal_once(const Keys& keys, const Envelope& envelope) {
  crypto::SystemRng rng;
  const Bytes request(420, 0xE0);
  KB_CHECK(keys.signing.sign_der({request}, rng).has_value());
  KB_CHECK(keys.kem.agree(envelope.peer).has_value());
  for (std::uint8_t i = 1; i <= 3; ++i) {
    KB_CHECK(keys.master.diversify(ascii("KB1-KDV"), Bytes(26, i), 16).has_value());
  }
  KB_CHECK(envelope::seal_delivery(envelope.header, envelope.payload, envelope.statement,
                                   envelope.delivery.enrolment_key.public_key(), keys.signing, rng)
               .has_value());
}

void seal_in_threads(int threads, const Keys& keys, const Envelope& envelope) {
  std::vector<std::jthread> running;
  running.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        seal_once(keys, envelope);
      }
    });
  }
}

void seal_with_token(benchmark::State& state) {
  const auto sessions = static_cast<int>(state.range(0));
  const test::SoftToken token(test::SoftToken::Make::kSoftHsm);
  if (!token.missing().empty()) {
    state.SkipWithError(token.missing().c_str());
    return;
  }
  crypto::token::Pkcs11Tokens tokens(
      [](const crypto::token::TokenUri&) -> Result<SecretBytes> {
        return SecretBytes::copy_of(ascii(test::SoftToken::pin()));
      },
      static_cast<std::size_t>(sessions));
  const Envelope envelope;
  crypto::SystemRng rng;
  const Keys in_token{.signing = tokens.generate_signing_key(token.uri("signing")).value(),
                      .kem = tokens.generate_agreement_key(token.uri("kem")).value(),
                      .master = tokens.generate_derivation_key(token.uri("fleet"), 32).value()};
  const Keys in_memory{
      .signing = crypto::EcPrivateKey::generate(rng).value(),
      .kem = crypto::EcPrivateKey::generate(rng).value(),
      .master = crypto::DerivationKey::in_memory(crypto::random_secret(rng, 32).value()).value()};
  side_by_side(
      state, 1, [&] { seal_in_threads(sessions, in_token, envelope); },
      [&] { seal_in_threads(sessions, in_memory, envelope); });
  const double sealings = static_cast<double>(state.iterations()) * sessions * kTurns;
  state.counters["sealings_per_second"] = benchmark::Counter(sealings, benchmark::Counter::kIsRate);
}
BENCHMARK(seal_with_token)->UseManualTime()->DenseRange(1, 8)->Iterations(3);

// One envelope that NSS joins, encrypts and authenticates, against one that is sealed here.
void seal_inside_token(benchmark::State& state) {
  const test::SoftToken token(test::SoftToken::Make::kNss);
  if (!token.missing().empty()) {
    state.SkipWithError(token.missing().c_str());
    return;
  }
  crypto::token::Pkcs11Tokens tokens([](const crypto::token::TokenUri&) -> Result<SecretBytes> {
    return SecretBytes::copy_of(ascii(test::SoftToken::pin()));
  });
  const Envelope envelope;
  crypto::SystemRng rng;
  const crypto::SigningKey signing = crypto::EcPrivateKey::generate(rng).value();
  KB_CHECK(tokens.generate_wrap_only_key(token.uri("k"), 16).has_value());
  const auto payload = [&](bool with_value) {
    envelope::Payload out;
    envelope::PutKeyAction put{.new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
    put.keys.emplace_back();
    put.keys.back().value = SecretBytes(with_value ? 16 : 0);
    out.actions.emplace_back(std::move(put));
    out.channel_keys = envelope::ChannelKeys{.key_version = envelope.header.key_version_number,
                                             .enc = SecretBytes(16),
                                             .mac = SecretBytes(16),
                                             .dek = SecretBytes(16)};
    return out;
  };
  const std::vector<envelope::HeldKey> keys = {
      {.action = 0, .key = 0, .value = {.uri = token.uri("k")}}};
  const crypto::EcPublicKey recipient = envelope.delivery.enrolment_key.public_key();
  constexpr int kEnvelopes = 20;
  side_by_side(
      state, kEnvelopes,
      [&] {
        KB_CHECK(envelope::seal_delivery_in_token(envelope.header, payload(false), keys,
                                                  envelope.statement, recipient, signing, tokens,
                                                  rng)
                     .has_value());
      },
      [&] {
        KB_CHECK(envelope::seal_delivery(envelope.header, payload(true), envelope.statement,
                                         recipient, signing, rng)
                     .has_value());
      });
}
BENCHMARK(seal_inside_token)->UseManualTime()->Iterations(3);

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
