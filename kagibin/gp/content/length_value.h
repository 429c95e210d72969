// SPDX-License-Identifier: Apache-2.0
// Fields of the data of INSTALL: a length as in BER (00 to 7F, 81 xx, 82 xx xx, in its shortest
// form) and that many octets (GPCS 11.5.2.3). No tags. Ownership: views of the caller's octets.
//
//   ByteReader in(data);
//   const std::optional<Aid> load_file = KB_TRY(read_aid_field(in));
//   const ByteView parameters = KB_TRY(read_field(in));
#pragma once

#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/byte_io.h"

namespace kagibin::gp {

// kTruncated, kEncoding.
Result<ByteView> read_field(ByteReader& in);
// An empty field is no AID. kLength for one that is none.
Result<std::optional<Aid>> read_aid_field(ByteReader& in);
// kValue unless the field is empty.
Result<void> read_empty_field(ByteReader& in);

// Octets of a field with a value of this length. Precondition as below.
std::size_t field_size(std::size_t length);
// Precondition: at most 65,535 octets (KB_CHECK).
void write_field(ByteWriter& out, ByteView value);
void write_aid_field(ByteWriter& out, const std::optional<Aid>& aid);

}  // namespace kagibin::gp
