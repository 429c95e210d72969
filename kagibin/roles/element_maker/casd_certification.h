// SPDX-License-Identifier: Apache-2.0
// How the keys of an element's CASD come to their certificates (Amendment A; se/casd): the maker
// asks the element for two certification requests, the controlling authority answers them
// (Authority::certify_casd), the maker stores what came. The private keys stay where they were
// made.
//
// Nothing here needs a key: the element proves that it has the keys, and believes the certificates
// by the authority's signature alone. Functions without state.
//
//   for (const Bytes& request : KB_TRY(casd_requests(card, seid))) { ... to the authority ... }
//   KB_TRY(store_casd_certificates(card, certificates));
#pragma once

#include <span>
#include <vector>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/exchange/shipment_list.h"

namespace kagibin::roles::element_maker {

// Of the key that agrees on keys, and of the one that signs (kinds 06 and 07), for this element.
// kCardStatus when the element has no CASD; kAuthentication when a request does not prove itself.
Result<std::vector<Bytes>> casd_requests(apdu::CardLink& card, const Seid& element);
// The keys as shipment lists pin them. kNotFound when a request for one of the two is missing.
Result<delivery::ShippedCasd> shipped_casd(std::span<const Bytes> requests);
// Whole certificates 7F21. kCardStatus with the element's status word for one that it refuses; the
// ones before stay.
Result<void> store_casd_certificates(apdu::CardLink& card, std::span<const Bytes> certificates);

}  // namespace kagibin::roles::element_maker
