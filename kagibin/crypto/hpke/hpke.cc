// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/hpke.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/hpke/labeled_hkdf.h"

namespace kagibin::crypto {

namespace {

constexpr std::uint16_t kHkdfSha256 = 0x0001;
constexpr std::uint8_t kModeBase = 0x00;
constexpr std::size_t kNonceSize = 12;

constexpr std::size_t key_size(HpkeAead aead) { return aead == HpkeAead::kAes128Gcm ? 16 : 32; }

Result<SecretBytes> open(HpkeAead aead,
                         const KemPrivateKey& own,
                         const HpkeContext& context,
                         const HpkeSealed& sealed) {
  const SecretArray<32> shared = KB_TRY(decapsulate(own, sealed.enc));
  const HpkeKeys keys = KB_TRY(hpke_key_schedule(own.kem(), aead, shared.expose(), context.info));
  return aes_gcm_open(keys.key.expose(), keys.base_nonce.expose(), context.aad, sealed.ciphertext);
}

}  // namespace

Result<HpkeKeys> hpke_key_schedule(HpkeKem kem, HpkeAead aead, ByteView shared, ByteView info) {
  const Bytes suite_id = ByteWriter()
                             .bytes(ascii("HPKE"))
                             .u16(std::to_underlying(kem))
                             .u16(kHkdfSha256)
                             .u16(std::to_underlying(aead))
                             .take();
  const SecretArray<32> psk_id_hash = labeled_extract(suite_id, {}, "psk_id_hash", {});
  const SecretArray<32> info_hash = labeled_extract(suite_id, {}, "info_hash", info);
  const Bytes context =
      ByteWriter().u8(kModeBase).bytes(psk_id_hash.expose()).bytes(info_hash.expose()).take();
  const SecretArray<32> secret = labeled_extract(suite_id, shared, "secret", {});
  HpkeKeys out;
  out.key = KB_TRY(labeled_expand(suite_id, secret.expose(), "key", context, key_size(aead)));
  out.base_nonce =
      KB_TRY(labeled_expand(suite_id, secret.expose(), "base_nonce", context, kNonceSize));
  return out;
}

Result<HpkeSealed> hpke_seal(HpkeAead aead,
                             const KemPublicKey& recipient,
                             const HpkeContext& context,
                             ByteView plaintext,
                             Rng& rng) {
  Encapsulated sent = KB_TRY(encapsulate(recipient, rng));
  const HpkeKeys keys =
      KB_TRY(hpke_key_schedule(recipient.kem(), aead, sent.shared.expose(), context.info));
  // The first message: its nonce is the base nonce (5.2).
  Bytes ciphertext =
      KB_TRY(aes_gcm_seal(keys.key.expose(), keys.base_nonce.expose(), context.aad, plaintext));
  return HpkeSealed{.enc = std::move(sent.enc), .ciphertext = std::move(ciphertext)};
}

Result<SecretBytes> hpke_open(HpkeAead aead,
                              const KemPrivateKey& own,
                              const HpkeContext& context,
                              const HpkeSealed& sealed) {
  auto opened = open(aead, own, context, sealed);
  if (!opened && opened.error().code != Errc::kCrypto &&
      opened.error().code != Errc::kNotSupported) {
    return fail(Errc::kAuthentication, "the message does not open under this key");
  }
  return opened;
}

}  // namespace kagibin::crypto
