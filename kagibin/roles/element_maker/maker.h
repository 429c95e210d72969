// SPDX-License-Identifier: Apache-2.0
// The element maker (EUM): makes virtual elements, puts the key delivery application into a
// security domain of its own, has it generate its key inside, certifies that key, and signs the
// shipment list that pins the maker to the SEID (protocol, section 2; attestation profile ATT-1).
//
// Element secrets exist here only while an element is made: the maker's domain gets a random key
// set that nobody keeps; the issuer domain's random key set, and those of providers' domains, go
// out once, for the security module manager; of the latter maker_folder.h keeps a copy until
// CERT.SD is stored. Limits: IIN and CIN 1 to 16 octets. Ownership: refers to clock and randomness,
// which outlive it. Thread-safety: one thread.
//
//   ElementMaker maker(KB_TRY(MakerIdentity::create("acme-elements", rng)), clock, rng);
//   ... CERT.EUM from the controlling authority, by maker.identity().request() ...
//   MadeElement made = KB_TRY(maker.make(plan, std::move(medium), modules));
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/clock.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/delivery/exchange/shipment_list.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/se/element.h"

namespace kagibin::roles::element_maker {

struct MakerIdentity {
  std::array<std::uint8_t, 16> name{};            // subject of CERT.EUM; text, filled up with zeros
  crypto::SigningKey key;                         // SK.EUM
  std::optional<pki::Certificate> certificate{};  // CERT.EUM
  std::optional<crypto::EcPublicKey> authority{};  // PK.AUTH that elements are given

  // kInvalidArgument for a name of other than 1 to 16 characters.
  static Result<MakerIdentity> create(std::string_view name, crypto::Rng& rng);
  static Result<MakerIdentity> create(std::string_view name, crypto::SigningKey key);
  // A certification request for CERT.EUM (pki/certification_request.h).
  Result<Bytes> request(crypto::Rng& rng) const;
  // kUntrusted unless the certificate is for this name and key under this root.
  Result<void> adopt(pki::Certificate certificate, const crypto::EcPublicKey& root);
  std::string name_text() const;
};

// A domain that the element is to have for a service provider, ready for SCP11a. Its first key set
// is drawn at random and goes to the security module manager, as the issuer's does. With
// own_delivery it takes deliveries by itself instead: it has no key set before its provider puts
// one, and is certified as a key delivery application is (doc/decisions/0018).
struct ProviderDomain {
  Aid aid;
  Spid owner;
  std::uint8_t key_version = 0x30;
  std::size_t key_size = 16;
  std::uint8_t agreement_key_version = 0x03;  // of SK.SD.ECKA
  bool own_delivery = false;
};

// What an element is to be. Everything not said here is the profile's (se/profile.h). The ISD's key
// set is drawn at random, of this version and size, unless the profile has one: SCP03 keys, for
// these go to the security module manager.
struct ElementPlan {
  Seid seid;
  Bytes iin;
  Bytes cin;
  se::ElementProfile profile{};  // IIN, CIN, the maker's domain and the KDA are added to it
  std::uint8_t issuer_key_version = 0x30;
  std::size_t issuer_key_size = 16;
  Aid makers_domain = *Aid::from_hex("F04B41474942494E00");  // F0 "KAGIBIN" 00
  int certificate_days = 3650;
  // Without it the element leaves for one that is loaded in the field and attested by its CASD
  // (ATT-2), which the profile then has to have.
  bool with_kda = true;
  // With any that is ready for SCP11a, the element speaks it (S16 unless the profile says
  // otherwise).
  std::vector<ProviderDomain> domains{};
};

struct MadeDomain {
  delivery::KeyExport keys;  // first key set, for the security module manager
  Bytes request;             // E6, for the controlling authority (pki/domain_key_request.h)
};

struct MadeElement {
  std::unique_ptr<se::Element> element;
  delivery::KeyExport issuer_keys;  // of the ISD, for the security module manager alone
  delivery::ShippedElement shipped;
  std::optional<pki::Certificate> certificate{};  // CERT.KDA, where it has a KDA
  crypto::Digest256 kda_code_hash{};              // of the build in its ROM
  // The same of its domains that take deliveries by themselves, where it has any.
  std::optional<crypto::Digest256> own_delivery_code_hash{};
  std::vector<MadeDomain> domains{};
};

class ElementMaker {
 public:
  ElementMaker(MakerIdentity identity, const Clock& clock, crypto::Rng& rng)
      : identity_(std::move(identity)), clock_(clock), rng_(rng) {}

  // kState without CERT.EUM; kInvalidArgument with nothing that takes deliveries and no CASD;
  // kNotFound when `modules` has no KDA, or no code for own deliveries where one is asked for; else
  // what Element::create and the KDA answer. On failure the medium may hold an element without
  // certificates: make it anew.
  Result<MadeElement> make(ElementPlan plan,
                           std::unique_ptr<se::NvmMedium> medium,
                           const se::ModuleRegistry& modules);

  // The maker's session with a KDA on any card: GENERATE, CERT.KDA, STORE CERTIFICATES, with
  // CERT.OCE when the KDA is to open SCP11a channels. `domain_keys`: of the security domain that
  // the KDA is associated with. `application`: the KDA, or a domain that takes deliveries by
  // itself.
  Result<pki::Certificate> certify_kda(apdu::CardLink& link,
                                       const scp::Scp03KeySet& domain_keys,
                                       const Seid& seid,
                                       const crypto::Digest256& code_hash,
                                       int certificate_days,
                                       bool with_host_certificate = false,
                                       const Aid& application = kda::aid());

  // The signed list, as a file.
  Result<std::string> sign_shipment(std::span<const delivery::ShippedElement> elements);

  MakerIdentity& identity() { return identity_; }

 private:
  // Certifies the domains that take deliveries by themselves, and has them pinned.
  Result<void> certify_domains(apdu::CardLink& link,
                               const ElementPlan& plan,
                               const scp::Scp03KeySet& issuer_keys,
                               const se::ModuleRegistry& modules,
                               delivery::ShippedElement& shipped);
  Result<std::vector<MadeDomain>> make_domains(apdu::CardLink& link,
                                               const ElementPlan& plan,
                                               std::vector<delivery::KeyExport> keys);
  Result<pki::Certificate> issue_host_certificate(const crypto::EcPublicKey& key,
                                                  const Seid& seid,
                                                  int days);
  Result<pki::CertificateFields> certificate_fields(const Seid& seid, int days);
  Result<pki::Certificate> issue_kda_certificate(const crypto::EcPublicKey& key,
                                                 const Seid& seid,
                                                 const Aid& application,
                                                 const crypto::Digest256& code_hash,
                                                 int days);

  MakerIdentity identity_;
  const Clock& clock_;
  crypto::Rng& rng_;
};

}  // namespace kagibin::roles::element_maker
