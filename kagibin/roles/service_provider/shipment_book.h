// SPDX-License-Identifier: Apache-2.0
// The elements that authenticated shipment lists name: for a SEID its card identity, its maker, the
// one certificate of its key delivery application (protocol, section 2), those of its domains that
// take deliveries by themselves (doc/decisions/0018), and the keys of its CASD where it has one
// (doc/decisions/0014, 0020).
//
// A list counts only if its maker's certificate chains to the controlling authority and the maker
// signed the list's exact octets. The maker of a SEID is pinned by the first list that names it: a
// list of any other maker for the same SEID is refused as a whole, and so is an older one of its
// own maker that says something else: who carries lists must not choose among those of different
// years. Two of the same second count as they come. Journals that were written before dates were
// kept know none, and take the next list whatever its date. Entries live in the journal (records
// "element", "own_delivery", "card", "casd", "issued", "maker" and "maker_issued"); nothing in them
// is secret. Ownership: refers to the journal. Thread-safety: one thread.
//
//   ShipmentBook book(journal);
//   KB_TRY(book.import(file, trust, today));
//   const std::optional<ShipmentEntry> entry = KB_TRY(book.find(seid));
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/pki/chain.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// Whom the service provider believes.
struct Trust {
  pki::TrustAnchors anchors;
  pki::RevocationList revoked;
};

// Which CASD speaks for an element, and who said so: a maker's name may be certified again for
// another key, after a breach of the first.
struct CasdPin {
  crypto::Digest256 signature_key{};  // SHA-256 of PK.CASD.AUT, the point
  crypto::Digest256 agreement_key{};  // of PK.CASD.ECKA
  crypto::Digest256 maker_key{};      // of the PK.EUM that signed the list
  friend bool operator==(const CasdPin&, const CasdPin&) = default;
};

struct ShipmentEntry {
  std::array<std::uint8_t, 16> maker{};                // subject of CERT.EUM
  std::optional<crypto::Digest256> kda_certificate{};  // SHA-256
  Bytes iin;
  Bytes cin;
  std::optional<CasdPin> casd{};
  std::vector<crypto::Digest256> own_deliveries{};  // SHA-256 of a CERT.KDA each

  // Whether the list named this CERT.KDA.
  bool pins(const pki::Certificate& kda) const;
  friend bool operator==(const ShipmentEntry&, const ShipmentEntry&) = default;
};

class ShipmentBook {
 public:
  explicit ShipmentBook(delivery::JournalStore& journal) : journal_(journal) {}

  // The number of elements that the list names. kUntrusted, kExpired, kNotYetValid, kRevoked for
  // the maker, kAuthentication for the signature, kConflict for an element pinned otherwise, or
  // otherwise by a later list: then nothing was taken from the list.
  Checked<std::size_t> import(std::string_view file,
                              const Trust& trust,
                              pki::CertificateDate today);

  Result<std::optional<ShipmentEntry>> find(const Seid& seid) const;
  // CERT.EUM of the latest list of the maker of this name.
  Result<std::optional<pki::Certificate>> find_maker(
      const std::array<std::uint8_t, 16>& maker) const;
  Result<std::optional<Seid>> find_card(ByteView iin, ByteView cin) const;

 private:
  // issuedAt of the latest list about this SEID, or of this maker's; empty: unknown.
  Result<std::optional<std::int64_t>> issued_at(std::string_view kind, ByteView name) const;
  Result<void> put(const ShipmentEntry& entry, const Seid& seid, std::int64_t date);

  delivery::JournalStore& journal_;
};

}  // namespace kagibin::roles::service_provider
