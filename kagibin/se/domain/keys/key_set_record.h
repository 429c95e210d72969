// SPDX-License-Identifier: Apache-2.0
// One key set as a record of the element's memory; its layout stands in key_store.h. For se/ only.
#pragma once

#include <cstdint>
#include <vector>

#include "kagibin/gp/key/key.h"

namespace kagibin::se {

struct StoredKey {
  std::uint8_t identifier = 0;  // KID
  gp::Key key;
};

struct KeySetRecord {
  std::uint16_t order = 0;
  std::vector<StoredKey> keys{};

  // Total; reads both versions of the record. kEncoding, kTruncated, and what gp::Key::trusted
  // says.
  static Result<KeySetRecord> decode(ByteView octets);
  SecretBytes encode() const;
};

}  // namespace kagibin::se
