// SPDX-License-Identifier: Apache-2.0
// The suites that this KDA offers: those that are built, and 20 and 21 only where the libcrypto of
// the process has ML-KEM-768 (OpenSSL 3.5 or later). Protocol, sections 6 and 9.
//
//   const Bytes suites = offered_suites();    // for CAPABILITIES
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/hpke/kem.h"

namespace kagibin::se {

// By rising number.
Bytes offered_suites();
// The KEM of pkE; kNotSupported for a suite that is not offered, kValue for one that is none.
Result<crypto::HpkeKem> kem_of_suite(std::uint8_t suite);
// Octets that a chained message may have: 1,024, or 4,096 where 20 or 21 is offered.
std::size_t reassembly_size_bytes();

}  // namespace kagibin::se
