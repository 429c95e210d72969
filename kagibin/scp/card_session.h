// SPDX-License-Identifier: Apache-2.0
// The card's end of a secure channel session, whatever its protocol (GPCS chapter 10): what a
// security domain, and by it an application, uses. Scp02Card, Scp03Card and Scp11's sessions are
// the implementations.
//
// A session is made by its protocol's first command, opened by establish(), and holds no key after
// close(). The card session of a logical channel is one object through all of that, owned by the
// channel. Thread-safety: one thread.
//
// Refusals are status words that name their reason. One that ends the session leaves open() false.
#pragma once

#include <cstdint>
#include <expected>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/scp/security_level.h"

namespace kagibin::scp {

// How the off-card entity stands to the security domain (GPCS 10.2.1, 10.4.1).
enum class Authentication : std::uint8_t {
  kNone,              // only the card was authenticated, or nothing yet
  kAnyAuthenticated,  // an off-card entity, but not the domain's own provider
  kAuthenticated,     // the application provider whose domain it is
};

struct OffCardEntity {
  Authentication authentication = Authentication::kNone;
  Bytes identity{};  // the subject of its certificate; empty in protocols with shared keys
};

class CardSession {
 public:
  struct Unwrapped {
    std::uint8_t cla = 0;  // as received without the secure-messaging bit
    SecretBytes data{};    // plaintext: may hold a key
  };

  CardSession() = default;
  CardSession(const CardSession&) = delete;
  CardSession& operator=(const CardSession&) = delete;
  virtual ~CardSession() = default;

  virtual std::uint8_t protocol() const = 0;  // kScp02, kScp03, kScp11
  // The next command that opens the session, as received: EXTERNAL AUTHENTICATE of SCP02 and SCP03.
  // 6985 when none is due.
  virtual apdu::ResponseApdu establish(const apdu::CommandApdu& command) = 0;
  // True when establish() verified the first C-MAC of the session, which the key set's sequence
  // counter has to count before anything is answered, a refusal too (SCP02 alone: GPCS E.1.2).
  virtual bool is_counted() const { return false; }
  // True when the same commands can be sent again, with the same answers (SCP11c).
  virtual bool is_replayable() const { return false; }
  virtual bool open() const = 0;

  // Of an open session.
  virtual SecurityLevel level() const = 0;
  virtual OffCardEntity off_card_entity() const = 0;
  // The command out of its secure messaging. A wrong or missing C-MAC ends the session.
  virtual std::expected<Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command) = 0;
  // The data field of the answer to the command unwrapped last, as the level says.
  virtual Bytes wrap(ByteView data, StatusWord sw) = 0;
  // BEGIN and END R-MAC SESSION (Amendment D, 7.1.3 and 7.1.4), out of secure messaging. What they
  // change holds for the answers after their own. 6D00 where the session has no such commands.
  virtual StatusWord r_mac_session(const apdu::CommandApdu& command) {
    static_cast<void>(command);
    return StatusWord{0x6D00}.because("this session's protocol has no R-MAC session");
  }
  // A value under the key for sensitive data (Key-DEK, or the session's): keys of PUT KEY, STORE
  // DATA. Its padding is the caller's. 6A80 unless it is whole blocks.
  virtual std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const = 0;

  // Ends the session and wipes its keys (SELECT of another application, reset, error, MANAGE
  // CHANNEL close).
  virtual void close() = 0;
};

}  // namespace kagibin::scp
