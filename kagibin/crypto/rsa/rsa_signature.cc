// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/rsa/rsa_signature.h"

#include <algorithm>
#include <array>

#include <openssl/rsa.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/hash.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

constexpr std::uint8_t kTrailer = 0xBC;
constexpr std::size_t kMinPadding = 8;

// DigestInfo before the digest (RFC 8017, 9.2, note 1).
constexpr std::array<std::uint8_t, 15> kSha1Info = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E,
                                                    0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14};
constexpr std::array<std::uint8_t, 19> kSha256Info = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60,
                                                      0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                      0x01, 0x05, 0x00, 0x04, 0x20};

HashAlgorithm hash_of(RsaScheme scheme) {
  switch (scheme) {
    case RsaScheme::kPkcs1Sha1:
      return HashAlgorithm::kSha1;
    case RsaScheme::kPssSha512:
      return HashAlgorithm::kSha512;
    default:
      return HashAlgorithm::kSha256;
  }
}

// Fetched once for the process and never freed, as in sha256.cc.
const EVP_MD* evp_digest(RsaScheme scheme) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (scheme) {
    case RsaScheme::kPkcs1Sha1:
      return sha1;
    case RsaScheme::kPssSha512:
      return sha512;
    default:
      return sha256;
  }
}

bool is_pss(RsaScheme scheme) {
  return scheme == RsaScheme::kPssSha256 || scheme == RsaScheme::kPssSha512;
}

// EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
Result<Bytes> pad_pkcs1(RsaScheme scheme, ByteView hash, std::size_t size) {
  const ByteView info =
      scheme == RsaScheme::kPkcs1Sha1 ? ByteView(kSha1Info) : ByteView(kSha256Info);
  const std::size_t tail = 1 + info.size() + hash.size();
  if (size < 2 + kMinPadding + tail) {
    return fail(Errc::kInvalidArgument, "the RSA key is too short for this hash");
  }
  ByteWriter out;
  out.u8(0x00).u8(0x01).bytes(Bytes(size - 2 - tail, 0xFF)).u8(0x00).bytes(info).bytes(hash);
  return out.take();
}

// MGF1 (RFC 8017, B.2.1) added into `mask_into`.
void add_mask(HashAlgorithm algorithm, ByteView seed, MutableByteView mask_into) {
  std::uint32_t counter = 0;
  for (std::size_t at = 0; at < mask_into.size(); at += digest_size(algorithm)) {
    const Bytes block = digest(algorithm, {seed, ByteWriter().u32(counter++).view()});
    const std::size_t size = std::min(block.size(), mask_into.size() - at);
    for (std::size_t i = 0; i < size; ++i) {
      mask_into[at + i] ^= block[i];
    }
  }
}

// EMSA-PSS (RFC 8017, 9.1.1) for a modulus that fills its octets: one bit less than they have.
Result<Bytes> pad_pss(HashAlgorithm algorithm, ByteView hash, ByteView salt, std::size_t size) {
  const std::size_t data_size = size - hash.size() - 1;
  if (size < 2 * hash.size() + 2) {
    return fail(Errc::kInvalidArgument, "the RSA key is too short for this hash");
  }
  const Bytes h = digest(algorithm, {Bytes(8, 0x00), hash, salt});
  Bytes out(data_size - salt.size() - 1, 0x00);
  out.push_back(0x01);
  append(out, salt);
  add_mask(algorithm, h, out);
  out.front() &= 0x7FU;
  append(out, h);
  out.push_back(kTrailer);
  return out;
}

Result<Bytes> padded(RsaScheme scheme, ByteView hash, std::size_t size, Rng& rng) {
  if (!is_pss(scheme)) {
    return pad_pkcs1(scheme, hash, size);
  }
  Bytes salt(hash.size());
  KB_TRY(rng.fill(salt));
  return pad_pss(hash_of(scheme), hash, salt, size);
}

}  // namespace

Result<Bytes> rsa_sign(const RsaPrivateKey& key,
                       RsaScheme scheme,
                       std::initializer_list<ByteView> message,
                       Rng& rng) {
  const Bytes hash = digest(hash_of(scheme), message);
  return key.apply(KB_TRY(padded(scheme, hash, key.size(), rng)));
}

bool rsa_verify(const RsaPublicKey& key,
                RsaScheme scheme,
                std::initializer_list<ByteView> message,
                ByteView signature) {
  if (signature.size() != key.size()) {
    return false;
  }
  const ErrorScope errors;
  const EVP_MD* md = evp_digest(scheme);
  const Bytes hash = digest(hash_of(scheme), message);
  const PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.handle(), nullptr));
  bool ready = ctx != nullptr && EVP_PKEY_verify_init(ctx.get()) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(
                   ctx.get(), is_pss(scheme) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(ctx.get(), md) == 1;
  if (is_pss(scheme)) {
    ready = ready && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx.get(), md) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx.get(), static_cast<int>(hash.size())) == 1;
  }
  return ready && EVP_PKEY_verify(ctx.get(), signature.data(), signature.size(), hash.data(),
                                  hash.size()) == 1;
}

}  // namespace kagibin::crypto
