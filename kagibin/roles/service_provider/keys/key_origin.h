// SPDX-License-Identifier: Apache-2.0
// From which master keys the keys of an order's PUT KEY were derived: what tells whether a key set
// is ours alone once a master key becomes known to others (exposed_keys.h).
//
// As it lies behind a fingerprint or before a key in records: 01 | number of names (1) | for each
// its length (1) and the name. None at all: kept by a program that did not note it. Limits: 8 keys,
// names as record_folder.h has them. Ownership: values. Thread-safety: values.
//
//   ByteWriter out;
//   encode_origin({"fleet"}, out);
//   const KeyOrigin origin = KB_TRY(decode_origin(in));
#pragma once

#include <string>
#include <vector>

#include "kagibin/base/byte_io.h"

namespace kagibin::roles::service_provider {

// Names of master keys, each once; empty where all keys are drawn or came otherwise.
using KeyOrigin = std::vector<std::string>;

void encode_origin(const KeyOrigin& origin, ByteWriter& out);
// kEncoding for anything else than the above.
Result<KeyOrigin> decode_origin(ByteReader& in);

}  // namespace kagibin::roles::service_provider
