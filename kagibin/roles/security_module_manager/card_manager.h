// SPDX-License-Identifier: Apache-2.0
// The security module manager (C) at a card: through a session of the issuer security domain it
// creates a service provider's domain, puts its first key set, and installs applications (GPCS 11.5
// and 11.8; protocol, section 2).
//
// It never installs a key delivery application: the maker does (attestation profile ATT-1), and one
// installed from here has no certificate, so that its enrolment is refused. Ownership: refers to
// link and randomness, which outlive it. Thread-safety: one thread.
//
//   CardManager card(link, issuer_keys, rng);
//   const KeyExport record = KB_TRY(card.create_domain({.aid = sd, .key_version = 0x30}, master));
#pragma once

#include <cstdint>

#include "kagibin/apdu/card_link.h"
#include "kagibin/crypto/held_key/derivation_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::roles::security_module_manager {

// A new supplementary security domain.
struct DomainPlan {
  Aid aid;
  std::uint8_t key_version = 0x30;  // of its first key set, 01 to 7F
  std::size_t key_size = 16;        // 16, 24 or 32 octets
  scp::Scp03Parameter scp03{0x60};
  gp::Privileges privileges{gp::Privileges::kSecurityDomain | gp::Privileges::kTrustedPath};
};

class CardManager {
 public:
  // `issuer_keys` is the record of the card's issuer domain, as its maker handed it over.
  CardManager(apdu::CardLink& link, const delivery::KeyExport& issuer_keys, crypto::Rng& rng)
      : link_(link), issuer_(issuer_keys), rng_(rng) {}

  // INSTALL [for install and make selectable], then PUT KEY of the first key set, diversified from
  // the master key. The result is what the service provider needs. After an interruption call it
  // again: a domain that is there already gets its keys, one that has them is left as it is.
  // kAuthentication for wrong issuer keys, kCardStatus with the card's word.
  Result<delivery::KeyExport> create_domain(const DomainPlan& plan,
                                            const crypto::DerivationKey& master_key);
  // The key set of a domain made before, for another export: nothing is sent to the card.
  Result<delivery::KeyExport> key_set_of(const DomainPlan& plan,
                                         const crypto::DerivationKey& master_key) const;

  // Installs and makes selectable, associated with `domain`: the session is the domain's own,
  // opened with the keys of `domain_keys`, or the issuer's where the record is the issuer's.
  Result<void> install_application(const delivery::KeyExport& domain_keys,
                                   const gp::Install& installation);

 private:
  // `scp03` is the parameter of what is selected, whoever's keys open it.
  Result<scp::Scp03Link> open(const Aid& selected,
                              const delivery::KeyExport& keys,
                              scp::Scp03Parameter scp03);
  Result<scp::Scp03Link> open(const delivery::KeyExport& keys);
  Result<void> put_first_keys(const DomainPlan& plan, const delivery::KeyExport& keys);

  apdu::CardLink& link_;
  const delivery::KeyExport& issuer_;
  crypto::Rng& rng_;
};

}  // namespace kagibin::roles::security_module_manager
