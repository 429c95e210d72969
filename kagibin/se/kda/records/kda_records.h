// SPDX-License-Identifier: Apache-2.0
// What the KDA keeps in the element's memory, as small versioned records (protocol, sections 5, 7,
// 9 and 10). Nothing secret stands in these; private keys are records of their own (kda_store.h).
//
//   slot      80 01 version | 81 10 SPID | 82 05-10 target | 83 10 handle | 84 var CERT.SP
//             85 41 PK.SP.KEM | 86 20 SHA-256(E0) | 87 20 SHA-256(TLV E1) | 88 04 last committed
//             SEQ 89 01 level floor | 8A 01 highest KVN seen under R-MAC | 8B var nonces of 10,
//             newest last | 8C var CERT.SD (opt)
//             8D 01 suite of the enrolment (opt: 01 where it is absent)
//             8E 10 handle of the attempt whose receipt announced this one (opt)
//   journal   80 01 version | 81 01 state | 82 01 envelopes refused | 83 01 key-bearing sessions
//             84 01 channel refused | 85 01 actions | 86 00-08 results proved so far
//             87 20 SHA-256(TLV A0) | 88 04 SEQ | 89 01 level
//   receipt   80 01 version | 81 10 handle | 82 10 SPID | 83 05-10 target | 84 var E3
//             85 04 the provider's counter in this E3
//   provider  80 01 version | 81 10 SPID | 82 04 lastIssued | 83 04 enrolments | 84 04 receipts
//   trust     80 01 version | 81 41 root | 82 41 second root (opt) | 83 02 minEpoch
//             84 04 authTime | 85 04 number of the last root statement, 0 before the first
//   certificates  80 01 version | 81 var CERT.EUM | 82 var CERT.KDA | 83 var CERT.OCE (opt)
//
// Receipt, provider and trust are of version 02, the others of 01; a record of another version is
// refused.
// decode() is total; what decodes encodes to the same octets. Values, no thread-safety needed.
#pragma once

#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/kda/status.h"

namespace kagibin::se {

struct KdaJournal;

struct KdaSlot {
  // Nonces remembered: an older E0 of the same provider and target is refused as a replay.
  static constexpr std::size_t kMaxNonces = 16;

  Spid spid;
  Aid target;
  Handle handle;
  Bytes certificate{};  // CERT.SP, TLV 7F21
  envelope::Point kem_key{};
  envelope::Digest request_hash{};
  envelope::Digest statement_hash{};
  std::uint32_t last_committed_seq = 0;
  std::uint8_t level_floor = 0;
  std::uint8_t highest_key_version = 0;
  std::vector<Nonce16> nonces{};
  std::optional<Bytes> domain_certificate{};  // CERT.SD, TLV 7F21: the enrolment offered RL2
  std::uint8_t suite = 0x01;                  // of the enrolment: skE is a key of its KEM
  std::optional<Handle> announced_by{};       // the attempt whose E3/89 told of this one

  bool knows(const Nonce16& nonce) const;
  void remember(const Nonce16& nonce);
  // What a delivery that is done leaves: its SEQ, and the floor, which only rises. RL2 and RL3 are
  // of one height: neither is worth less than the other, and a provider that lost what one of them
  // takes goes on at the other.
  void commit(const KdaJournal& done);
  static Result<KdaSlot> decode(ByteView octets);
  Bytes encode() const;
};

struct KdaJournal {
  static constexpr std::uint8_t kMaxRefusals = 3;
  static constexpr std::uint8_t kMaxSessions = 3;

  kda::State state = kda::State::kEnrolled;  // one of the lasting ones: never kChannel, kUnknown
  std::uint8_t refusals = 0;                 // envelopes that A signed and that did not open
  std::uint8_t sessions = 0;                 // in which a key has left
  bool channel_refused = false;
  std::uint8_t actions = 0;                      // of the envelope that opened; 0: none did
  std::vector<envelope::ActionResult> proved{};  // of the first actions; the next one is current
  envelope::Digest header_hash{};                // of the last envelope that A signed
  std::uint32_t seq = 0;
  std::uint8_t level = 0;

  std::size_t current_action() const { return proved.size(); }
  // Whether an envelope is open whose outcome is not final.
  bool is_delivering() const;
  // Whether a key-bearing command of it may have left already.
  bool has_begun() const;
  static Result<KdaJournal> decode(ByteView octets);
  Bytes encode() const;
};

struct KdaReceipt {
  Handle handle;
  Spid spid;
  Aid target;
  Bytes receipt{};            // E3
  std::uint32_t counter = 0;  // of the provider, as E3 states it: tells older from newer

  static Result<KdaReceipt> decode(ByteView octets);
  Bytes encode() const;
};

// All that providers have in common is counted for each alone, so that none sees another's.
struct KdaProvider {
  Spid spid;
  std::uint32_t last_issued = 0;  // minutes since 2020-01-01
  std::uint32_t enrolments = 0;   // E1/89 of the last one
  std::uint32_t receipts = 0;     // 88 in 8F of the last one

  static Result<KdaProvider> decode(ByteView octets);
  Bytes encode() const;
};

struct KdaTrust {
  envelope::Point root{};
  std::optional<envelope::Point> second_root{};
  std::uint16_t min_epoch = 0;
  std::uint32_t auth_time = 0;    // minutes since 2020-01-01
  std::uint32_t root_number = 0;  // of the last root statement that was accepted

  static Result<KdaTrust> decode(ByteView octets);
  Bytes encode() const;
};

struct KdaCertificates {
  Bytes maker{};
  Bytes kda{};
  std::optional<Bytes> oce{};

  static Result<KdaCertificates> decode(ByteView octets);
  Bytes encode() const;
};

}  // namespace kagibin::se
