// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cipher/aes.h"

#include <algorithm>
#include <climits>

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kGcmNonceSize = 12;
constexpr std::size_t kGcmTagSize = 16;
constexpr std::size_t kLargestInput = INT_MAX - 64;  // EVP counts in int

// Fetched once for the process and never freed, by key length: an implicit fetch takes longer than
// a short message.
struct Ciphers {
  const EVP_CIPHER* aes128;
  const EVP_CIPHER* aes192;
  const EVP_CIPHER* aes256;

  const EVP_CIPHER* for_key(ByteView key) const {
    return key.size() == 16 ? aes128 : key.size() == 24 ? aes192 : aes256;
  }
};

const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  KB_CHECK(cipher != nullptr);
  return cipher;
}

const Ciphers& cbc() {
  static const Ciphers ciphers = {fetch("AES-128-CBC"), fetch("AES-192-CBC"), fetch("AES-256-CBC")};
  return ciphers;
}

const Ciphers& gcm() {
  static const Ciphers ciphers = {fetch("AES-128-GCM"), fetch("AES-192-GCM"), fetch("AES-256-GCM")};
  return ciphers;
}

Result<void> check_key(ByteView key) {
  if (!is_aes_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "an AES key has 16, 24 or 32 octets");
  }
  return {};
}

Result<void> check_input(std::size_t size) {
  if (size > kLargestInput) {
    return fail(Errc::kInvalidArgument, "AES takes less than 2 GiB at a time");
  }
  return {};
}

// A view's address, for parameters that may not be null.
const std::uint8_t* address(ByteView octets) {
  static constexpr std::uint8_t kNothing = 0;
  return octets.empty() ? &kNothing : octets.data();
}

// CBC over whole blocks from `in` to `out` in either direction.
Result<void> run_cbc(
    ByteView key, const AesBlock& iv, ByteView in, MutableByteView out, bool encrypt) {
  KB_TRY(check_key(key));
  KB_TRY(check_input(in.size()));
  if (in.size() % kAesBlockSize != 0) {
    return fail(Errc::kInvalidArgument, "CBC without padding takes whole blocks");
  }
  const ErrorScope errors;
  const CipherCtxPtr ctx(EVP_CIPHER_CTX_new());
  int count = 0;
  if (ctx == nullptr ||
      EVP_CipherInit_ex2(ctx.get(), cbc().for_key(key), key.data(), iv.data(), encrypt ? 1 : 0,
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(ctx.get(), 0) != 1 ||
      (!in.empty() && EVP_CipherUpdate(ctx.get(), out.data(), &count, in.data(),
                                       static_cast<int>(in.size())) != 1) ||
      static_cast<std::size_t>(count) != in.size()) {
    return fail(Errc::kCrypto, "libcrypto did not run AES-CBC");
  }
  return {};
}

// Doubling in GF(2^128) (SP 800-38B, 6.1), without a branch on the secret.
AesBlock doubled(const AesBlock& in) {
  AesBlock out{};
  unsigned carry = 0;
  for (std::size_t i = in.size(); i-- > 0;) {
    const unsigned shifted = (unsigned{in[i]} << 1U) | carry;
    out[i] = static_cast<std::uint8_t>(shifted & 0xFFU);
    carry = shifted >> 8U;
  }
  out[15] = static_cast<std::uint8_t>(out[15] ^ (0x87U & (0U - carry)));
  return out;
}

// The state of one CMAC: a CBC chain over all blocks but the last, which waits in `last`.
class Cmac {
 public:
  Cmac() = default;
  Cmac(const Cmac&) = delete;
  Cmac& operator=(const Cmac&) = delete;
  ~Cmac() {
    wipe(zero_);
    wipe(last_);
  }

  bool start(ByteView key) {
    // One block under a zero IV is the block cipher, and gives the value that the subkeys double.
    return ctx_ != nullptr &&
           EVP_CipherInit_ex2(ctx_.get(), cbc().for_key(key), key.data(), kNoIv.data(), 1,
                              nullptr) == 1 &&
           EVP_CIPHER_CTX_set_padding(ctx_.get(), 0) == 1 && encrypt(kNoIv, zero_) &&
           EVP_CipherInit_ex2(ctx_.get(), nullptr, nullptr, kNoIv.data(), 1, nullptr) == 1;
  }

  bool update(ByteView piece) {
    while (!piece.empty()) {
      if (length_ == last_.size()) {  // more follows, so it was not the last block
        if (!encrypt(last_, last_)) {
          return false;
        }
        length_ = 0;
      }
      const std::size_t count = std::min(piece.size(), last_.size() - length_);
      std::ranges::copy(piece.first(count), &last_[length_]);
      length_ += count;
      piece = piece.subspan(count);
    }
    return true;
  }

  bool finish(AesBlock& out) {
    AesBlock subkey = doubled(zero_);
    if (length_ < last_.size()) {
      subkey = doubled(subkey);
      last_[length_] = 0x80;
      std::fill(&last_[length_] + 1, last_.end(), std::uint8_t{0});
    }
    for (std::size_t i = 0; i < last_.size(); ++i) {
      last_[i] ^= subkey[i];
    }
    wipe(subkey);
    return encrypt(last_, out);
  }

 private:
  static constexpr AesBlock kNoIv{};

  bool encrypt(const AesBlock& in, AesBlock& out) {
    int count = 0;
    return EVP_CipherUpdate(ctx_.get(), out.data(), &count, in.data(), kAesBlockSize) == 1 &&
           count == int{kAesBlockSize};
  }

  CipherCtxPtr ctx_{EVP_CIPHER_CTX_new()};
  AesBlock zero_{};
  AesBlock last_{};
  std::size_t length_ = 0;
};

Result<void> check_gcm(ByteView key, ByteView nonce, ByteView aad, std::size_t size) {
  KB_TRY(check_key(key));
  KB_TRY(check_input(aad.size()));
  KB_TRY(check_input(size));
  if (nonce.size() != kGcmNonceSize) {
    return fail(Errc::kInvalidArgument, "the nonce of AES-GCM has 12 octets");
  }
  return {};
}

// Key, nonce and additional data of a GCM operation; null when libcrypto fails.
CipherCtxPtr start_gcm(ByteView key, ByteView nonce, ByteView aad, bool encrypt) {
  CipherCtxPtr ctx(EVP_CIPHER_CTX_new());
  int count = 0;
  if (ctx == nullptr ||
      EVP_CipherInit_ex2(ctx.get(), gcm().for_key(key), key.data(), nonce.data(), encrypt ? 1 : 0,
                         nullptr) != 1 ||
      (!aad.empty() && EVP_CipherUpdate(ctx.get(), nullptr, &count, aad.data(),
                                        static_cast<int>(aad.size())) != 1)) {
    return nullptr;
  }
  return ctx;
}

}  // namespace

Result<AesBlock> aes_encrypt_block(ByteView key, const AesBlock& block) {
  AesBlock out{};
  KB_TRY(run_cbc(key, AesBlock{}, block, out, true));
  return out;
}

Result<Bytes> aes_cbc_encrypt(ByteView key, const AesBlock& iv, ByteView data) {
  Bytes out(data.size());
  KB_TRY(run_cbc(key, iv, data, out, true));
  return out;
}

Result<SecretBytes> aes_cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data) {
  SecretBytes out(data.size());
  KB_TRY(run_cbc(key, iv, data, out.expose_mutable(), false));
  return out;
}

Result<AesBlock> aes_cmac(ByteView key, std::initializer_list<ByteView> pieces) {
  KB_TRY(check_key(key));
  const ErrorScope errors;
  Cmac cmac;
  bool good = cmac.start(key);
  for (const ByteView piece : pieces) {
    good = good && cmac.update(piece);
  }
  Result<AesBlock> out{AesBlock{}};  // in its last place: for a KDF it is key material
  if (!good || !cmac.finish(*out)) {
    return fail(Errc::kCrypto, "libcrypto did not run AES-CMAC");
  }
  return out;
}

Result<std::array<std::uint8_t, 3>> aes_kcv(ByteView key) {
  AesBlock ones{};
  ones.fill(0x01);
  const AesBlock block = KB_TRY(aes_encrypt_block(key, ones));
  return std::array<std::uint8_t, 3>{block[0], block[1], block[2]};
}

Result<Bytes> aes_gcm_seal(ByteView key, ByteView nonce, ByteView aad, ByteView plaintext) {
  KB_TRY(check_gcm(key, nonce, aad, plaintext.size()));
  const ErrorScope errors;
  Bytes out(plaintext.size() + kGcmTagSize);
  const CipherCtxPtr ctx = start_gcm(key, nonce, aad, true);
  int count = 0;
  int rest = 0;
  if (ctx == nullptr ||
      EVP_CipherUpdate(ctx.get(), out.data(), &count, address(plaintext),
                       static_cast<int>(plaintext.size())) != 1 ||
      EVP_CipherFinal_ex(ctx.get(), &out[plaintext.size()], &rest) != 1 ||
      static_cast<std::size_t>(count) != plaintext.size() || rest != 0 ||
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, &out[plaintext.size()]) !=
          1) {
    return fail(Errc::kCrypto, "libcrypto did not run AES-GCM");
  }
  return out;
}

Result<SecretBytes> aes_gcm_open(ByteView key, ByteView nonce, ByteView aad, ByteView sealed) {
  KB_TRY(check_gcm(key, nonce, aad, sealed.size()));
  if (sealed.size() < kGcmTagSize) {
    return fail(Errc::kAuthentication, "the octets do not open");
  }
  const ErrorScope errors;
  const ByteView ciphertext = sealed.first(sealed.size() - kGcmTagSize);
  Bytes tag(sealed.end() - kGcmTagSize, sealed.end());
  SecretBytes out(ciphertext.size());
  AesBlock spare{};  // for libcrypto, which wants an address where nothing will be written
  std::uint8_t* const to = out.empty() ? spare.data() : out.expose_mutable().data();
  const CipherCtxPtr ctx = start_gcm(key, nonce, aad, false);
  int count = 0;
  if (ctx == nullptr ||
      EVP_CipherUpdate(ctx.get(), to, &count, address(ciphertext),
                       static_cast<int>(ciphertext.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagSize, tag.data()) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not run AES-GCM");
  }
  if (EVP_CipherFinal_ex(ctx.get(), spare.data(), &count) != 1) {
    return fail(Errc::kAuthentication, "the octets do not open");
  }
  return out;
}

}  // namespace kagibin::crypto
