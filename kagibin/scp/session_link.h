// SPDX-License-Identifier: Apache-2.0
// A secure channel session held over a card link, whatever its protocol: for whoever has a card in
// hand. scp02_link.h and scp03_link.h open one. What is selected on the basic channel is the
// caller's doing.
//
// Ownership: refers to the link, which outlives it; owns the session. Thread-safety: one thread.
//
//   SessionLink session = KB_TRY(Scp02Link::open(link, keys, {}, SecurityLevel{0x03}, rng));
//   const Bytes answer = KB_TRY(session.send({.ins = 0xF2, .p1 = 0x80, .data = body}));
#pragma once

#include <memory>

#include "kagibin/apdu/card_link.h"
#include "kagibin/scp/host_session.h"

namespace kagibin::scp {

class SessionLink {
 public:
  // `session` is open.
  SessionLink(apdu::CardLink& link, std::unique_ptr<HostSession> session)
      : link_(&link), session_(std::move(session)) {}

  // The answer out of secure messaging, whatever its status word.
  Result<apdu::ResponseApdu> transmit(const PlainCommand& command);
  // The answer's data; kCardStatus with the status word unless 9000 (or a warning 62xx, 63xx).
  Result<Bytes> send(const PlainCommand& command);
  // The same for a command as its builder made it: header, data and Le count.
  Result<Bytes> send(const apdu::CommandApdu& command) { return send(plain_command(command)); }

  const HostSession& host() const { return *session_; }

 private:
  apdu::CardLink* link_;
  std::unique_ptr<HostSession> session_;
};

// A command that opens a session, and its answer. kCardStatus unless 9000.
Result<apdu::ResponseApdu> exchange_opening(apdu::CardLink& link, const apdu::CommandApdu& command);

}  // namespace kagibin::scp
