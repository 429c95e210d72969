// SPDX-License-Identifier: Apache-2.0
// When an operation is over, its secrets are in no memory any more: neither those it was given nor
// those it derived. In the sanitizer build freed memory keeps its content, and the release build
// has the registers and stack frames that users run.
#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/libcrypto_memory.h"
#include "kagibin/crypto/record/sealed_record.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/test_delivery.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp03/scp03_host.h"

#include "tests/secrets/left_behind.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

using Found = std::set<std::string>;
const Found nothing;

// ---- Controls: what leaves a secret behind is noticed. ----

TEST(WipingTest, ASecretLeftInFreedMemoryIsFound) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              const SecretBytes secret = canaries.secret(32);
              const Bytes careless(secret.expose().begin(), secret.expose().end());
            }),
            Found{"secret 1 raw"});
}

volatile std::uint8_t sink = 0;

[[gnu::noinline]] void use_on_the_stack(Canaries& canaries) {
  std::array<volatile std::uint8_t, 1024> frame{};
  const SecretBytes secret = canaries.secret(16);
  for (std::size_t i = 0; i < secret.size(); ++i) {
    frame.at(i) = secret.expose()[i];
  }
  sink = frame.at(3);
}

TEST(WipingTest, ASecretLeftInAStackFrameIsFound) {
  EXPECT_EQ(left_behind(use_on_the_stack), Found{"secret 1 raw"});
}

std::string global;

TEST(WipingTest, ASecretLeftAsDigitsIsFound) {
  EXPECT_EQ(left_behind([](Canaries& canaries) { global = to_hex(canaries.secret(16).expose()); }),
            Found{"secret 1 hex"});
}

TEST(WipingTest, AnOperationThatDoesNotEndIsTold) {
  EXPECT_EQ(left_behind([](Canaries&) { _exit(3); }), Found{"did not end"});
}

// ---- Secret types. ----

TEST(WipingTest, SecretsThatMoveShrinkAndAreCopiedAreWiped) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              SecretBytes first = canaries.secret(48);
              SecretBytes second = first.duplicate();
              first.shrink(20);
              second = std::move(first);
              SecretArray<32> array = canaries.array<32>();
              const SecretArray<32> moved = std::move(array);
              SecretBytes copy = moved.duplicate_bytes();
              copy = SecretBytes();
            }),
            nothing);
}

// ---- Primitives. ----

TEST(WipingTest, CiphersLeaveNeitherKeyNorText) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              const SecretBytes key = canaries.secret(32);
              const SecretBytes text = canaries.secret(48);
              const Bytes sealed = must(crypto::aes_cbc_encrypt(key.expose(), {}, text.expose()));
              static_cast<void>(must(crypto::aes_cbc_decrypt(key.expose(), {}, sealed)));
              static_cast<void>(must(crypto::aes_cmac(key.expose(), {text.expose()})));
              static_cast<void>(must(crypto::aes_kcv(key.expose())));
              const Bytes nonce(12);
              const Bytes box = must(crypto::aes_gcm_seal(key.expose(), nonce, {}, text.expose()));
              static_cast<void>(must(crypto::aes_gcm_open(key.expose(), nonce, {}, box)));
            }),
            nothing);
}

TEST(WipingTest, DerivationsLeaveNeitherSourceNorKeys) {
  EXPECT_EQ(
      left_behind([](Canaries& canaries) {
        const SecretBytes source = canaries.secret(32);
        const Bytes info(20);
        canaries.watch(must(crypto::x963_kdf_sha256(source.expose(), info, 64)).expose());
        canaries.watch(
            must(crypto::sp800_108_counter_cmac(source.expose(), info, info, 48)).expose());
        canaries.watch(must(crypto::diversify_cmac(source.expose(), info, info, 32)).expose());
      }),
      nothing);
}

TEST(WipingTest, AgreeingAndSigningLeaveNoScalar) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              FixedRng rng("wiping");
              const crypto::EcPrivateKey peer = must(crypto::EcPrivateKey::generate(rng));
              const crypto::EcPrivateKey own =
                  must(crypto::EcPrivateKey::from_scalar(canaries.secret(32).expose()));
              canaries.watch(must(crypto::ecdh(own, peer.public_key())).expose());
              static_cast<void>(must(crypto::ecdsa_sign_der(own, {Bytes(40)}, rng)));
              static_cast<void>(own.public_key());
            }),
            nothing);
}

TEST(WipingTest, LibcryptoWipesWhatItFrees) { EXPECT_TRUE(crypto::wipes_what_it_frees()); }

TEST(WipingTest, APrivateKeyFileLeavesNoScalar) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              const crypto::EcPrivateKey key =
                  must(crypto::EcPrivateKey::from_scalar(canaries.secret(32).expose()));
              const SecretBytes pem = must(crypto::private_key_to_pem(key));
              static_cast<void>(must(crypto::private_key_from_pem(pem.expose())));
            }),
            nothing);
}

TEST(WipingTest, ARecordLeavesNeitherPassphraseNorContent) {
  EXPECT_EQ(
      left_behind([](Canaries& canaries) {
        FixedRng rng("wiping");
        const SecretBytes passphrase = canaries.secret(24);
        const SecretBytes content = canaries.secret(64);
        const Bytes record = must(must(crypto::RecordKey::create(passphrase, rng, {.log2_n = 10}))
                                      .seal("label", content.expose(), rng));
        static_cast<void>(
            must(must(crypto::RecordKey::for_record(passphrase, record)).open("label", record)));
      }),
      nothing);
}

TEST(WipingTest, ASealedFileLeavesNeitherKeyNorContent) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              FixedRng rng("wiping");
              const crypto::EcPrivateKey signer = must(crypto::EcPrivateKey::generate(rng));
              const crypto::EcPrivateKey recipient =
                  must(crypto::EcPrivateKey::from_scalar(canaries.secret(32).expose()));
              const std::string from =
                  must(crypto::self_signed_certificate(signer, "from", 0, 9000, false, rng));
              const std::string to =
                  must(crypto::self_signed_certificate(recipient, "to", 0, 9000, false, rng));
              const Bytes file =
                  must(crypto::cms_seal(canaries.secret(64).expose(), signer, from, to));
              static_cast<void>(must(crypto::cms_open(file, recipient, to)));
            }),
            nothing);
}

// ---- Protocols. ----

envelope::Payload payload_of(Canaries& canaries) {
  envelope::Payload out;
  envelope::PutKeyAction put{
      .old_key_version = 0x30, .new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  for (std::uint8_t i = 0; i < 3; ++i) {
    put.keys.push_back({.value = canaries.secret(32), .kcv = {i, i, i}});
  }
  out.actions.emplace_back(std::move(put));
  out.channel_keys = envelope::ChannelKeys{.key_version = 0x30,
                                           .enc = canaries.secret(32),
                                           .mac = canaries.secret(32),
                                           .dek = canaries.secret(32)};
  out.receipt_key = canaries.array<16>();
  return out;
}

TEST(WipingTest, SealingAndOpeningAnEnvelopeLeaveNoKey) {
  EXPECT_EQ(left_behind([](Canaries& canaries) {
              envelope::TestDelivery delivery;
              delivery.enrolment_key =
                  must(crypto::EcPrivateKey::from_scalar(canaries.secret(32).expose()));
              const Bytes statement = delivery.e1();
              const Bytes message = must(envelope::seal_delivery(
                  delivery.header(), payload_of(canaries), statement,
                  delivery.enrolment_key.public_key(), delivery.provider_key, delivery.rng));
              static_cast<void>(
                  must(envelope::open_delivery(must(envelope::Envelope::decode(message)),
                                               crypto::sha256(statement), delivery.enrolment_key)));
            }),
            nothing);
}

scp::Scp03KeySet duplicate_of(const SecretBytes& enc,
                              const SecretBytes& mac,
                              const SecretBytes& dek) {
  return must(scp::Scp03KeySet::create(enc.duplicate(), mac.duplicate(), dek.duplicate()));
}

// Both ends, a key put and a value answered; what it leaves is looked for when both are closed.
void speak_scp03(Canaries& canaries) {
  FixedRng rng("wiping");
  const SecretBytes enc = canaries.secret(32);
  const SecretBytes mac = canaries.secret(32);
  const SecretBytes dek = canaries.secret(32);
  const SecretBytes key = canaries.secret(32);
  scp::Scp03Host host(duplicate_of(enc, mac, dek), {.key_version_number = 0x30});
  scp::Scp03Card card;
  const auto greeting = must(host.initialize_update(rng));
  const Bytes answer = *card.initialize_update(
      greeting.data, duplicate_of(enc, mac, dek),
      {.parameter = {0x70}, .key_version_number = 0x30, .aid = *Aid::from_hex("A000000151000000")},
      rng);
  const auto init = must(scp::InitializeUpdateAnswer::decode(answer));
  const auto session = must(scp::Scp03SessionKeys::derive(duplicate_of(enc, mac, dek),
                                                          greeting.data, init.card_challenge));
  canaries.watch(session.s_enc.expose());
  canaries.watch(session.s_mac.expose());
  canaries.watch(session.s_rmac.expose());
  const auto authenticate = must(host.external_authenticate(
      {.data = answer, .sw = StatusWord{0x9000}}, scp::SecurityLevel{0x33}));
  KB_CHECK(card.external_authenticate(authenticate) == StatusWord{0x9000});
  must(host.finish_authentication({.sw = StatusWord{0x9000}}));
  const Bytes block = must(host.encrypt_sensitive(key.expose()));
  const auto command = must(host.wrap({.ins = 0xE2, .p1 = 0x80, .data = key.expose(), .le = 256}));
  static_cast<void>(card.unwrap(command)->data.size());
  static_cast<void>(card.decrypt_sensitive(block)->size());
  static_cast<void>(must(
      host.unwrap({.data = card.wrap(Bytes(20), StatusWord{0x9000}), .sw = StatusWord{0x9000}})));
}

TEST(WipingTest, ASecureChannelSessionLeavesNoKeyAtEitherEnd) {
  EXPECT_EQ(left_behind(speak_scp03), nothing);
}

}  // namespace
}  // namespace kagibin::test
