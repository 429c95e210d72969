// SPDX-License-Identifier: Apache-2.0
// The raw limit: the same cryptographic operations straight on libcrypto's EVP interface, with
// everything fetched once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <openssl/evp.h>

namespace kagibin::bench {

class RawOpenssl {
 public:
  RawOpenssl();
  ~RawOpenssl();
  RawOpenssl(const RawOpenssl&) = delete;
  RawOpenssl& operator=(const RawOpenssl&) = delete;

  void generate();                 // a P-256 key pair
  void agree();                    // ECDH with a peer that was checked before
  void sign(std::size_t size);     // ECDSA with SHA-256
  void verify();                   // of what sign() made last
  void hash(std::size_t size);     // SHA-256
  void encrypt(std::size_t size);  // AES-128-CBC, key schedule included
  void mac(std::size_t size);      // AES-128-CMAC, key schedule included

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  Key own_;
  Key peer_;
  EVP_MD* sha256_;
  EVP_CIPHER* cbc_;
  EVP_MAC* cmac_;
  EVP_MD_CTX* digest_;
  EVP_CIPHER_CTX* cipher_;
  EVP_MAC_CTX* mac_;
  std::vector<std::uint8_t> data_ = std::vector<std::uint8_t>(8192, 0x5A);
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(8192);
  std::array<std::uint8_t, 80> signature_{};
  std::size_t signature_size_ = 0;
  std::size_t signed_size_ = 0;
};

}  // namespace kagibin::bench
