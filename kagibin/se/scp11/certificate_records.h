// SPDX-License-Identifier: Apache-2.0
// What a security domain keeps for SCP11 beside its keys (Amendment F v1.3, 7.8 to 7.10), as
// records of the element's memory:
//
//   dat/<AID>/BF21/<KID KVN>   certificate store of SK.SD.ECKA: the value of BF21 as it came
//   dat/<AID>/70/<KID KVN>     allow list of PK.CA-KLOC.ECDSA: 81 01 (00: none, the counter stays)
//                              | 92 02 counter | 70 { 93 serial ... }
//   dat/<AID>/FF33, FF34       identifiers of CA-KLOC and CA-KLCC: { 42 | 83 02 KID KVN } ...
//
// They go with their key, and with their domain. Limits: 4,096 octets a certificate store; 64
// serial numbers; 32 identifiers of each kind. Thread-safety: one thread.
#pragma once

#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/scp/scp11/domain_data.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

class CertificateRecords {
 public:
  static constexpr std::size_t kMaxStore = 4'096;
  static constexpr std::size_t kMaxIdentifiers = 32;

  explicit CertificateRecords(Nvm& nvm) : nvm_(nvm) {}

  // Empty when there is none.
  Bytes certificates(const Aid& domain, scp::KeyReference key) const;
  // An empty store is taken away. kLimit past the limit.
  Result<void> put(const Aid& domain, const scp::CertificateStore& store);

  // Without a list everybody whom the CA certified is allowed.
  bool allows(const Aid& domain, scp::KeyReference ca, ByteView serial) const;
  // Of the list stored last in a session that can be sent again; 0 when none was. It stays when the
  // list goes.
  std::uint16_t counter(const Aid& domain, scp::KeyReference ca) const;
  // An empty list is taken away. Without a counter the one that is there stays.
  Result<void> put(const Aid& domain, const scp::AllowList& list);

  std::vector<scp::CaIdentifier> identifiers(const Aid& domain, bool of_cards) const;
  // Replaces one of the same octets. kLimit when there are too many.
  Result<void> put(const Aid& domain, const scp::CaIdentifier& identifier);

  // What belongs to this key.
  Result<void> erase_key(const Aid& domain, scp::KeyReference key);

 private:
  struct StoredList;
  std::optional<StoredList> list(const Aid& domain, scp::KeyReference ca) const;
  Result<void> put_identifiers(const Aid& domain,
                               bool of_cards,
                               const std::vector<scp::CaIdentifier>& all);

  Nvm& nvm_;
};

}  // namespace kagibin::se
