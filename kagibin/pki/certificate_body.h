// SPDX-License-Identifier: Apache-2.0
// The signed part of a certificate, TLVs 93..7F49, between octets and fields. Inside pki only.
//
// Which fields a kind has is one table (kind_rules); reading and issuing both ask it.
#pragma once

#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

struct CertificateBody {
  CertificateFields fields;
  Bytes point;  // of 7F49, length checked, not whether it lies on the curve
};

// kValue or kLength unless the fields fit their kind.
Result<void> check_fields(const CertificateFields& fields);
// TLVs 93..7F49 and nothing behind; total.
Result<CertificateBody> decode_body(ByteView octets);
// Precondition: check_fields holds.
Bytes encode_body(const CertificateFields& fields, ByteView point);

}  // namespace kagibin::pki
