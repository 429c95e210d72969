// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_file/pem.h"

#include <climits>

#include <openssl/pem.h>

#include "kagibin/crypto/libcrypto_memory.h"

namespace kagibin::crypto {

BioPtr memory_reader(ByteView octets) {
  static_cast<void>(wipes_what_it_frees());  // so that it is linked
  if (octets.size() > INT_MAX) {
    return nullptr;
  }
  return BioPtr(BIO_new_mem_buf(octets.empty() ? "" : static_cast<const void*>(octets.data()),
                                static_cast<int>(octets.size())));
}

ByteView memory_content(BIO* bio) {
  char* data = nullptr;
  const long size =
      BIO_get_mem_data(bio, &data);  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast): its macro
  if (size <= 0) {
    return {};
  }
  return ascii({data, static_cast<std::size_t>(size)});
}

std::string memory_text(BIO* bio) {
  const ByteView octets = memory_content(bio);
  return {octets.begin(), octets.end()};
}

int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

Result<X509Ptr> read_certificate(std::string_view pem) {
  const ErrorScope errors;
  const BioPtr bio = memory_reader(ascii(pem));
  X509Ptr certificate(
      bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (certificate == nullptr) {
    return fail(Errc::kEncoding, "not an X.509 certificate in PEM");
  }
  return certificate;
}

Result<EcPublicKey> to_public_key(EVP_PKEY* pkey) {
  std::array<char, 32> group{};
  std::size_t group_size = 0;
  if (pkey == nullptr || EVP_PKEY_is_a(pkey, "EC") != 1 ||
      EVP_PKEY_get_group_name(pkey, group.data(), group.size(), &group_size) != 1 ||
      std::string_view(group.data(), group_size) != SN_X9_62_prime256v1) {
    return fail(Errc::kValue, "not a key on P-256");
  }
  unsigned char* encoded = nullptr;
  const std::size_t size = EVP_PKEY_get1_encoded_public_key(pkey, &encoded);
  const OpensslMemory owner(encoded);
  return EcPublicKey::from_point({encoded, size});
}

}  // namespace kagibin::crypto
