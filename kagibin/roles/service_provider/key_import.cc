// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/key_import.h"

#include <vector>

#include <fmt/format.h>

#include "kagibin/crypto/cms.h"
#include "kagibin/delivery/key_export.h"

namespace kagibin::roles::service_provider {

Checked<std::size_t> import_key_exports(ByteView cms,
                                        const crypto::EcPublicKey& manager_key,
                                        std::string_view exchange_certificate_pem,
                                        const ShipmentBook& book,
                                        KeyStore& keys) {
  const crypto::EcPrivateKey exchange_key = KB_TRY(keys.exchange_key());
  const auto opened = crypto::cms_open(cms, exchange_key, exchange_certificate_pem);
  if (!opened) {
    return problem(opened.error().code,
                   fmt::format("The key export does not open: {}. Nothing was stored; ask the "
                               "manager to seal it to our present certificate.",
                               opened.error().detail.text()));
  }
  if (opened->signer != manager_key) {
    return problem(Errc::kUntrusted,
                   "The key export is signed by another key than the pinned one of the security "
                   "module manager; nothing was stored.");
  }
  auto exports = delivery::decode_key_exports(opened->content.expose());
  if (!exports) {
    return problem(exports.error().code,
                   fmt::format("The key export's content is refused: {}. Nothing was stored.",
                               exports.error().detail.text()));
  }
  std::vector<Seid> owners;
  for (const delivery::KeyExport& entry : *exports) {
    const std::optional<Seid> seid = KB_TRY(book.find_card(entry.iin, entry.cin));
    if (!seid) {
      return problem(Errc::kNotFound,
                     fmt::format("The key export names card {}/{}, which no shipment list names; "
                                 "nothing was stored. Import the maker's shipment list first.",
                                 to_hex(entry.iin), to_hex(entry.cin)));
    }
    owners.push_back(*seid);
  }
  for (std::size_t i = 0; i < exports->size(); ++i) {
    delivery::KeyExport& entry = (*exports)[i];
    KB_TRY(keys.put_channel_keys(owners[i], entry.security_domain, entry.key_version_number,
                                 ChannelKeySet{.i = entry.i,
                                               .enc = std::move(entry.key_enc),
                                               .mac = std::move(entry.key_mac),
                                               .dek = std::move(entry.key_dek)}));
  }
  return exports->size();
}

}  // namespace kagibin::roles::service_provider
