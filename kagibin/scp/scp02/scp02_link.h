// SPDX-License-Identifier: Apache-2.0
// An SCP02 session held over a card link: for cards that have nothing newer
// (GPCS appendix E).
//
//   Scp02Link session = KB_TRY(Scp02Link::open(link, keys, {.key_version_number = 0x20},
//                                              SecurityLevel{0x03}, rng));
//   const Bytes answer = KB_TRY(session.send({.ins = 0xF2, .p1 = 0x80, .data = body}));
#pragma once

#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/scp/session_link.h"

namespace kagibin::scp {

class Scp02Link : public SessionLink {
 public:
  using SessionLink::SessionLink;
  // INITIALIZE UPDATE and EXTERNAL AUTHENTICATE. kAuthentication when the card does not hold these
  // keys: then no try on the card was used. kCardStatus when it answers an error.
  static Result<Scp02Link> open(apdu::CardLink& link,
                                const Scp02KeySet& keys,
                                const Scp02HostOptions& options,
                                SecurityLevel level,
                                crypto::Rng& rng);
};

}  // namespace kagibin::scp
