// SPDX-License-Identifier: Apache-2.0
// What an operator may read of the messages it relays: that they are well-formed, and the few
// fields that stand in the clear (protocol, sections 5, 6, 10). Nothing here verifies, opens or
// decrypts.
//
// Failures: those of the envelope_format decoders (kEncoding, kUnexpectedTag, ...), kLimit over
// kMaxRelayedBytes.
//
//   const RequestOutline e0 = KB_TRY(outline_of_request(octets));
#pragma once

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

struct RequestOutline {  // E0
  Spid spid;
  Nonce16 nonce_a;
  bool cancel = false;
};
Result<RequestOutline> outline_of_request(ByteView e0);

struct AnswerOutline {  // E4
  Handle handle;
  Nonce16 nonce_a;
};
Result<AnswerOutline> outline_of_answer(ByteView e4);

struct EnvelopeOutline {  // E2
  Spid spid;
  Handle handle;
};
Result<EnvelopeOutline> outline_of_envelope(ByteView e2);

struct ReceiptOutline {  // E3
  Handle handle;
};
Result<ReceiptOutline> outline_of_receipt(ByteView e3);

}  // namespace kagibin::delivery
