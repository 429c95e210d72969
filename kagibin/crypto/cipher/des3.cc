// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cipher/des3.h"

#include <algorithm>
#include <climits>

#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kLargestInput = INT_MAX - 64;  // EVP counts in int
constexpr std::size_t kTwoKeys = 16;
constexpr DesBlock kNoIv{};

// Fetched once for the process and never freed. The default provider has DES as EDE with three keys
// alone; two keys and single DES are made of them.
const EVP_CIPHER* fetched(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  KB_CHECK(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* cbc() {
  static const EVP_CIPHER* const cipher = fetched("DES-EDE3-CBC");
  return cipher;
}

const EVP_CIPHER* ecb() {
  static const EVP_CIPHER* const cipher = fetched("DES-EDE3-ECB");
  return cipher;
}

// K1 K2 K3 of a key of 8, 16 or 24 octets.
SecretArray<24> three_keys(ByteView key) {
  SecretArray<24> out;
  for (std::size_t i = 0; i < 24; ++i) {
    out.expose_mutable()[i] = key[i % (key.size() == 24 ? 24 : key.size())];
  }
  return out;
}

Result<void> run(const EVP_CIPHER* cipher,
                 ByteView key,
                 const DesBlock& iv,
                 ByteView in,
                 MutableByteView out,
                 bool encrypt) {
  if (in.size() > kLargestInput || in.size() % kDesBlockSize != 0) {
    return fail(Errc::kInvalidArgument, "DES without padding takes whole blocks, less than 2 GiB");
  }
  const SecretArray<24> keys = three_keys(key);
  const ErrorScope errors;
  const CipherCtxPtr ctx(EVP_CIPHER_CTX_new());
  int count = 0;
  if (ctx == nullptr ||
      EVP_CipherInit_ex2(ctx.get(), cipher, keys.expose().data(), iv.data(), encrypt ? 1 : 0,
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(ctx.get(), 0) != 1 ||
      (!in.empty() && EVP_CipherUpdate(ctx.get(), out.data(), &count, in.data(),
                                       static_cast<int>(in.size())) != 1) ||
      static_cast<std::size_t>(count) != in.size()) {
    return fail(Errc::kCrypto, "libcrypto did not run triple DES");
  }
  return {};
}

Result<void> check_key(ByteView key) {
  if (!is_des3_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "a triple DES key has 16 or 24 octets");
  }
  return {};
}

Result<Bytes> encrypt(const EVP_CIPHER* cipher, ByteView key, const DesBlock& iv, ByteView data) {
  KB_TRY(check_key(key));
  Bytes out(data.size());
  KB_TRY(run(cipher, key, iv, data, out, true));
  return out;
}

Result<SecretBytes> decrypt(const EVP_CIPHER* cipher,
                            ByteView key,
                            const DesBlock& iv,
                            ByteView data) {
  KB_TRY(check_key(key));
  SecretBytes out(data.size());
  KB_TRY(run(cipher, key, iv, data, out.expose_mutable(), false));
  return out;
}

SecretBytes joined(std::initializer_list<ByteView> pieces) {
  std::size_t size = 0;
  for (const ByteView piece : pieces) {
    size += piece.size();
  }
  SecretBytes out(size);
  auto at = out.expose_mutable().begin();
  for (const ByteView piece : pieces) {
    at = std::ranges::copy(piece, at).out;
  }
  return pad80(out.expose(), kDesBlockSize);
}

// The last block of a CBC chain over whole blocks; `icv` when there is none.
Result<DesBlock> chain(ByteView key, const DesBlock& icv, ByteView data) {
  DesBlock out = icv;
  if (!data.empty()) {
    SecretBytes blocks(data.size());
    KB_TRY(run(cbc(), key, icv, data, blocks.expose_mutable(), true));
    std::ranges::copy(blocks.expose().last(kDesBlockSize), out.begin());
  }
  return out;
}

}  // namespace

Result<Bytes> des3_ecb_encrypt(ByteView key, ByteView data) {
  return encrypt(ecb(), key, kNoIv, data);
}

Result<SecretBytes> des3_ecb_decrypt(ByteView key, ByteView data) {
  return decrypt(ecb(), key, kNoIv, data);
}

Result<Bytes> des3_cbc_encrypt(ByteView key, const DesBlock& iv, ByteView data) {
  return encrypt(cbc(), key, iv, data);
}

Result<SecretBytes> des3_cbc_decrypt(ByteView key, const DesBlock& iv, ByteView data) {
  return decrypt(cbc(), key, iv, data);
}

Result<DesBlock> des_encrypt_block(ByteView key, const DesBlock& block) {
  if (key.size() != kDesBlockSize) {
    return fail(Errc::kInvalidArgument, "a single DES key has 8 octets");
  }
  DesBlock out{};
  KB_TRY(run(ecb(), key, kNoIv, block, out, true));
  return out;
}

Result<DesBlock> des3_mac(ByteView key,
                          const DesBlock& icv,
                          std::initializer_list<ByteView> pieces) {
  KB_TRY(check_key(key));
  return chain(key, icv, joined(pieces).expose());
}

Result<DesBlock> retail_mac(ByteView key,
                            const DesBlock& icv,
                            std::initializer_list<ByteView> pieces) {
  if (key.size() != kTwoKeys) {
    return fail(Errc::kInvalidArgument, "the key of a retail MAC has 16 octets");
  }
  const SecretBytes padded = joined(pieces);
  const std::size_t before_last = padded.size() - kDesBlockSize;
  const DesBlock chained =
      KB_TRY(chain(key.first(kDesBlockSize), icv, padded.expose().first(before_last)));
  return chain(key, chained, padded.expose().last(kDesBlockSize));
}

Result<std::array<std::uint8_t, 3>> des3_kcv(ByteView key) {
  const Bytes block = KB_TRY(des3_ecb_encrypt(key, DesBlock{}));
  return std::array<std::uint8_t, 3>{block[0], block[1], block[2]};
}

}  // namespace kagibin::crypto
