// SPDX-License-Identifier: Apache-2.0
// What a built-in application of the virtual element looks like to OPEN, and what OPEN gives it.
//
// An application is made anew from its module on every start of the element; what must survive lies
// in the Nvm under the record prefix it is given ("app/<AID>/"). Session state belongs to the
// object and is lost at reset (CLEAR_ON_RESET). Thread-safety: one element, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/clock.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

// The associated security domain's secure channel, as GPSystem's SecureChannel offers it to
// applications (GlobalPlatform Card API, org.globalplatform.SecureChannel).
class SecureChannelService {
 public:
  SecureChannelService() = default;
  SecureChannelService(const SecureChannelService&) = delete;
  SecureChannelService& operator=(const SecureChannelService&) = delete;
  virtual ~SecureChannelService() = default;
  // True for INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, which process_security() answers.
  virtual bool is_security_command(const apdu::CommandApdu& command) const = 0;
  virtual apdu::ResponseApdu process_security(const apdu::CommandApdu& command) = 0;
  // In an open session: the command without secure messaging, or the status word to answer. The
  // data may hold keys.
  struct Plain {
    std::uint8_t cla = 0;
    SecretBytes data;
  };
  virtual std::expected<Plain, StatusWord> unwrap(const apdu::CommandApdu& command) = 0;
  virtual apdu::ResponseApdu wrap(ByteView data, StatusWord sw) = 0;
  virtual std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const = 0;
  virtual bool authenticated() const = 0;
  virtual std::uint8_t security_level() const = 0;  // as P1 of EXTERNAL AUTHENTICATE
};

// The CASD's signature service, as Amendment A's AuthoritySignature offers it to applications.
class AuthoritySignatureService {
 public:
  AuthoritySignatureService() = default;
  AuthoritySignatureService(const AuthoritySignatureService&) = delete;
  AuthoritySignatureService& operator=(const AuthoritySignatureService&) = delete;
  virtual ~AuthoritySignatureService() = default;
  // A statement of the CASD that this application, with its code hash and its security domain, had
  // `data` signed (gp/confidential/authority_signature.h, verify_data). kNotFound when the CASD can
  // sign no more; kCrypto.
  virtual Result<Bytes> sign(ByteView data) const = 0;
  // CERT.CASD.AUT, the certificate of the key that signs, as the controlling authority gave it.
  // kNotFound when the CASD was given none.
  virtual Result<Bytes> certificate() const = 0;
  // Whom the CASD believes, for an application that has nobody else to ask. kNotFound.
  struct Trust {  // NOLINT(cppcoreguidelines-pro-type-member-init): made whole, by trust() alone
    crypto::EcPublicKey authority;
    std::uint16_t min_epoch = 0;
  };
  virtual Result<Trust> trust() const = 0;
  // The controlling authority's statement (kda/authority_statement.h), for the CASD to obey, too,
  // inside the caller's transaction. The CASD believes the authority and not the application: what
  // is not signed by the key that it has changes nothing, and is no failure. What nvm.put() says.
  virtual Result<void> hear_statement(ByteView statement) const = 0;
};

// The security domain that this code is a part of, where the element's OS takes key deliveries by
// itself (doc/decisions/0018).
class OwnDomainService {
 public:
  // Out of secure messaging; sensitive values are padded and under the key that apply() is given.
  struct Command {
    std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2
    ByteView data;
  };

  OwnDomainService() = default;
  OwnDomainService(const OwnDomainService&) = delete;
  OwnDomainService& operator=(const OwnDomainService&) = delete;
  virtual ~OwnDomainService() = default;
  // These commands in order, as in a session of the domain's own provider, then `record`: all of it
  // durable together, or nothing. kCardStatus with the status word of the command that the domain
  // refused; kIo, kNoSpace, kCrypto where it failed at one (6581, 6A84, 6400 and 6F00) or the whole
  // could not be written: the same may do later; what `record` fails with.
  // `sensitive`: AES-128 in CBC mode, IV 0, as the Key-DEK of a session, so that no clear key
  // stands in a command.
  virtual Result<void> apply(std::span<const Command> commands,
                             const SecretArray<16>& sensitive,
                             const std::function<Result<void>()>& record) = 0;
  // The highest version of the domain's keys up to 7F; 00 without any.
  virtual std::uint8_t highest_key_version() const = 0;
};

// An application's memory that a reset clears and nothing else: CLEAR_ON_RESET of Java Card. The
// object itself may go earlier (instances.h).
using ClearOnReset = std::array<std::uint8_t, 4>;

// What OPEN gives an application when it is made.
struct ApplicationContext {
  Aid aid;                    // of the instance
  Aid security_domain;        // associated
  Nvm& nvm;                   // use names under record_prefix only
  std::string record_prefix;  // "app/<AID hex>/"
  crypto::Rng& rng;
  ClearOnReset& clear_on_reset;          // zero at first
  SecureChannelService& secure_channel;  // of this instance's logical channel
  crypto::Digest256 code_hash;  // SHA-256 of the load file data block it was instantiated from
  // nullptr when the element has no CASD.
  const AuthoritySignatureService* authority_signature = nullptr;
  // nullptr unless this is a security domain's own code.
  OwnDomainService* own_domain = nullptr;
};

class Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;

  // INSTALL [for install]: the application-specific parameters (C9 value). Called once, inside
  // OPEN's transaction.
  virtual StatusWord install(ByteView parameters) = 0;
  // SELECT: 9000 and what goes into the FCI's proprietary template A5 (may be empty), or a refusal.
  struct Selected {
    StatusWord sw;
    Bytes proprietary;
  };
  virtual Selected select() { return {StatusWord{0x9000}, {}}; }
  virtual void deselect() {}
  // Any other command on its channel, reassembled answers included: OPEN does GET RESPONSE.
  virtual apdu::ResponseApdu process(const apdu::CommandApdu& command) = 0;
  // Application::processData: STORE DATA forwarded by its security domain after INSTALL [for
  // personalization]: one block's DGIs, out of secure messaging, inside OPEN's transaction. Values
  // that P1 (b7 b6 = 11) says are under Key-DEK are opened by secure_channel.decrypt_sensitive().
  virtual StatusWord store_data(ByteView data, std::uint8_t p1, std::uint8_t block_number) {
    static_cast<void>(data);
    static_cast<void>(p1);
    static_cast<void>(block_number);
    return StatusWord{0x6985};
  }
  // The same with an answer: what it returns as data leaves when b1 of P1 asks for it (GPCS
  // 11.11.2.1), and only then.
  virtual apdu::ResponseApdu process_data(ByteView data,
                                          std::uint8_t p1,
                                          std::uint8_t block_number) {
    return {.data = {}, .sw = store_data(data, p1, block_number)};
  }
};

}  // namespace kagibin::se
