// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/envelope_keys.h"

#include <algorithm>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/kdf/kdf.h"

namespace kagibin::envelope {

Result<EnvelopeKeys> EnvelopeKeys::agree(std::uint8_t suite,
                                         const crypto::AgreementKey& own,
                                         const crypto::EcPublicKey& peer,
                                         const crypto::Digest256& context) {
  const SuiteInfo info = KB_TRY(suite_info(suite));
  if (info.is_hpke()) {
    return fail(Errc::kInvalidArgument, "suites 01 and 02 alone have these keys");
  }
  const SecretArray<32> z = KB_TRY(own.agree(peer));
  const std::size_t size = 2 * info.key_size_bytes + crypto::kAesBlockSize;
  SecretBytes octets = KB_TRY(crypto::x963_kdf_sha256(z.expose(), context, size));
  return EnvelopeKeys(std::move(octets), info.key_size_bytes);
}

std::array<std::uint8_t, 16> EnvelopeKeys::iv() const {
  crypto::AesBlock out{};
  std::ranges::copy(octets_.expose().last(out.size()), out.begin());
  return out;
}

Result<Bytes> EnvelopeKeys::encrypt(ByteView plaintext) const {
  const SecretBytes padded = crypto::pad80(plaintext);
  return crypto::aes_cbc_encrypt(encryption_key(), iv(), padded.expose());
}

Result<Mac16> EnvelopeKeys::mac(std::initializer_list<ByteView> pieces) const {
  return crypto::aes_cmac(mac_key(), pieces);
}

Result<SecretBytes> EnvelopeKeys::open(std::initializer_list<ByteView> pieces,
                                       const Mac16& expected,
                                       ByteView sealed) const {
  const Mac16 computed = KB_TRY(mac(pieces));
  if (!ct_equal(computed, expected)) {
    return fail(Errc::kAuthentication, "the message does not open under this key");
  }
  SecretBytes padded = KB_TRY(crypto::aes_cbc_decrypt(encryption_key(), iv(), sealed));
  const std::size_t size = KB_TRY(crypto::unpad80(padded.expose()));
  padded.shrink(size);
  return padded;
}

}  // namespace kagibin::envelope
