// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/kem.h"

#include <array>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/hpke/hybrid_kem.h"
#include "kagibin/crypto/hpke/labeled_hkdf.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/crypto/hpke/x25519.h"

namespace kagibin::crypto {

namespace {

constexpr std::size_t kPrivateSize = 32;
constexpr std::size_t kSharedSize = 32;

struct KemSizes {
  HpkeKem kem;
  std::size_t public_key;
  std::size_t encapsulation;
};
constexpr std::array kKems = {
    KemSizes{HpkeKem::kP256, kEcPointSize, kEcPointSize},
    KemSizes{HpkeKem::kX25519, kX25519Size, kX25519Size},
    KemSizes{HpkeKem::kMlKem768P256, kMlKemPublicSize + kEcPointSize,
             kMlKemCiphertextSize + kEcPointSize},
    KemSizes{HpkeKem::kMlKem768X25519, kMlKemPublicSize + kX25519Size,
             kMlKemCiphertextSize + kX25519Size},
};

const KemSizes& sizes_of(HpkeKem kem) {
  for (const KemSizes& known : kKems) {
    if (known.kem == kem) {
      return known;
    }
  }
  KB_CHECK(false);
  return kKems.front();
}

bool is_hybrid(HpkeKem kem) {
  return kem == HpkeKem::kMlKem768P256 || kem == HpkeKem::kMlKem768X25519;
}

// ExtractAndExpand of RFC 9180, 4.1.
Result<SecretArray<kSharedSize>> extract_and_expand(HpkeKem kem,
                                                    ByteView dh,
                                                    ByteView enc,
                                                    ByteView recipient) {
  const Bytes suite_id = ByteWriter().bytes(ascii("KEM")).u16(std::to_underlying(kem)).take();
  const SecretArray<32> prk = labeled_extract(suite_id, {}, "eae_prk", dh);
  Bytes context(enc.begin(), enc.end());
  append(context, recipient);
  const SecretBytes shared =
      KB_TRY(labeled_expand(suite_id, prk.expose(), "shared_secret", context, kSharedSize));
  return *SecretArray<kSharedSize>::copy_of(shared.expose());
}

Result<SecretArray<32>> agree(const KemPrivateKey& own, const KemPublicKey& peer) {
  if (own.kem() == HpkeKem::kX25519) {
    return x25519(own.expose(), peer.octets());
  }
  const EcPrivateKey scalar = KB_TRY(own.on_p256());
  const EcPublicKey point = KB_TRY(peer.on_p256());
  return ecdh(scalar, point);
}

}  // namespace

Result<HpkeKem> hpke_kem(std::uint16_t number) {
  for (const KemSizes& known : kKems) {
    if (std::to_underlying(known.kem) == number) {
      if (is_hybrid(known.kem) && !has_ml_kem()) {
        return fail(Errc::kNotSupported,
                    "ML-KEM-768 needs OpenSSL 3.5 or later: scripts/openssl35 builds one");
      }
      return known.kem;
    }
  }
  return fail(Errc::kNotSupported, "there is no such KEM here");
}

std::size_t public_key_size(HpkeKem kem) { return sizes_of(kem).public_key; }
std::size_t encapsulation_size(HpkeKem kem) { return sizes_of(kem).encapsulation; }

Result<KemPublicKey> KemPublicKey::from(HpkeKem kem, ByteView octets) {
  KB_TRY(hpke_kem(std::to_underlying(kem)));
  if (octets.size() != public_key_size(kem)) {
    return fail(Errc::kLength, "a public key has the length of its KEM");
  }
  if (kem == HpkeKem::kP256) {
    return KemPublicKey(KB_TRY(EcPublicKey::from_point(octets)));
  }
  if (is_hybrid(kem)) {
    KB_TRY(check_hybrid_public(kem, octets));
  }
  return KemPublicKey(kem, Bytes(octets.begin(), octets.end()));
}

Result<EcPublicKey> KemPublicKey::on_p256() const {
  if (kem_ != HpkeKem::kP256) {
    return fail(Errc::kInvalidArgument, "this key is none of P-256");
  }
  return EcPublicKey::from_point(octets_);
}

Result<KemPrivateKey> KemPrivateKey::generate(HpkeKem kem, Rng& rng) {
  KB_TRY(hpke_kem(std::to_underlying(kem)));
  if (kem == HpkeKem::kP256) {
    return of(KB_TRY(EcPrivateKey::generate(rng)));
  }
  SecretArray<kPrivateSize> octets;
  KB_TRY(rng.fill(octets.expose_mutable()));
  return from(kem, octets.expose());
}

Result<KemPrivateKey> KemPrivateKey::from(HpkeKem kem, ByteView octets) {
  KB_TRY(hpke_kem(std::to_underlying(kem)));
  auto own = SecretArray<kPrivateSize>::copy_of(octets);
  if (!own) {
    return fail(Errc::kLength, "a private key of HPKE has 32 octets");
  }
  switch (kem) {
    case HpkeKem::kP256:
      KB_TRY(EcPrivateKey::from_scalar(octets));
      return KemPrivateKey(kem, std::move(*own), std::nullopt);
    case HpkeKem::kX25519: {
      const X25519Public value = KB_TRY(x25519_public(octets));
      return KemPrivateKey(kem, std::move(*own),
                           KemPublicKey(kem, Bytes(value.begin(), value.end())));
    }
    default:
      return KemPrivateKey(kem, std::move(*own),
                           KemPublicKey(kem, KB_TRY(hybrid_public(kem, octets))));
  }
}

KemPrivateKey KemPrivateKey::of(const EcPrivateKey& key) {
  return {HpkeKem::kP256, key.scalar(), KemPublicKey(key.public_key())};
}

KemPublicKey KemPrivateKey::public_key() const {
  if (public_key_) {
    return *public_key_;
  }
  const auto key = on_p256();
  KB_CHECK(key.has_value());
  return key->public_key();
}

Result<EcPrivateKey> KemPrivateKey::on_p256() const {
  if (kem_ != HpkeKem::kP256) {
    return fail(Errc::kInvalidArgument, "this key is none of P-256");
  }
  if (!public_key_) {
    return EcPrivateKey::from_scalar(octets_.expose());
  }
  const EcPublicKey point = KB_TRY(public_key_->on_p256());
  return EcPrivateKey::from_pair(octets_.expose(), point);
}

Result<Encapsulated> encapsulate(const KemPublicKey& recipient, Rng& rng) {
  if (is_hybrid(recipient.kem())) {
    return hybrid_encapsulate(recipient.kem(), recipient.octets(), rng);
  }
  const KemPrivateKey ephemeral = KB_TRY(KemPrivateKey::generate(recipient.kem(), rng));
  const SecretArray<32> dh = KB_TRY(agree(ephemeral, recipient));
  const Bytes enc = ephemeral.public_key().octets();
  return Encapsulated{
      .enc = enc,
      .shared = KB_TRY(extract_and_expand(recipient.kem(), dh.expose(), enc, recipient.octets()))};
}

Result<SecretArray<32>> decapsulate(const KemPrivateKey& own, ByteView enc) {
  if (is_hybrid(own.kem())) {
    return hybrid_decapsulate(own.kem(), own.expose(), enc);
  }
  const KemPublicKey ephemeral = KB_TRY(KemPublicKey::from(own.kem(), enc));
  const SecretArray<32> dh = KB_TRY(agree(own, ephemeral));
  return extract_and_expand(own.kem(), dh.expose(), enc, own.public_key().octets());
}

}  // namespace kagibin::crypto
