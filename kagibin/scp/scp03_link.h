// SPDX-License-Identifier: Apache-2.0
// An SCP03 session held over a card link: for the roles that have a card in hand and its keys
// (Amendment D v1.2). What is selected on the basic channel is the caller's doing.
//
// Ownership: refers to the link, which outlives it. Thread-safety: one thread.
//
//   Scp03Link session = KB_TRY(Scp03Link::open(link, keys, {.key_version_number = 0x30},
//                                              SecurityLevel{0x33}, rng));
//   const Bytes answer = KB_TRY(session.send({.ins = 0xF2, .p1 = 0x80, .data = body}));
#pragma once

#include "kagibin/apdu/card_link.h"
#include "kagibin/scp/scp03_host.h"

namespace kagibin::scp {

class Scp03Link {
 public:
  // INITIALIZE UPDATE and EXTERNAL AUTHENTICATE. kAuthentication when the card does not hold these
  // keys: then no try on the card was used. kCardStatus when it answers an error.
  static Result<Scp03Link> open(apdu::CardLink& link,
                                const Scp03KeySet& keys,
                                const Scp03HostOptions& options,
                                SecurityLevel level,
                                crypto::Rng& rng);

  // The answer's data; kCardStatus with the status word unless 9000 (or a warning 62xx, 63xx).
  Result<Bytes> send(const PlainCommand& command);
  // The same for a command as its builder made it: header, data and Le count.
  Result<Bytes> send(const apdu::CommandApdu& command);

  const Scp03Host& host() const { return host_; }

 private:
  Scp03Link(apdu::CardLink& link, Scp03Host host) : link_(&link), host_(std::move(host)) {}

  apdu::CardLink* link_;
  Scp03Host host_;
};

}  // namespace kagibin::scp
