// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/domain_certificate.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::device {

namespace {

namespace sw = apdu::sw;

constexpr std::size_t kMaxAnswer = 2048;
constexpr tlv::Tag kCertificateStore = 0xBF21;
constexpr tlv::Tag kCertificate = 0x7F21;

apdu::CommandApdu ask_store() {
  constexpr std::array<std::uint8_t, 2> kScp11aKey{0x11, 0x00};  // KID, any KVN
  return {.cla = 0x80,
          .ins = apdu::ins::kGetData,
          .p1 = kCertificateStore >> 8U,
          .p2 = kCertificateStore & 0xFFU,
          .data = tlv::encode(0xA6, tlv::encode(0x83, kScp11aKey)),
          .le = 256};
}

// Issuers stand first.
Result<Bytes> last_certificate(ByteView store) {
  const tlv::Tlv outer = KB_TRY(tlv::read_single(store, kCertificateStore));
  tlv::TlvReader in(outer.value);
  Bytes out;
  while (!in.empty()) {
    const tlv::Tlv one = KB_TRY(in.next());
    out.clear();
    if (one.tag == kCertificate && one.encoded.size() <= envelope::kCertificateMaxSize) {
      out.assign(one.encoded.begin(), one.encoded.end());
    }
  }
  return out;
}

}  // namespace

Result<Bytes> read_domain_certificate(Channels& channels, ByteView request) {
  const auto e0 = KB_TRY(envelope::EnrolmentRequest::decode(request));
  const ByteView name = e0.target->view();
  const apdu::ResponseApdu selected = KB_TRY(channels.exchange(
      Side::kTarget,
      {.ins = apdu::ins::kSelect, .p1 = 0x04, .data = Bytes(name.begin(), name.end()), .le = 256},
      kMaxAnswer));
  if (!sw::is_ok(selected.sw)) {
    return Bytes();
  }
  const apdu::ResponseApdu store =
      KB_TRY(channels.exchange(Side::kTarget, ask_store(), kMaxAnswer));
  if (!sw::is_ok(store.sw)) {
    return Bytes();
  }
  return last_certificate(store.data).value_or(Bytes());
}

}  // namespace kagibin::device
