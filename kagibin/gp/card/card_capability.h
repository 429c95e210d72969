// SPDX-License-Identifier: Apache-2.0
// Card capability information, GET DATA 0067 (GPCS 2.3.1, H.4): what a card can do, beside the
// protocols that card recognition data (card_data.h) name.
//
//   67 { A0 { 80 01 SCP | 81 var its values of i | 82 01 key sizes, of SCP03 } ...
//      | 81 03 privileges for security domains (opt) | 82 03 for applications
//      | 83 var hashes of load file data blocks: 01 SHA-1, 02 SHA-256, 03 SHA-384, 04 SHA-512
//      | 84 01 ciphers of load file data blocks (opt)
//      | 85, 86, 87 01-02 signature schemes of tokens, receipts, DAP blocks (each opt)
//      | 88 var key parameter references (opt) }
//
// Key sizes: b1 16, b2 24, b3 32 octets. Signature schemes, first octet: b1 RSA-1024 with SHA-1,
// b2 RSASSA-PSS, b3 3DES MAC, b4 to b6 CMAC with AES-128, -192, -256, b7 ECDSA P-256, b8 P-384;
// second: b1 512 bits, b2 521 bits. A reader passes over other objects. Values.
//
//   const CardCapability card = KB_TRY(CardCapability::decode(answer));
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {

struct CardCapability {
  struct Protocol {
    std::uint8_t scp = 0;
    Bytes options{};
    std::optional<std::uint8_t> key_sizes{};
    friend bool operator==(const Protocol&, const Protocol&) = default;
  };

  std::vector<Protocol> protocols{};
  std::optional<Privileges> domain_privileges{};
  Privileges application_privileges{};
  Bytes hashes{};
  std::optional<std::uint8_t> block_ciphers{};
  Bytes token_schemes{};  // empty: absent, as the next ones
  Bytes receipt_schemes{};
  Bytes dap_schemes{};
  Bytes curves{};

  // kUnexpectedTag without 67 or for an object that stands twice but A0; kTruncated without A0, 82
  // or 83; kLength.
  static Result<CardCapability> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const CardCapability&, const CardCapability&) = default;
};

}  // namespace kagibin::gp
