// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/certificate_commands.h"

#include <algorithm>

#include "kagibin/scp/scp11/domain_data.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::scp {

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kChaining = 0x10;
constexpr std::uint8_t kMore = 0x80;
constexpr std::size_t kShortLimit = 255;
constexpr std::uint32_t kAnyShortLe = 256;

}  // namespace

apdu::CommandApdu get_certificate_store(KeyReference key) {
  return {.cla = kGlobalPlatformClass,
          .ins = apdu::ins::kGetData,
          .p1 = static_cast<std::uint8_t>(kCertificateStoreTag >> 8U),
          .p2 = static_cast<std::uint8_t>(kCertificateStoreTag & 0xFFU),
          .data = encode_key_reference(key),
          .le = kAnyShortLe};
}

Result<std::vector<pki::ScpCertificate>> read_certificate_store(ByteView answer) {
  const auto store = tlv::read_single(answer, kCertificateStoreTag);
  return pki::decode_certificates(store ? store->value : answer);
}

Result<std::vector<apdu::CommandApdu>> verify_certificate_commands(std::span<const Bytes> chain,
                                                                   KeyReference ca,
                                                                   CertificateBlocks blocks) {
  const bool extended = blocks == CertificateBlocks::kExtended;
  std::vector<apdu::CommandApdu> out;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    ByteView rest = chain[i];
    if (rest.empty()) {
      return fail(Errc::kInvalidArgument, "a certificate has octets");
    }
    const bool last = i + 1 == chain.size();
    while (!rest.empty()) {
      const ByteView block =
          rest.first(extended ? rest.size() : std::min(rest.size(), kShortLimit));
      rest = rest.subspan(block.size());
      apdu::CommandApdu command{
          .cla = kGlobalPlatformClass,
          .ins = ins::kPerformSecurityOperation,
          .p1 = ca.version,
          .p2 = static_cast<std::uint8_t>(last ? ca.identifier : ca.identifier | kMore),
          .data = Bytes(block.begin(), block.end())};
      if (!rest.empty()) {
        command.p1 |= kMore;
        command.cla |=
            blocks == CertificateBlocks::kParameterAndClass ? kChaining : std::uint8_t{0};
      }
      out.push_back(std::move(command));
    }
  }
  if (out.empty()) {
    return fail(Errc::kInvalidArgument, "there is no certificate to send");
  }
  return out;
}

}  // namespace kagibin::scp
