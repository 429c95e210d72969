// SPDX-License-Identifier: Apache-2.0
// For tests of the operator: well-formed E0, E2, E3 and E4 with the given clear fields. Signatures,
// MACs and ciphertexts are filler, for an operator cannot look at them.
#pragma once

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/enrolment/enrolment.h"

namespace kagibin::roles::key_distribution_operator {

// SEQUENCE { INTEGER 1, INTEGER 1 }: the smallest DER that a signature may be.
inline Bytes filler_signature() { return {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01}; }
inline envelope::Point filler_point() {
  envelope::Point point{};
  point[0] = 0x04;
  return point;
}

inline Bytes a_request(const Spid& spid, std::uint8_t nonce, bool cancel = false) {
  envelope::EnrolmentRequest request;
  request.spid = spid;
  request.nonce_a.octets.fill(nonce);
  request.target = Aid::from_hex("A000000151000001").value();
  request.kem_key = filler_point();
  request.cancel = cancel;
  request.certificate = {0x7F, 0x21, 0x02, 0x93, 0x00};
  request.signature = filler_signature();
  return request.encode();
}

inline Bytes an_answer(std::uint8_t handle, std::uint8_t nonce) {
  envelope::EnrolmentAnswer answer;
  answer.handle.octets.fill(handle);
  answer.nonce_a.octets.fill(nonce);
  answer.ephemeral_key = filler_point();
  answer.sealed.resize(512);
  return answer.encode();
}

inline Bytes an_envelope(const Spid& spid, std::uint8_t handle, std::uint8_t filler = 0) {
  envelope::EnvelopeHeader header;
  header.spid = spid;
  header.handle.octets.fill(handle);
  header.key_version_number = 0x30;
  header.seq = 1;
  envelope::Envelope envelope;
  envelope.header = header.encode();
  const envelope::Point point = filler_point();
  envelope.ephemeral_key.assign(point.begin(), point.end());
  envelope.sealed = Bytes(160, filler);
  envelope.mac.emplace();
  envelope.signature = filler_signature();
  return envelope.encode();
}

inline Bytes a_receipt(std::uint8_t handle, envelope::ActionResult result) {
  envelope::Receipt receipt;
  receipt.header_hash.fill(1);
  receipt.handle.octets.fill(handle);
  receipt.seq = 1;
  receipt.level = 1;
  receipt.results = {result};
  receipt.mac.emplace();
  receipt.seal.ephemeral_key = filler_point();
  receipt.seal.sealed.resize(96);
  return receipt.encode();
}

}  // namespace kagibin::roles::key_distribution_operator
