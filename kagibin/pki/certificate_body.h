// SPDX-License-Identifier: Apache-2.0
// The signed part of a certificate, TLVs 93..7F49, between octets and fields. Inside pki only.
//
// Which fields a kind has is one table (kind_rules); reading and issuing both ask it.
#pragma once

#include "kagibin/pki/certificate_template.h"

namespace kagibin::pki {

// kValue or kLength unless the fields fit their kind.
Result<void> check_fields(const CertificateFields& fields);
// The fields of the delivery PKI out of a certificate's objects; total.
Result<CertificateFields> fields_of(const CertificateTemplate& objects);
// Precondition: check_fields holds.
Bytes encode_body(const CertificateFields& fields, ByteView point);

}  // namespace kagibin::pki
