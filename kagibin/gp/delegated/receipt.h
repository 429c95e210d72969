// SPDX-License-Identifier: Apache-2.0
// Receipts of delegated management (GPCS 2.3.1, 9.2.3 and C.5): what an element answers to an
// operation under a token, for whoever has the key of the domain with Receipt Generation.
//
//   answer              00, or length | confirmation                        lengths are BER lengths
//   confirmation        length | receipt | confirmation data                (11.1.6)
//   confirmation data   02 counter | length | domain data | [length | token number | [length |
//                       token data digest]]
//   signed              confirmation data | what was done
//   what was done       load         LV load file | LV security domain
//                       install      LV load file | LV application           (make selectable, too)
//                       extradition  LV old domain | LV object | LV new domain
//                       registry     LV domain | LV application | LV new domain | LV privileges
//                                    | LV parameters
//                       delete       LV object
//
// Domain data are the identification number (42) and the image number (45) of the domain with
// Receipt Generation, one behind the other. The counter goes up by one with each receipt. Functions
// without state.
//
//   const auto c = KB_TRY(Confirmation::decode(answer));
//   if (c && verify_receipt(key, *c, receipt_for::load(load_file, domain))) { ... }
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/gp/delegated/signature.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {

struct Confirmation {
  Bytes receipt{};
  std::uint16_t counter = 0;
  Bytes domain_data{};                  // up to 255 octets, as the two below
  std::optional<Bytes> token_number{};  // present when the token had one
  std::optional<Bytes> token_digest{};

  // The confirmation data alone. Precondition: fields of at most 255 octets (KB_CHECK).
  Bytes data() const;
  // The whole answer.
  Bytes encode() const;
  // Empty for 00, no receipt. Total. kLength for a counter that has not two octets, kTruncated,
  // kTrailing, kEncoding.
  static Result<std::optional<Confirmation>> decode(ByteView answer);
  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// What was done, as it is signed.
namespace receipt_for {
Bytes load(const Aid& load_file, const Aid& security_domain);
Bytes install(const Aid& load_file, const Aid& application);
Bytes remove(const Aid& object);
Bytes extradition(const Aid& old_domain, const Aid& object, const Aid& new_domain);
// Absent fields are empty.
Bytes registry_update(const Aid& domain,
                      const std::optional<Aid>& application,
                      const std::optional<Aid>& new_domain,
                      const std::optional<Privileges>& privileges,
                      ByteView parameters);
}  // namespace receipt_for

// Signs `confirmation`'s data and what was done into its receipt.
Result<void> sign_receipt(const Key& key,
                          Confirmation& confirmation,
                          ByteView what_was_done,
                          crypto::Rng& rng);
bool verify_receipt(const Key& key, const Confirmation& confirmation, ByteView what_was_done);

}  // namespace kagibin::gp
