// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/hybrid_kem.h"

#include <string_view>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/crypto/hpke/x25519.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

namespace {

// Strings of 32 octets that a scalar of P-256 is chosen from.
constexpr std::size_t kScalarTries = 4;
constexpr std::size_t kScalarSize = 32;

bool is_on_p256(HpkeKem kem) { return kem == HpkeKem::kMlKem768P256; }

std::string_view label_of(HpkeKem kem) { return is_on_p256(kem) ? "MLKEM768-P256" : "\\.//^\\"; }

std::size_t group_seed_size(HpkeKem kem) {
  return is_on_p256(kem) ? kScalarTries * kScalarSize : kX25519Size;
}

std::size_t group_public_size(HpkeKem kem) { return is_on_p256(kem) ? kEcPointSize : kX25519Size; }

// A hash of the SHA-3 family; SHAKE gives as many octets as `out` has.
Result<void> sha3(const char* name, std::initializer_list<ByteView> pieces, MutableByteView out) {
  const ErrorScope errors;
  EVP_MD* const md = EVP_MD_fetch(nullptr, name, nullptr);
  const MdCtxPtr context(EVP_MD_CTX_new());
  bool done =
      md != nullptr && context != nullptr && EVP_DigestInit_ex(context.get(), md, nullptr) == 1;
  for (const ByteView piece : pieces) {
    done = done && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
  }
  if (done && (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0) {
    done = EVP_DigestFinalXOF(context.get(), out.data(), out.size()) == 1;
  } else {
    done = done && EVP_MD_get_size(md) == static_cast<int>(out.size()) &&
           EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1;
  }
  EVP_MD_free(md);
  if (!done) {
    return fail(Errc::kCrypto, "libcrypto did not hash");
  }
  return {};
}

// The group's half of a key or of an encapsulation: scalar and public value.
struct GroupPair {
  SecretArray<kScalarSize> scalar;
  Bytes public_value;
};

Result<GroupPair> group_pair(HpkeKem kem, ByteView seed) {
  GroupPair out;
  if (!is_on_p256(kem)) {
    out.scalar = *SecretArray<kScalarSize>::copy_of(seed);
    const X25519Public value = KB_TRY(x25519_public(seed));
    out.public_value.assign(value.begin(), value.end());
    return out;
  }
  for (std::size_t i = 0; i < kScalarTries; ++i) {
    const auto key = EcPrivateKey::from_scalar(seed.subspan(i * kScalarSize, kScalarSize));
    if (key) {
      const EcPoint point = key->public_key().point();
      out.scalar = key->scalar();
      out.public_value.assign(point.begin(), point.end());
      return out;
    }
  }
  return fail(Errc::kCrypto, "none of the strings drawn is a scalar");  // one in 2^128
}

Result<SecretArray<32>> group_agree(HpkeKem kem, ByteView scalar, ByteView peer) {
  if (!is_on_p256(kem)) {
    return x25519(scalar, peer);
  }
  const EcPublicKey point = KB_TRY(EcPublicKey::from_point(peer));
  const EcPrivateKey own = KB_TRY(EcPrivateKey::from_scalar(scalar));
  return ecdh(own, point);
}

struct Halves {
  SecretBytes expanded;
  ByteView ml_kem() const { return expanded.expose().first(kMlKemSeedSize); }
  ByteView group() const { return expanded.expose().subspan(kMlKemSeedSize); }
};

Result<Halves> expand(HpkeKem kem, ByteView seed) {
  Halves out{.expanded = SecretBytes(kMlKemSeedSize + group_seed_size(kem))};
  KB_TRY(sha3("SHAKE256", {seed}, out.expanded.expose_mutable()));
  return out;
}

struct Secrets {
  ByteView ml_kem;
  ByteView group;
};

Result<SecretArray<32>> combine(HpkeKem kem,
                                const Secrets& secrets,
                                ByteView ephemeral,
                                ByteView recipient) {
  SecretArray<32> out;
  KB_TRY(sha3("SHA3-256",
              {secrets.ml_kem, secrets.group, ephemeral, recipient, ascii(label_of(kem))},
              out.expose_mutable()));
  return out;
}

}  // namespace

Result<Bytes> hybrid_public(HpkeKem kem, ByteView seed) {
  const Halves halves = KB_TRY(expand(kem, seed));
  Bytes out = KB_TRY(ml_kem_public(halves.ml_kem()));
  const GroupPair group = KB_TRY(group_pair(kem, halves.group()));
  append(out, group.public_value);
  return out;
}

Result<void> check_hybrid_public(HpkeKem kem, ByteView public_key) {
  if (public_key.size() != kMlKemPublicSize + group_public_size(kem)) {
    return fail(Errc::kLength, "a public key has the length of its KEM");
  }
  KB_TRY(check_ml_kem_public(public_key.first(kMlKemPublicSize)));
  if (is_on_p256(kem)) {
    KB_TRY(EcPublicKey::from_point(public_key.subspan(kMlKemPublicSize)));
  }
  return {};
}

Result<Encapsulated> hybrid_encapsulate(HpkeKem kem, ByteView public_key, Rng& rng) {
  const ByteView group_public = public_key.subspan(kMlKemPublicSize);
  const SecretBytes random =
      KB_TRY(random_secret(rng, kMlKemRandomnessSize + group_seed_size(kem)));
  MlKemEncapsulated sent = KB_TRY(ml_kem_encapsulate(public_key.first(kMlKemPublicSize),
                                                     random.expose().first(kMlKemRandomnessSize)));
  const GroupPair ephemeral =
      KB_TRY(group_pair(kem, random.expose().subspan(kMlKemRandomnessSize)));
  const SecretArray<32> dh = KB_TRY(group_agree(kem, ephemeral.scalar.expose(), group_public));
  Encapsulated out{
      .enc = std::move(sent.ciphertext),
      .shared = KB_TRY(combine(kem, {.ml_kem = sent.shared.expose(), .group = dh.expose()},
                               ephemeral.public_value, group_public))};
  append(out.enc, ephemeral.public_value);
  return out;
}

Result<SecretArray<32>> hybrid_decapsulate(HpkeKem kem, ByteView seed, ByteView enc) {
  if (enc.size() != kMlKemCiphertextSize + group_public_size(kem)) {
    return fail(Errc::kLength, "an encapsulation has the length of its KEM");
  }
  const ByteView ephemeral = enc.subspan(kMlKemCiphertextSize);
  const Halves halves = KB_TRY(expand(kem, seed));
  const SecretArray<32> shared =
      KB_TRY(ml_kem_decapsulate(halves.ml_kem(), enc.first(kMlKemCiphertextSize)));
  const GroupPair own = KB_TRY(group_pair(kem, halves.group()));
  const SecretArray<32> dh = KB_TRY(group_agree(kem, own.scalar.expose(), ephemeral));
  return combine(kem, {.ml_kem = shared.expose(), .group = dh.expose()}, ephemeral,
                 own.public_value);
}

}  // namespace kagibin::crypto
