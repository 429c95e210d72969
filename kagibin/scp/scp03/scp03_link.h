// SPDX-License-Identifier: Apache-2.0
// An SCP03 session held over a card link: for the roles that have a card in hand and its keys
// (Amendment D v1.2).
//
//   Scp03Link session = KB_TRY(Scp03Link::open(link, keys, {.key_version_number = 0x30},
//                                              SecurityLevel{0x33}, rng));
//   const Bytes answer = KB_TRY(session.send({.ins = 0xF2, .p1 = 0x80, .data = body}));
#pragma once

#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/scp/session_link.h"

namespace kagibin::scp {

class Scp03Link : public SessionLink {
 public:
  using SessionLink::SessionLink;
  // INITIALIZE UPDATE and EXTERNAL AUTHENTICATE. kAuthentication when the card does not hold these
  // keys: then no try on the card was used. kCardStatus when it answers an error.
  static Result<Scp03Link> open(apdu::CardLink& link,
                                const Scp03KeySet& keys,
                                const Scp03HostOptions& options,
                                SecurityLevel level,
                                crypto::Rng& rng);
};

}  // namespace kagibin::scp
