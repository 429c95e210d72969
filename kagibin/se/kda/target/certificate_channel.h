// SPDX-License-Identifier: Apache-2.0
// The channel of RL2 and RL4: SCP11a, with the KDA as the off-card entity (protocol, section 8;
// GPCS Amendment F, 7.5 and 7.6). It makes C-APDUs and takes R-APDUs; target_session.h carries
// them.
//
//   GET DATA 0066                   i of the domain: SCP11a, certificates in GlobalPlatform's own
//                                   format, S8 or S16. Nobody signs it: a lie costs the session
//   PERFORM SECURITY OPERATION      CERT.OCE under the first PK.CA-KLOC of KID 10 (P1 00)
//   MUTUAL AUTHENTICATE             KID 11 and the KVN of A0/85; AES-128, level 33
//
// Whose key PK.SD.ECKA is says CERT.SD, which ENROL verified; the receipt of the last answer proves
// that the domain holds it. Key-DEK is the session's at RL2. At RL4 it is the domain's static one
// (KID 12, beside SK.SD.ECKA), which the payload brings; what goes under it goes through the
// session, too. Ownership: values; a secret inside. Thread-safety: one thread.
//
//   auto channel = KB_TRY(CertificateChannel::create(store, slot, header));
//   ... channel.ask_card_data(), take_card_data(answer), next_certificate(), ...
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kagibin/envelope/payload/payload.h"
#include "kagibin/scp/scp11/scp11_host.h"
#include "kagibin/se/kda/records/kda_store.h"

namespace kagibin::se {

class CertificateChannel {
 public:
  // kNotFound without CERT.OCE or, in the slot, CERT.SD.
  static Result<CertificateChannel> create(const KdaStore& store,
                                           const KdaSlot& slot,
                                           const envelope::EnvelopeHeader& header);

  static apdu::CommandApdu ask_card_data();
  // False when the domain does not say that it speaks SCP11a.
  bool take_card_data(const apdu::ResponseApdu& answer);
  // PERFORM SECURITY OPERATION, block by block; empty when all have left.
  std::optional<apdu::CommandApdu> next_certificate();
  Result<apdu::CommandApdu> authenticate(crypto::Rng& rng);
  // Checks the receipt. `channel_keys`: C1 of RL4, whose Key-DEK then is the session's.
  // Precondition: authenticate() was called (KB_CHECK).
  Result<void> finish(const apdu::ResponseApdu& answer,
                      const std::optional<envelope::ChannelKeys>& channel_keys);

  scp::Scp11Host* session() { return session_ ? &*session_ : nullptr; }
  const scp::Scp11Host* session() const { return session_ ? &*session_ : nullptr; }
  std::size_t mac_size() const { return parameter_.mac_size(); }

 private:
  CertificateChannel(crypto::CurvePublicKey domain_key,
                     crypto::CurvePrivateKey own_key,
                     std::vector<apdu::CommandApdu> certificates,
                     std::uint8_t key_version)
      : domain_key_(std::move(domain_key)),
        own_key_(std::move(own_key)),
        certificates_(std::move(certificates)),
        key_version_(key_version) {}

  crypto::CurvePublicKey domain_key_;              // PK.SD.ECKA
  crypto::CurvePrivateKey own_key_;                // SK.OCE.ECKA
  std::vector<apdu::CommandApdu> certificates_{};  // PERFORM SECURITY OPERATION
  std::uint8_t key_version_;                       // of SK.SD.ECKA
  std::size_t sent_ = 0;                           // of certificates_
  scp::Scp11Parameter parameter_{};
  std::optional<scp::Scp11Host> session_{};
};

}  // namespace kagibin::se
