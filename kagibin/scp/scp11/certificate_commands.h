// SPDX-License-Identifier: Apache-2.0
// The off-card entity's commands around certificates in SCP11 (Amendment F v1.3, 7.2 and 7.5):
// reading a security domain's certificate store, and sending CERT.OCE.ECKA with what leads to it.
//
//   for (const auto& command : KB_TRY(verify_certificate_commands(chain, ca, {}))) { ... }
#pragma once

#include <span>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/pki/scp_certificate.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

// GET DATA BF21 with A6 { 83 KID KVN }, and the store out of the answer: BF21 { certificates }, or
// the certificates alone, as some cards answer.
apdu::CommandApdu get_certificate_store(KeyReference key);
Result<std::vector<pki::ScpCertificate>> read_certificate_store(ByteView answer);

// How a certificate that is longer than a command is cut.
enum class CertificateBlocks : std::uint8_t {
  kParameter,          // b8 of P1 (7.5.2.1)
  kParameterAndClass,  // and command chaining, for cards that want it
  kExtended,           // not cut: extended length
};
// PERFORM SECURITY OPERATION for each certificate, issuers first, in blocks. kInvalidArgument for
// an empty chain or a certificate without octets.
Result<std::vector<apdu::CommandApdu>> verify_certificate_commands(
    std::span<const Bytes> chain,
    KeyReference ca,
    CertificateBlocks blocks = CertificateBlocks::kParameter);

}  // namespace kagibin::scp
