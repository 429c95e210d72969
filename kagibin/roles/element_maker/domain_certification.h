// SPDX-License-Identifier: Apache-2.0
// How a service provider's domain comes to SCP11a while its element is made: the domain makes
// SK.SD.ECKA inside and proves it, gets the maker's key as PK.CA-KLOC.ECDSA, so that it takes
// CERT.OCE of this maker's key delivery applications and of nobody else, and later keeps CERT.SD of
// the controlling authority for whoever asks by GET DATA BF21 (GPCS Amendment F, 7.2 and 7.8).
//
// The first key set of the domain opens the session. The maker's word about the key is worth what
// the link to the card is worth: it has the element in its own hands here. Functions without state.
//
//   const DomainKey made = KB_TRY(make_domain_key(card, keys, plan, maker_key, rng));
//   KB_TRY(store_domain_certificate(card, keys, 0x03, certificate, rng));
#pragma once

#include "kagibin/apdu/card_link.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/pki/domain_key_request.h"

namespace kagibin::roles::element_maker {

struct DomainKeyPlan {
  Seid element;
  Spid owner;
  std::uint8_t key_version = 0x03;  // of SK.SD.ECKA, and of PK.CA-KLOC.ECDSA, whose KID is 10
};

// GENERATE KEY of KID 11 and PUT KEY of `host_authority`, in one session under `keys`, the domain's
// own. kCardStatus with the domain's status word; kAuthentication when it does not prove the key.
Result<pki::DomainKey> make_domain_key(apdu::CardLink& card,
                                       const delivery::KeyExport& keys,
                                       const DomainKeyPlan& plan,
                                       const crypto::EcPublicKey& host_authority,
                                       crypto::Rng& rng);
// STORE DATA BF21 for KID 11 and this KVN.
Result<void> store_domain_certificate(apdu::CardLink& card,
                                      const delivery::KeyExport& keys,
                                      std::uint8_t key_version,
                                      ByteView certificate,
                                      crypto::Rng& rng);

}  // namespace kagibin::roles::element_maker
