// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/channel_uses.h"

#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kUsedKind = "channel_used";
constexpr std::uint8_t kSeveral = 0x01;  // no order has such a name

crypto::Digest256 fingerprint(const SecretBytes& key) {
  return crypto::sha256({ascii("KB1-KFP"), key.expose()});
}

}  // namespace

Result<void> ChannelUses::note(const SecretBytes& key_enc) {
  return journal_.put_record(kUsedKind, fingerprint(key_enc), Bytes{kSeveral});
}

Result<void> ChannelUses::note(const SecretBytes& key_enc, const delivery::OrderId& order) {
  const auto claimed = journal_.claim_record(kUsedKind, fingerprint(key_enc), ascii(order.text()));
  if (!claimed && claimed.error().code == Errc::kConflict) {
    return note(key_enc);
  }
  return claimed;
}

Result<bool> ChannelUses::has(const SecretBytes& key_enc) const {
  const auto known = KB_TRY(journal_.find_record(kUsedKind, fingerprint(key_enc)));
  return known.has_value();
}

Result<bool> ChannelUses::has_another(const SecretBytes& key_enc,
                                      const delivery::OrderId& order) const {
  const auto known = KB_TRY(journal_.find_record(kUsedKind, fingerprint(key_enc)));
  return known && !equal(*known, ascii(order.text()));
}

}  // namespace kagibin::roles::service_provider
