// SPDX-License-Identifier: Apache-2.0
#include "tests/conventional/push.h"

#include "kagibin/base/clock.h"
#include "kagibin/cli/console/host_port.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/exchange/key_export.h"

#include "tests/conventional/put_keys.h"
#include "tests/conventional/relay.h"

namespace kagibin::conventional {

namespace {

Result<std::string> text_of(const std::filesystem::path& path) {
  const SecretBytes octets = KB_TRY(crypto::read_file(path));
  return std::string(octets.expose().begin(), octets.expose().end());
}

Result<delivery::KeyExport> channel_keys(const Push& wish) {
  const SecretBytes cms = KB_TRY(crypto::read_file(wish.home / "export.cms"));
  const SecretBytes pem = KB_TRY(crypto::read_file(wish.home / "exchange.key.pem"));
  const crypto::EcPrivateKey key = KB_TRY(crypto::private_key_from_pem(pem.expose()));
  const std::string certificate = KB_TRY(text_of(wish.home / "exchange.pem"));
  const crypto::CmsContent content = KB_TRY(crypto::cms_open(cms.expose(), key, certificate));
  const std::string manager_pem = KB_TRY(text_of(wish.manager));
  const crypto::EcPublicKey manager = KB_TRY(crypto::public_key_of_certificate(manager_pem));
  if (!(content.signer == manager)) {
    return fail(Errc::kUntrusted, "the key export is not the manager's");
  }
  auto records = KB_TRY(delivery::decode_key_exports(content.content.expose()));
  return std::move(records.front());
}

// The lines of service-keys.txt.
Result<std::vector<SecretBytes>> service_keys(const std::filesystem::path& file) {
  const std::string text = KB_TRY(text_of(file));
  std::vector<SecretBytes> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto key = from_hex(std::string_view(text).substr(at, end - at));
    if (!key || !crypto::is_aes_key_size(key->size())) {
      return fail(Errc::kEncoding, "service-keys.txt holds one AES key a line, as hex");
    }
    out.push_back(SecretBytes::copy_of(*key));
    at = end + 1;
  }
  return out;
}

}  // namespace

Result<void> found_operator(const std::filesystem::path& home) {
  crypto::SystemRng rng;
  const SystemClock clock;
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const std::string certificate =
      KB_TRY(crypto::self_signed_certificate(key, "operator", clock.now(), 30, false, rng));
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  KB_TRY(crypto::write_file(home / "exchange.key.pem", pem.expose(), true));
  return crypto::write_file(home / "exchange.pem", ascii(certificate), false);
}

Result<void> push(const Push& wish) {
  const delivery::KeyExport channel = KB_TRY(channel_keys(wish));
  const std::vector<SecretBytes> keys = KB_TRY(service_keys(wish.home / "service-keys.txt"));
  scp::Scp03KeySet set = KB_TRY(scp::Scp03KeySet::create(
      channel.key_enc.duplicate(), channel.key_mac.duplicate(), channel.key_dek.duplicate()));
  const auto device = KB_TRY(connect_device(wish.to));
  crypto::SystemRng rng;
  return put_keys(*device,
                  {.channel = std::move(set),
                   .channel_version = channel.key_version_number,
                   .target = wish.target,
                   .replaced_version = wish.replaced_version,
                   .key_version = wish.key_version},
                  keys, rng);
}

}  // namespace kagibin::conventional
