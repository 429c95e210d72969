// SPDX-License-Identifier: Apache-2.0
// What suites 01 and 02 do with a shared secret, for E2, E4 and E3/8F alike (protocol, 6): keys by
// X9.63 with SHA-256, AES-CBC under 80 padding, AES-CMAC over the ciphertext (encrypt, then MAC).
//
//   K_i = SHA-256(Z | i as 4 octets | ctx), i = 1, 2, ...; from the left: Kenc | Kmac | IV (16)
//
// Only the four seal and open targets use this. Move-only; the keys are wiped on destruction.
//
//   const EnvelopeKeys keys = KB_TRY(EnvelopeKeys::agree(suite, own, peer, ctx));
//   const Bytes sealed = KB_TRY(keys.encrypt(plaintext));
//   const Mac16 mac = KB_TRY(keys.mac({aad, tlvs}));
#pragma once

#include <initializer_list>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::envelope {

class EnvelopeKeys {
 public:
  // One ECDH and one derivation. kInvalidArgument for a suite of HPKE.
  static Result<EnvelopeKeys> agree(std::uint8_t suite,
                                    const crypto::AgreementKey& own,
                                    const crypto::EcPublicKey& peer,
                                    const crypto::Digest256& context);

  // Pads and encrypts; the IV is derived, so one set of keys encrypts once.
  Result<Bytes> encrypt(ByteView plaintext) const;
  Result<Mac16> mac(std::initializer_list<ByteView> pieces) const;
  // The plaintext without padding. kAuthentication, in constant time, when `mac` is not the MAC of
  // the pieces; the padding is looked at only after that.
  Result<SecretBytes> open(std::initializer_list<ByteView> pieces,
                           const Mac16& mac,
                           ByteView sealed) const;

 private:
  EnvelopeKeys(SecretBytes octets, std::size_t key_size)
      : octets_(std::move(octets)), key_size_(key_size) {}
  ByteView encryption_key() const { return octets_.expose().first(key_size_); }
  ByteView mac_key() const { return octets_.expose().subspan(key_size_, key_size_); }
  std::array<std::uint8_t, 16> iv() const;

  SecretBytes octets_;
  std::size_t key_size_;
};

}  // namespace kagibin::envelope
