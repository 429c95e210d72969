// SPDX-License-Identifier: Apache-2.0
// Takes the channel key sets that the security module manager exported for us: CMS sealed to our
// exchange key, signed by the manager, whose key is pinned (protocol, section 2;
// delivery/key_export.h). The manager knows them: none of them is ever exclusive
// (exclusive_keys.h).
//
//   const std::size_t count = KB_TRY(import_key_exports(file, manager_key, our_pem, book, journal,
//   keys));
#pragma once

#include <string_view>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/roles/service_provider/keys/key_store.h"
#include "kagibin/roles/service_provider/shipment_book.h"

namespace kagibin::roles::service_provider {

// The number of key sets stored. kAuthentication when the file does not open, kUntrusted when
// another key signed it, kNotFound when it names a card that no shipment list names: then nothing
// was stored.
Checked<std::size_t> import_key_exports(ByteView cms,
                                        const crypto::EcPublicKey& manager_key,
                                        std::string_view exchange_certificate_pem,
                                        const ShipmentBook& book,
                                        delivery::JournalStore& journal,
                                        KeyStore& keys);

}  // namespace kagibin::roles::service_provider
