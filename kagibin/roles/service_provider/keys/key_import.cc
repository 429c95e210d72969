// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_import.h"

#include <vector>

#include <fmt/format.h>

#include "kagibin/crypto/cms.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/roles/service_provider/keys/channel_uses.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

namespace kagibin::roles::service_provider {

namespace {

bool holds(const ChannelKeySet& known, const delivery::KeyExport& entry) {
  return ct_equal(known.enc.expose(), entry.key_enc.expose()) &&
         ct_equal(known.mac.expose(), entry.key_mac.expose()) &&
         ct_equal(known.dek.expose(), entry.key_dek.expose());
}

}  // namespace

Checked<std::size_t> import_key_exports(ByteView cms,
                                        const crypto::EcPublicKey& manager_key,
                                        std::string_view exchange_certificate_pem,
                                        const ShipmentBook& book,
                                        delivery::JournalStore& journal,
                                        KeyStore& keys) {
  const crypto::AgreementKey exchange_key = KB_TRY(keys.exchange_key());
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
    const auto known =
        KB_TRY(keys.channel_keys(*seid, entry.security_domain, entry.key_version_number));
    if (known && !holds(*known, entry)) {
      return problem(
          Errc::kConflict,
          fmt::format("We hold another key set {:02X} for domain {} of card {}/{}, which an export "
                      "does not replace; nothing was stored. If the card was made anew, order its "
                      "deliveries from a new provider folder.",
                      entry.key_version_number, entry.security_domain.hex(), to_hex(entry.iin),
                      to_hex(entry.cin)));
    }
    owners.push_back(*seid);
  }
  for (std::size_t i = 0; i < exports->size(); ++i) {
    delivery::KeyExport& entry = (*exports)[i];
    const ChannelKeySet set{.i = entry.i,
                            .enc = std::move(entry.key_enc),
                            .mac = std::move(entry.key_mac),
                            .dek = std::move(entry.key_dek)};
    KB_TRY(ExclusiveKeys(journal, keys).expose(set));
    KB_TRY(ChannelUses(journal).note(set.enc));  // by the manager, for all we know
    KB_TRY(keys.put_channel_keys(owners[i], entry.security_domain, entry.key_version_number, set));
  }
  return exports->size();
}

}  // namespace kagibin::roles::service_provider
