// SPDX-License-Identifier: Apache-2.0
// A maker's request that the controlling authority certify SK.SD.ECKA of a security domain: the
// domain made the key on card and proved it, and the maker, in whose hands the element then was,
// says so. Neither half is enough. The proof alone could be of a key made outside the element, the
// maker's word alone of somebody else's key (protocol, sections 3 and 8).
//
//   E6 { 80 01 version 01 | 81 10 SEID | 82 05-10 SD AID | 83 10 SPID of the owner | 84 01 KVN
//        | 85 10 challenge | 86 41 PK.SD.ECKA | 87 40 proof | 7F21 CERT.EUM
//        | 9E maker's signature, minimal DER, over "KB1-SDK" | TLVs 80..7F21 }
//
// The proof is the domain's answer to GENERATE KEY of KID 11 on P-256, scp/scp11/key_generation.h:
// r|s by the new key over 00 11 | KVN | F0 01 00 | 9A challenge | B0 41 point. Whether CERT.EUM is
// one of the authority's is for the authority to say. Failures of decode: those of a TLV reader,
// kLength, kValue, and kAuthentication when proof or signature is wrong. Ownership and
// thread-safety: values.
//
//   const Bytes octets = KB_TRY(sign_domain_key_request(key, certificate, maker_key, rng));
//   const DomainKeyRequest request = KB_TRY(DomainKeyRequest::decode(octets));
#pragma once

#include <array>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

// What the maker saw.
struct DomainKey {
  Seid element;
  Aid domain;
  Spid owner;
  std::uint8_t key_version = 0;              // 01 to 7F
  std::array<std::uint8_t, 16> challenge{};  // that the maker drew
  crypto::EcPublicKey key;                   // PK.SD.ECKA
  std::array<std::uint8_t, 64> proof{};
};

class DomainKeyRequest {
 public:
  // Total; a request that decodes carries a valid proof and a signature by the key in CERT.EUM.
  static Result<DomainKeyRequest> decode(ByteView octets);

  const DomainKey& made() const { return made_; }
  const Certificate& maker() const { return maker_; }

 private:
  DomainKeyRequest(const DomainKey& made, Certificate maker)
      : made_(made), maker_(std::move(maker)) {}
  DomainKey made_;
  Certificate maker_;
};

// kInvalidArgument for a KVN outside its range; kAuthentication when the proof is wrong.
Result<Bytes> sign_domain_key_request(const DomainKey& made,
                                      const Certificate& maker,
                                      const crypto::SigningKey& maker_key,
                                      crypto::Rng& rng);

}  // namespace kagibin::pki
