// SPDX-License-Identifier: Apache-2.0
// The agent's conversation with the KDA of one element, or with a domain that takes deliveries by
// itself: whole messages in and out, blocks and GET RESPONSE inside.
//
// It carries octets: it holds no key, and it believes no status word (a receipt alone says what
// happened, and only to the provider). Errors: kCardLink; kCardStatus with the KDA's status word,
// whose meaning is in kda/status_meaning.h.
#pragma once

#include "kagibin/base/aid.h"
#include "kagibin/device/channels.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/kda/status.h"

namespace kagibin::device {

class KdaSession {
 public:
  // Selects it. kCardStatus (6A82) when the element has none.
  static Result<KdaSession> select(Channels& channels, const Aid& application = kda::aid());

  Result<Bytes> enrol(ByteView request, ByteView security_domain_certificate);
  Result<void> load(const Handle& handle, ByteView envelope);
  Result<void> cancel(ByteView request);
  Result<Bytes> receipt(const Handle& handle);
  Result<kda::Status> status(const Handle& handle);
  Result<kda::Capabilities> capabilities();
  Result<void> statement(ByteView message);

  enum class Outcome : std::uint8_t {
    kFinal,    // DONE, proved absent, cancelled: read the receipt
    kUnknown,  // the KDA wants to be asked again later; its receipt says unknown
  };
  // Pumps APDUs between the KDA and the target until the KDA says so. Resets the element when the
  // KDA asks for it, at most four times. kNotSupported where the way to it has no reset: the KDA
  // asks again until the element lost its power.
  Result<Outcome> deliver(const Handle& handle);

 private:
  KdaSession(Channels& channels, const Aid& application)
      : channels_(&channels), application_(application) {}
  Result<void> select_application();
  Result<apdu::ResponseApdu> exchange(const apdu::CommandApdu& command);
  Result<Bytes> exchange_all(const std::vector<apdu::CommandApdu>& blocks);

  Channels* channels_;
  Aid application_;
};

}  // namespace kagibin::device
