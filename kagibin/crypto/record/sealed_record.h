// SPDX-License-Identifier: Apache-2.0
// Secrets at rest in a file of a role that may hold them: AES-256-GCM under a key that scrypt (RFC
// 7914) makes of a passphrase. The format, all integers big-endian:
//
//   "KBR1" | log2 N (1) | r (1) | p (1) | salt (16) | nonce (12) | ciphertext | tag (16)
//   aad = first 7+16 octets | label
//
// The label names what the record is for ("service_provider/signing_key"), so that records cannot
// be swapped. A RecordKey is made once a run (scrypt costs about 0.1 s and 32 MiB by default) and
// opens all records of its salt.
#pragma once

#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

struct ScryptCost {
  std::uint8_t log2_n = 15;
  std::uint8_t r = 8;
  std::uint8_t p = 1;
};

class RecordKey {
 public:
  // kInvalidArgument for an empty passphrase or a cost outside log2 N 10..20, r 1..16, p 1..4.
  static Result<RecordKey> create(const SecretBytes& passphrase, Rng& rng, ScryptCost cost = {});
  // The key for an existing record's salt and cost.
  static Result<RecordKey> for_record(const SecretBytes& passphrase, ByteView record);

  Result<Bytes> seal(std::string_view label, ByteView plaintext, Rng& rng) const;
  // kAuthentication for a wrong passphrase, another label and any change of an octet alike.
  Result<SecretBytes> open(std::string_view label, ByteView record) const;
  // True when `record` was sealed with this key's salt and cost.
  bool matches(ByteView record) const;

 private:
  RecordKey(SecretArray<32> key, Bytes head) : key_(std::move(key)), head_(std::move(head)) {}
  SecretArray<32> key_;
  Bytes head_;
};

}  // namespace kagibin::crypto
