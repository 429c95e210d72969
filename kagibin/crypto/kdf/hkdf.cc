// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/kdf/hkdf.h"

#include <array>
#include <memory>
#include <string>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace kagibin::crypto {

namespace {

constexpr std::size_t kMaxBlocks = 255;

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
};
struct FreeContext {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM octets_parameter(const char* name, ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): OSSL_PARAM does not write through it
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(octets.data()),
                                           octets.size());
}

}  // namespace

Result<SecretBytes> hkdf_expand(HkdfHash hash,
                                ByteView pseudo_random_key,
                                ByteView info,
                                std::size_t size) {
  const std::size_t hash_size = hash == HkdfHash::kSha256 ? 32 : 48;
  if (pseudo_random_key.size() < hash_size || size == 0 || size > kMaxBlocks * hash_size) {
    return fail(Errc::kInvalidArgument, "HKDF takes a whole hash as key and gives 255 at most");
  }
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, FreeContext> context(EVP_KDF_CTX_new(kdf.get()));
  std::string digest = hash == HkdfHash::kSha256 ? "SHA256" : "SHA384";
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      octets_parameter(OSSL_KDF_PARAM_KEY, pseudo_random_key),
      octets_parameter(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  SecretBytes out(size);
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), out.expose_mutable().data(), size, parameters.data()) != 1) {
    return fail(Errc::kCrypto, "HKDF failed");
  }
  return out;
}

}  // namespace kagibin::crypto
