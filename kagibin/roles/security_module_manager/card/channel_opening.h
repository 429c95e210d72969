// SPDX-License-Identifier: Apache-2.0
// Opens a secure channel with the selected security domain of any card: SCP02, SCP03 (S8 and S16)
// or SCP11a, b, c, chosen by what the card says and by the keys.
//
// A try on the card is used by EXTERNAL AUTHENTICATE alone, and it is sent only after the card's
// own cryptogram was found right. What happened, right or wrong, stands in report(), so that a tool
// can say which key of which set it was. Errors: kAuthentication when the card holds other keys
// (no try was used), kCardStatus with the card's word, kNotSupported when card and keys have no
// protocol in common, kUntrusted for the card's certificates; kCardLink.
//
// Ownership: refers to link, facts and randomness, which outlive it. Thread-safety: one thread.
//
//   ChannelOpening opening(link, facts, rng);
//   auto session = KB_TRY(opening.open(keys, {.scp = 3}));
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kagibin/crypto/rng.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/roles/security_module_manager/card/card_facts.h"
#include "kagibin/roles/security_module_manager/card/domain_session.h"
#include "kagibin/scp/scp11/scp11_host.h"

namespace kagibin::roles::security_module_manager {

// Key-ENC, Key-MAC, Key-DEK of one key version. 00 asks for the card's first set.
struct ChannelKeys {
  std::uint8_t version = 0;
  std::optional<bool> des{};  // 3DES for SCP02, AES for SCP03; empty: nobody said
  SecretBytes enc;
  SecretBytes mac;
  SecretBytes dek;

  ChannelKeys duplicate() const;
};

struct ChannelWishes {
  std::optional<std::uint8_t> scp{};          // kScp02 or kScp03
  std::optional<scp::SecurityLevel> level{};  // empty: the highest that the card offers
  LongCommands long_commands = LongCommands::kExtended;
  std::span<const ChannelKeys> other_sets = {};  // looked at when the card holds other keys
};

// The off-card entity's side of SCP11.
struct HostCredentials {
  scp::Scp11Variant variant = scp::Scp11Variant::kA;
  std::uint8_t key_version = 0;                        // of SK.SD.ECKA
  std::optional<crypto::CurvePrivateKey> own_key{};    // SK.OCE.ECKA, of SCP11a and c
  std::vector<Bytes> certificates{};                   // issuers first, CERT.OCE.ECKA last
  scp::KeyReference ca{scp::kKidCaKloc, 0};            // PK.CA-KLOC.ECDSA on the card
  std::optional<crypto::CurvePublicKey> domain_key{};  // PK.SD.ECKA, when it is known
  std::optional<crypto::CurvePublicKey> domain_ca{};   // else PK.CA-KLCC.ECDSA over its store
  std::optional<pki::CertificateDate> today{};
  bool encryption = true;
  LongCommands long_commands = LongCommands::kExtended;
};

struct ChannelReport {
  enum class Stage : std::uint8_t {
    kChoice,                // of the protocol
    kInitializeUpdate,      // refused by the card
    kCryptogram,            // of the card: wrong, no try was used
    kExternalAuthenticate,  // refused by the card: a try was used
    kDomainCertificate,     // of SCP11
    kHostCertificate,
    kKeyAgreement,
    kOpen,
  };
  Stage stage = Stage::kChoice;
  std::uint8_t scp = 0;
  std::optional<std::uint8_t> i{};                 // as the card answers
  std::optional<std::uint8_t> answered_version{};  // the key version that the card took
  Bytes diversification_data{};
  std::optional<std::uint32_t> sequence_counter{};
  std::optional<std::uint8_t> version_that_fits{};  // of the other sets
  bool factory_keys_fit = false;                    // 40 41 ... 4F, which test cards come with
};

class ChannelOpening {
 public:
  ChannelOpening(apdu::CardLink& link, const CardFacts& facts, crypto::Rng& rng)
      : link_(link), facts_(facts), rng_(rng) {}

  Result<std::unique_ptr<DomainSession>> open(const ChannelKeys& keys, const ChannelWishes& wishes);
  // INITIALIZE UPDATE alone: whether the card holds these keys. Uses no try, ever.
  Result<void> check(const ChannelKeys& keys, const ChannelWishes& wishes);
  Result<std::unique_ptr<DomainSession>> open(const HostCredentials& credentials);

  const ChannelReport& report() const { return report_; }

 private:
  Result<std::uint8_t> choose(const ChannelKeys& keys, const ChannelWishes& wishes);
  Result<std::unique_ptr<DomainSession>> symmetric(const ChannelKeys& keys,
                                                   const ChannelWishes& wishes,
                                                   bool only_check);
  Result<std::unique_ptr<DomainSession>> scp02(const ChannelKeys& keys,
                                               const ChannelWishes& wishes,
                                               bool only_check);
  Result<std::unique_ptr<DomainSession>> scp03(const ChannelKeys& keys,
                                               const ChannelWishes& wishes,
                                               bool only_check,
                                               bool s16);
  Result<crypto::CurvePublicKey> domain_key(const HostCredentials& credentials);

  apdu::CardLink& link_;
  const CardFacts& facts_;
  crypto::Rng& rng_;
  ChannelReport report_{};
};

}  // namespace kagibin::roles::security_module_manager
