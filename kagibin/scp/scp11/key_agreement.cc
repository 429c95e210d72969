// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/key_agreement.h"

#include <algorithm>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::scp {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr tlv::Tag kControlReference = 0xA6;
constexpr tlv::Tag kProtocol = 0x90;
constexpr tlv::Tag kKeyUsage = 0x95;
constexpr tlv::Tag kKeyType = 0x80;
constexpr tlv::Tag kKeyLength = 0x81;
constexpr tlv::Tag kHostId = 0x84;
constexpr tlv::Tag kPublicKey = 0x5F49;
constexpr tlv::Tag kReceipt = 0x86;

constexpr std::size_t kHostIdMaxSize = 16;
constexpr std::size_t kPointMaxSize = crypto::kLargestPointSize;

constexpr std::uint8_t kMutual = 0x01;
constexpr std::uint8_t kVariantC = 0x02;
constexpr std::uint8_t kIdentities = 0x04;

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

std::uint8_t parameters_of(const KeyAgreementRequest& request) {
  std::uint8_t out = 0;
  if (request.variant != Scp11Variant::kB) {
    out |= kMutual;
  }
  if (request.variant == Scp11Variant::kC) {
    out |= kVariantC;
  }
  if (request.with_identities) {
    out |= kIdentities;
  }
  return out;
}

Result<void> decode_parameters(ByteView value, KeyAgreementRequest& out) {
  if (value[0] != kScp11) {
    return fail(Errc::kValue, "the protocol in 90 is SCP11");
  }
  out.with_identities = (value[1] & kIdentities) != 0;
  switch (value[1] & ~unsigned{kIdentities}) {
    case 0:
      out.variant = Scp11Variant::kB;
      return {};
    case kMutual:
      out.variant = Scp11Variant::kA;
      return {};
    case kMutual | kVariantC:
      out.variant = Scp11Variant::kC;
      return {};
    default:
      return fail(Errc::kValue, "the parameters in 90 are those of no variant of SCP11");
  }
}

}  // namespace

Result<KeyAgreementRequest> KeyAgreementRequest::decode(ByteView data) {
  TlvReader in(data);
  const Tlv reference = KB_TRY(in.expect(kControlReference, 1, TlvReader::kAnyLength));
  TlvReader inner(reference.value);
  KeyAgreementRequest out;
  const Tlv protocol = KB_TRY(inner.expect(kProtocol, 2));
  KB_TRY(decode_parameters(protocol.value, out));
  out.key_usage = tlv::to_u8(KB_TRY(inner.expect(kKeyUsage, 1)));
  KB_TRY(level_of_usage(out.key_usage));
  if (tlv::to_u8(KB_TRY(inner.expect(kKeyType, 1))) != kKeyTypeAes) {
    return fail(Errc::kValue, "the session keys are AES keys: 80 01 88");
  }
  out.key_size = tlv::to_u8(KB_TRY(inner.expect(kKeyLength, 1)));
  if (!crypto::is_aes_key_size(out.key_size)) {
    return fail(Errc::kValue, "an AES key has 16, 24 or 32 octets");
  }
  if (out.with_identities) {
    out.host_id = to_bytes(KB_TRY(inner.expect(kHostId, 1, kHostIdMaxSize)).value);
  }
  KB_TRY(inner.finish());
  out.ephemeral_point = to_bytes(KB_TRY(in.expect(kPublicKey, 1, kPointMaxSize)).value);
  KB_TRY(in.finish());
  return out;
}

Bytes KeyAgreementRequest::encode() const {
  KB_CHECK(level_of_usage(key_usage).has_value() && crypto::is_aes_key_size(key_size));
  KB_CHECK(with_identities != host_id.empty() && host_id.size() <= kHostIdMaxSize);
  tlv::TlvWriter inner;
  inner.put(kProtocol, std::array<std::uint8_t, 2>{kScp11, parameters_of(*this)});
  inner.put_u8(kKeyUsage, key_usage).put_u8(kKeyType, kKeyTypeAes).put_u8(kKeyLength, key_size);
  if (with_identities) {
    inner.put(kHostId, host_id);
  }
  return tlv::TlvWriter()
      .put(kControlReference, inner.view())
      .put(kPublicKey, ephemeral_point)
      .take();
}

Result<KeyAgreementAnswer> KeyAgreementAnswer::decode(ByteView data) {
  TlvReader in(data);
  KeyAgreementAnswer out;
  out.point = to_bytes(KB_TRY(in.expect(kPublicKey, 1, kPointMaxSize)).value);
  const Tlv receipt = KB_TRY(in.expect(kReceipt, out.receipt.size()));
  std::ranges::copy(receipt.value, out.receipt.begin());
  KB_TRY(in.finish());
  return out;
}

Bytes KeyAgreementAnswer::encode() const {
  return tlv::TlvWriter().put(kPublicKey, point).put(kReceipt, receipt).take();
}

}  // namespace kagibin::scp
