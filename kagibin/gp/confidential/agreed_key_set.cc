// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/agreed_key_set.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kRandom = 0x85;
constexpr std::size_t kKeyCount = 4;
constexpr std::size_t kLongestIdentity = 127;  // so that its length is one octet

Result<void> put_identity(ByteWriter& out, ByteView value) {
  if (value.empty() || value.size() > kLongestIdentity) {
    return fail(Errc::kNotFound, "an identity that goes into the derivation is not there");
  }
  out.u8(static_cast<std::uint8_t>(value.size())).bytes(value);
  return {};
}

Result<Bytes> shared_info(const SetupReference& reference,
                          ByteView random,
                          const CardIdentity& card) {
  ByteWriter out;
  out.u8(SetupReference::kThreeChannelKeys).u8(key_type::kAes).u8(reference.key_size);
  out.bytes(random);
  if (reference.with_identities) {
    KB_TRY(put_identity(out, reference.host_id));
    KB_TRY(put_identity(out, card.iin));
    KB_TRY(put_identity(out, card.cin));
  }
  return out.take();
}

}  // namespace

Result<AgreedKeySet> derive_key_set(const SecretBytes& shared_secret,
                                    const SetupReference& reference,
                                    ByteView random,
                                    const CardIdentity& card) {
  if (random.size() != (reference.with_random ? kSetupRandomSize : 0)) {
    return fail(Errc::kLength,
                "a derivation random has 16 octets, and stands there when asked for");
  }
  const Bytes info = KB_TRY(shared_info(reference, random, card));
  const std::size_t size = reference.key_size;
  const SecretBytes all =
      KB_TRY(crypto::x963_kdf_sha256(shared_secret.expose(), info, kKeyCount * size));
  const auto key = [&](std::size_t index) {
    return SecretBytes::copy_of(all.expose().subspan(index * size, size));
  };
  return AgreedKeySet{.receipt_key = key(0), .enc = key(1), .mac = key(2), .dek = key(3)};
}

Result<crypto::AesBlock> setup_receipt(const AgreedKeySet& keys,
                                       ByteView reference_octets,
                                       ByteView random) {
  const Bytes behind = random.empty() ? Bytes{} : tlv::encode(kRandom, random);
  return crypto::aes_cmac(keys.receipt_key.expose(), {reference_octets, behind});
}

}  // namespace kagibin::gp
