// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/relayed_message.h"

#include "kagibin/delivery/messages.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/enrolment/enrolment.h"

namespace kagibin::delivery {
namespace {

Result<void> check_size(ByteView message) {
  if (message.size() > kMaxRelayedBytes) {
    return fail(Errc::kLimit, "a relayed message has at most 8,192 octets");
  }
  return {};
}

}  // namespace

Result<RequestOutline> outline_of_request(ByteView e0) {
  KB_TRY(check_size(e0));
  const auto request = KB_TRY(envelope::EnrolmentRequest::decode(e0));
  return RequestOutline{request.spid, request.nonce_a, request.cancel};
}

Result<AnswerOutline> outline_of_answer(ByteView e4) {
  KB_TRY(check_size(e4));
  const auto answer = KB_TRY(envelope::EnrolmentAnswer::decode(e4));
  return AnswerOutline{answer.handle, answer.nonce_a};
}

Result<EnvelopeOutline> outline_of_envelope(ByteView e2) {
  KB_TRY(check_size(e2));
  const auto envelope = KB_TRY(envelope::Envelope::decode(e2));
  const auto header = KB_TRY(envelope::EnvelopeHeader::decode(envelope.header));
  return EnvelopeOutline{header.spid, header.handle};
}

Result<ReceiptOutline> outline_of_receipt(ByteView e3) {
  KB_TRY(check_size(e3));
  const auto receipt = KB_TRY(envelope::Receipt::decode(e3));
  return ReceiptOutline{receipt.handle};
}

}  // namespace kagibin::delivery
