// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/casd_certification.h"

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::element_maker {

namespace {

constexpr std::uint8_t kSelectByName = 0x04;
constexpr std::uint8_t kOneBlockOfTlvs = 0x90;
constexpr std::uint8_t kRequest = 0xE5;

Result<Bytes> send(apdu::CardLink& card, const apdu::CommandApdu& command, Detail refusal) {
  apdu::ResponseApdu answer = KB_TRY(apdu::exchange(card, command));
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, refusal, answer.sw);
  }
  return std::move(answer.data);
}

Result<void> select_casd(apdu::CardLink& card) {
  const Aid casd = se::casd_aid();
  KB_TRY(send(card,
              {.ins = apdu::ins::kSelect,
               .p1 = kSelectByName,
               .data = Bytes(casd.view().begin(), casd.view().end()),
               .le = 256},
              "the element has no CASD: its profile names none"));
  return {};
}

}  // namespace

Result<std::vector<Bytes>> casd_requests(apdu::CardLink& card, const Seid& element) {
  KB_TRY(select_casd(card));
  std::vector<Bytes> out;
  for (const auto kind :
       {pki::CertificateKind::kCasdAgreement, pki::CertificateKind::kCasdSignature}) {
    Bytes request = KB_TRY(send(card,
                                {.cla = 0x80,
                                 .ins = apdu::ins::kGetData,
                                 .p2 = kRequest,
                                 .data = tlv::TlvWriter()
                                             .put_u8(0x81, std::to_underlying(kind))
                                             .put(0x82, element.view())
                                             .take(),
                                 .le = 256},
                                "the CASD makes no certification request"));
    KB_TRY(pki::CertificationRequest::decode(request));
    out.push_back(std::move(request));
  }
  return out;
}

Result<delivery::ShippedCasd> shipped_casd(std::span<const Bytes> requests) {
  std::optional<crypto::Digest256> signature;
  std::optional<crypto::Digest256> agreement;
  for (const Bytes& octets : requests) {
    const auto request = KB_TRY(pki::CertificationRequest::decode(octets));
    const crypto::Digest256 hash = crypto::sha256(request.key().point());
    if (request.kind() == pki::CertificateKind::kCasdSignature) {
      signature = hash;
    } else if (request.kind() == pki::CertificateKind::kCasdAgreement) {
      agreement = hash;
    }
  }
  if (!signature || !agreement) {
    return fail(Errc::kNotFound, "the CASD asks for no certificate of one of its two keys");
  }
  return delivery::ShippedCasd{.signature_key_sha256 = *signature,
                               .agreement_key_sha256 = *agreement};
}

Result<void> store_casd_certificates(apdu::CardLink& card, std::span<const Bytes> certificates) {
  KB_TRY(select_casd(card));
  for (const Bytes& certificate : certificates) {
    KB_TRY(send(
        card,
        {.cla = 0x80, .ins = apdu::ins::kStoreData, .p1 = kOneBlockOfTlvs, .data = certificate},
        "the CASD does not take this certificate: is it the controlling authority's, of a key of "
        "this element?"));
  }
  return {};
}

}  // namespace kagibin::roles::element_maker
