// SPDX-License-Identifier: Apache-2.0
#include "bench/raw_openssl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

#include "kagibin/base/result.h"

namespace kagibin::bench {

RawOpenssl::RawOpenssl()
    : own_(EVP_EC_gen("P-256"), EVP_PKEY_free),
      peer_(EVP_EC_gen("P-256"), EVP_PKEY_free),
      sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      cbc_(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr)),
      cmac_(EVP_MAC_fetch(nullptr, "CMAC", nullptr)),
      digest_(EVP_MD_CTX_new()),
      cipher_(EVP_CIPHER_CTX_new()),
      mac_(EVP_MAC_CTX_new(cmac_)) {}

RawOpenssl::~RawOpenssl() {
  EVP_MAC_CTX_free(mac_);
  EVP_CIPHER_CTX_free(cipher_);
  EVP_MD_CTX_free(digest_);
  EVP_MAC_free(cmac_);
  EVP_CIPHER_free(cbc_);
  EVP_MD_free(sha256_);
}

void RawOpenssl::generate() {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  KB_CHECK(key != nullptr);
}

void RawOpenssl::agree() {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(nullptr, own_.get(), nullptr);
  std::size_t size = 32;
  KB_CHECK(EVP_PKEY_derive_init(context) == 1 &&
           EVP_PKEY_derive_set_peer_ex(context, peer_.get(), 0) == 1 &&
           EVP_PKEY_derive(context, out_.data(), &size) == 1);
  EVP_PKEY_CTX_free(context);
}

void RawOpenssl::sign(std::size_t size) {
  signature_size_ = signature_.size();
  signed_size_ = size;
  EVP_MD_CTX_reset(digest_);
  KB_CHECK(EVP_DigestSignInit_ex(digest_, nullptr, "SHA256", nullptr, nullptr, own_.get(),
                                 nullptr) == 1 &&
           EVP_DigestSign(digest_, signature_.data(), &signature_size_, data_.data(), size) == 1);
}

void RawOpenssl::verify() {
  EVP_MD_CTX_reset(digest_);
  KB_CHECK(EVP_DigestVerifyInit_ex(digest_, nullptr, "SHA256", nullptr, nullptr, own_.get(),
                                   nullptr) == 1 &&
           EVP_DigestVerify(digest_, signature_.data(), signature_size_, data_.data(),
                            signed_size_) == 1);
}

void RawOpenssl::hash(std::size_t size) {
  unsigned int length = 0;
  KB_CHECK(EVP_Digest(data_.data(), size, out_.data(), &length, sha256_, nullptr) == 1);
}

void RawOpenssl::encrypt(std::size_t size) {
  int length = 0;
  KB_CHECK(EVP_EncryptInit_ex2(cipher_, cbc_, data_.data(), data_.data(), nullptr) == 1 &&
           EVP_CIPHER_CTX_set_padding(cipher_, 0) == 1 &&
           EVP_EncryptUpdate(cipher_, out_.data(), &length, data_.data(), static_cast<int>(size)) ==
               1);
}

void RawOpenssl::mac(std::size_t size) {
  char name[] = "AES-128-CBC";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
                                   OSSL_PARAM_construct_end()};
  std::size_t length = 0;
  KB_CHECK(EVP_MAC_init(mac_, data_.data(), 16, parameters) == 1 &&
           EVP_MAC_update(mac_, data_.data(), size) == 1 &&
           EVP_MAC_final(mac_, out_.data(), &length, out_.size()) == 1);
}

}  // namespace kagibin::bench
