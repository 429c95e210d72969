// SPDX-License-Identifier: Apache-2.0
// Whether a key is one of the CASD that the element's own maker built in (doc/decisions/0014,
// 0020).
//
// The controlling authority certifies a CASD's keys on the word of any maker, for any SEID. Only
// the signed shipment list says which of them are this element's; and it counts as long as its
// maker has the key that signed it and a certificate that is good. Stateless.
//
//   KB_TRY(check_casd_pin(shipments, trust, seid, CasdKey::kAgreement, casd.agreement, today));
#pragma once

#include <string_view>

#include "kagibin/roles/service_provider/shipment_book.h"

namespace kagibin::roles::service_provider {

enum class CasdKey : std::uint8_t {
  kSignature,  // PK.CASD.AUT, which attests code (ATT-2)
  kAgreement,  // PK.CASD.ECKA, which agrees on keys (Amendment A, scenario 3)
};

// What lifts a refusal.
inline constexpr std::string_view kCasdPinAdvice =
    "import the list of the element's own maker, signed with its present key and made with the "
    "CASD in it; a CASD of another maker for the same element is an attack.";

// kUntrusted: no list pins the element to this key, or its maker has another key since. Errors of
// pki::verify_under_root for the maker; kStore.
Result<void> check_casd_pin(const ShipmentBook& shipments,
                            const Trust& trust,
                            const Seid& element,
                            CasdKey which,
                            const crypto::EcPublicKey& key,
                            pki::CertificateDate today);

}  // namespace kagibin::roles::service_provider
