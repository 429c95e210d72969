// SPDX-License-Identifier: Apache-2.0
// One small delivery with fixed keys, for this folder's tests: both parties' keys and every message
// from E0 to E3.
#pragma once

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::envelope {

// The suites whose KEM the libcrypto of this process has: all, or all but 20 and 21.
std::vector<std::uint8_t> suites_here();

struct TestDelivery {
  std::uint8_t suite = 0x01;  // change it by in_suite()
  test::FixedRng rng{"envelope tests"};
  crypto::EcPrivateKey provider_key = crypto::EcPrivateKey::generate(rng).value();
  crypto::EcPrivateKey kem_key = crypto::EcPrivateKey::generate(rng).value();
  crypto::EcPrivateKey kda_key = crypto::EcPrivateKey::generate(rng).value();
  crypto::EcPrivateKey enrolment_key = crypto::EcPrivateKey::generate(rng).value();
  std::optional<crypto::KemPrivateKey> other_enrolment_key{};  // of suites that are not 01
  SecretArray<16> receipt_key = random_secret16();
  // The codecs do not look into certificates.
  Bytes certificate = tlv::encode(0x7F21, Bytes(200, 0xCE));
  Aid target = *Aid::from_hex("A000000151000000");
  Spid spid = *Spid::from_hex("53500000000000000000000000000001");
  Handle handle = *Handle::from_hex("11111111111111111111111111111111");

  // The delivery in another suite, with a fresh skE of its KEM.
  void in_suite(std::uint8_t chosen);
  crypto::KemPrivateKey own_key() const;

  EnrolmentRequest request();
  EnrolmentStatement statement();
  AnswerContent answer_content();
  EnvelopeHeader header();
  Payload payload();
  Receipt receipt();

  // The complete TLVs, signed and sealed. Each call draws new randomness.
  Bytes e0();
  Bytes e1();
  Bytes e4();
  Bytes e2(ByteView e1);
  Bytes e3(ByteView e1);

 private:
  SecretArray<16> random_secret16();
};

// A payload with one action of every kind.
Payload payload_with_every_action();

}  // namespace kagibin::envelope
