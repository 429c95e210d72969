// SPDX-License-Identifier: Apache-2.0
#include "tests/conventional/put_keys.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::conventional {

namespace {

Result<gp::KeyData> encrypted(const scp::HostSession& session, const SecretBytes& key) {
  const SecretBytes padded = KB_TRY(gp::pad_key_value(key));
  Bytes octets = KB_TRY(session.encrypt_sensitive(padded.expose()));
  const gp::KeyCheckValue kcv = KB_TRY(crypto::aes_kcv(key.expose()));
  return gp::encrypted_key(gp::key_type::kAes, std::move(octets), key.size(), kcv);
}

}  // namespace

Result<void> put_keys(apdu::CardLink& device,
                      const Setting& setting,
                      const std::vector<SecretBytes>& keys,
                      crypto::Rng& rng) {
  const ByteView name = setting.target.view();
  const gp::Select select{.name = Bytes(name.begin(), name.end())};
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(device, select.encode()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the target cannot be selected", selected.sw);
  }
  scp::Scp03Link session = KB_TRY(
      scp::Scp03Link::open(device, setting.channel,
                           {.key_version_number = setting.channel_version, .aid = setting.target},
                           scp::SecurityLevel{0x33}, rng));
  gp::PutKey put{.old_version = setting.replaced_version,
                 .new_version = setting.key_version,
                 .first_identifier = 1};
  for (const SecretBytes& key : keys) {
    put.keys.push_back(KB_TRY(encrypted(session.host(), key)));
  }
  const apdu::CommandApdu command = KB_TRY(put.encode());
  KB_TRY(session.send(command));
  return {};
}

}  // namespace kagibin::conventional
