// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/key_schedule.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::scp {

namespace {

constexpr tlv::Tag kPublicKey = 0x5F49;
constexpr std::size_t kKeyCount = 5;
constexpr std::size_t kIdentityMaxSize = 127;  // so that its length is one octet

Result<void> put_identity(ByteWriter& out, ByteView value) {
  if (value.empty()) {
    return fail(Errc::kNotFound, "an identity that goes into the derivation is not there");
  }
  if (value.size() > kIdentityMaxSize) {
    return fail(Errc::kInvalidArgument, "an identity has at most 127 octets");
  }
  out.u8(static_cast<std::uint8_t>(value.size())).bytes(value);
  return {};
}

}  // namespace

Result<Bytes> shared_info(const KeyAgreementRequest& request, const Scp11CardIdentity& card) {
  ByteWriter out;
  out.u8(request.key_usage).u8(kKeyTypeAes).u8(request.key_size);
  if (request.with_identities) {
    KB_TRY(put_identity(out, request.host_id));
    if (request.variant == Scp11Variant::kC) {
      KB_TRY(put_identity(out, card.card_group_id));
    } else {
      KB_TRY(put_identity(out, card.sin));
      KB_TRY(put_identity(out, card.sdin));
    }
  }
  return out.take();
}

Result<AgreedKeys> derive_keys(const SharedSecrets& secrets,
                               const KeyAgreementRequest& request,
                               ByteView request_data,
                               ByteView answer_point,
                               const Scp11CardIdentity& card,
                               crypto::HashAlgorithm hash) {
  const Bytes info = KB_TRY(shared_info(request, card));
  SecretBytes z(secrets.first.size() + secrets.second.size());
  std::ranges::copy(secrets.first.expose(), z.expose_mutable().begin());
  std::ranges::copy(secrets.second.expose(),
                    z.expose_mutable().subspan(secrets.first.size()).begin());
  const std::size_t size = request.key_size;
  const SecretBytes all = KB_TRY(crypto::x963_kdf(hash, z.expose(), info, kKeyCount * size));
  const auto key = [&](std::size_t index) { return all.expose().subspan(index * size, size); };
  AgreedKeys out;
  out.session.s_enc = SecretBytes::copy_of(key(1));
  out.session.s_mac = SecretBytes::copy_of(key(2));
  out.session.s_rmac = SecretBytes::copy_of(key(3));
  out.dek = SecretBytes::copy_of(key(4));
  out.receipt =
      KB_TRY(crypto::aes_cmac(key(0), {request_data, tlv::encode(kPublicKey, answer_point)}));
  return out;
}

}  // namespace kagibin::scp
