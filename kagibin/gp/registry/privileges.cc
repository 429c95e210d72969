// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {

namespace {

constexpr std::uint32_t kReserved = 0x00000F;
// GPCS 6.6.2: meaningful for a security domain alone.
constexpr std::uint32_t kDomainsOnly =
    Privileges::kDapVerification | Privileges::kDelegatedManagement |
    Privileges::kMandatedDapVerification | Privileges::kAuthorizedManagement |
    Privileges::kTokenVerification | Privileges::kReceiptGeneration |
    Privileges::kCipheredLoadFileDataBlock;

}  // namespace

Result<Privileges> Privileges::decode(ByteView octets) {
  if (octets.size() != 1 && octets.size() != 3) {
    return fail(Errc::kLength, "privileges have one or three octets");
  }
  Privileges out{static_cast<std::uint32_t>(octets[0]) << 16U};
  if (octets.size() == 3) {
    out.bits |= static_cast<std::uint32_t>(octets[1]) << 8U;
    out.bits |= octets[2];
  }
  return out;
}

Result<void> Privileges::check() const {
  if ((bits & kReserved) != 0) {
    return fail(Errc::kValue, "reserved privilege bits are zero");
  }
  if ((bits & kDomainsOnly) != 0 && !has(kSecurityDomain)) {
    return fail(Errc::kValue, "only a security domain has this privilege");
  }
  if (has(kMandatedDapVerification) && !has(kDapVerification)) {
    return fail(Errc::kValue, "mandated DAP verification needs DAP verification");
  }
  return {};
}

Bytes Privileges::encode_three() const {
  return {static_cast<std::uint8_t>((bits >> 16U) & 0xFFU),
          static_cast<std::uint8_t>((bits >> 8U) & 0xFFU), static_cast<std::uint8_t>(bits & 0xFFU)};
}

Bytes Privileges::encode() const {
  Bytes out = encode_three();
  if (out[1] == 0 && out[2] == 0) {
    out.resize(1);
  }
  return out;
}

}  // namespace kagibin::gp
