// SPDX-License-Identifier: Apache-2.0
// What the agent reads from the target for an enrolment: CERT.SD, which the security domain keeps
// for whoever asks (GPCS Amendment F, 7.2: GET DATA BF21 for KID 11, whatever its KVN). The key
// delivery application verifies it; the agent carries it (protocol, section 5).
//
//   SELECT target | 80 CA BF 21 { A6 { 83 02 11 00 } } -> BF21 { [7F21 issuer ...] 7F21 CERT.SD }
//
// Limits: 2,048 octets of answer; a certificate of more than 320 octets counts as none.
//
//   const Bytes certificate = KB_TRY(read_domain_certificate(channels, e0));
#pragma once

#include "kagibin/device/channels.h"

namespace kagibin::device {

// The last certificate of the target that E0 names, TLV 7F21; empty when there is no such target or
// it tells none. Errors of the link, and of an E0 that does not decode.
Result<Bytes> read_domain_certificate(Channels& channels, ByteView request);

}  // namespace kagibin::device
