// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/ml_kem.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

namespace {

constexpr const char* kName = "ML-KEM-768";
// Parameters of OpenSSL 3.5, which the headers of 3.0 do not name.
constexpr const char* kSeedParameter = "seed";        // OSSL_PKEY_PARAM_ML_KEM_SEED
constexpr const char* kRandomnessParameter = "ikme";  // OSSL_KEM_PARAM_IKME

OSSL_PARAM octets_parameter(const char* name, ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): OSSL_PARAM does not write through it
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(octets.data()),
                                           octets.size());
}

bool fetches() {
  const ErrorScope errors;
  EVP_KEM* const kem = EVP_KEM_fetch(nullptr, kName, nullptr);
  EVP_KEM_free(kem);
  return kem != nullptr;
}

Result<void> check_there() {
  if (!has_ml_kem()) {
    return fail(Errc::kNotSupported,
                "ML-KEM-768 needs OpenSSL 3.5 or later: scripts/openssl35 builds one");
  }
  return {};
}

Result<void> check_size(ByteView octets, std::size_t size) {
  if (octets.size() != size) {
    return fail(Errc::kLength, "keys and ciphertexts of ML-KEM-768 have one length each");
  }
  return {};
}

// Null when libcrypto refuses.
PkeyPtr make_pkey(const char* parameter, ByteView octets, int selection) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kName, nullptr));
  std::array<OSSL_PARAM, 2> parameters = {octets_parameter(parameter, octets),
                                          OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, selection, parameters.data()) != 1) {
    return nullptr;
  }
  return PkeyPtr(made);
}

PkeyPtr pair_of(ByteView seed) { return make_pkey(kSeedParameter, seed, EVP_PKEY_KEYPAIR); }

PkeyPtr public_of(ByteView octets) {
  return make_pkey(OSSL_PKEY_PARAM_PUB_KEY, octets, EVP_PKEY_PUBLIC_KEY);
}

PkeyCtxPtr context_of(EVP_PKEY* key) {
  return PkeyCtxPtr(key == nullptr ? nullptr : EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
}

}  // namespace

bool has_ml_kem() {
  static const bool there = fetches();
  return there;
}

std::string library_version() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

Result<Bytes> ml_kem_public(ByteView seed) {
  KB_TRY(check_there());
  KB_TRY(check_size(seed, kMlKemSeedSize));
  const ErrorScope errors;
  const PkeyPtr pair = pair_of(seed);
  Bytes out(kMlKemPublicSize);
  std::size_t size = 0;
  if (pair == nullptr ||
      EVP_PKEY_get_octet_string_param(pair.get(), OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(),
                                      &size) != 1 ||
      size != out.size()) {
    return fail(Errc::kCrypto, "libcrypto did not make a key of ML-KEM-768");
  }
  return out;
}

Result<void> check_ml_kem_public(ByteView public_key) {
  KB_TRY(check_there());
  KB_TRY(check_size(public_key, kMlKemPublicSize));
  const ErrorScope errors;
  if (public_of(public_key) == nullptr) {
    return fail(Errc::kValue, "this is no encapsulation key of ML-KEM-768");
  }
  return {};
}

Result<MlKemEncapsulated> ml_kem_encapsulate(ByteView public_key, ByteView randomness) {
  KB_TRY(check_there());
  KB_TRY(check_size(public_key, kMlKemPublicSize));
  KB_TRY(check_size(randomness, kMlKemRandomnessSize));
  const ErrorScope errors;
  const PkeyPtr key = public_of(public_key);
  if (key == nullptr) {
    return fail(Errc::kValue, "this is no encapsulation key of ML-KEM-768");
  }
  const PkeyCtxPtr context = context_of(key.get());
  const std::array<OSSL_PARAM, 2> parameters = {octets_parameter(kRandomnessParameter, randomness),
                                                OSSL_PARAM_construct_end()};
  MlKemEncapsulated out{.ciphertext = Bytes(kMlKemCiphertextSize), .shared = {}};
  std::size_t ciphertext_size = out.ciphertext.size();
  std::size_t shared_size = out.shared.size();
  if (context == nullptr || EVP_PKEY_encapsulate_init(context.get(), parameters.data()) != 1 ||
      EVP_PKEY_encapsulate(context.get(), out.ciphertext.data(), &ciphertext_size,
                           out.shared.expose_mutable().data(), &shared_size) != 1 ||
      ciphertext_size != out.ciphertext.size() || shared_size != out.shared.size()) {
    return fail(Errc::kCrypto, "libcrypto did not encapsulate");
  }
  return out;
}

Result<SecretArray<32>> ml_kem_decapsulate(ByteView seed, ByteView ciphertext) {
  KB_TRY(check_there());
  KB_TRY(check_size(seed, kMlKemSeedSize));
  KB_TRY(check_size(ciphertext, kMlKemCiphertextSize));
  const ErrorScope errors;
  const PkeyPtr pair = pair_of(seed);
  const PkeyCtxPtr context = context_of(pair.get());
  SecretArray<32> out;
  std::size_t size = out.size();
  if (context == nullptr || EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1 ||
      EVP_PKEY_decapsulate(context.get(), out.expose_mutable().data(), &size, ciphertext.data(),
                           ciphertext.size()) != 1 ||
      size != out.size()) {
    return fail(Errc::kCrypto, "libcrypto did not decapsulate");
  }
  return out;
}

}  // namespace kagibin::crypto
