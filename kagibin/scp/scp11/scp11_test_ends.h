// SPDX-License-Identifier: Apache-2.0
// For tests of SCP11 only: a security domain that holds its keys in the open, an authority that
// makes certificates of both formats, and a host that has them.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp11/certificate_commands.h"
#include "kagibin/scp/scp11/domain_data.h"
#include "kagibin/scp/scp11/scp11_card.h"
#include "kagibin/scp/scp11/scp11_host.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/x509_maker.h"

namespace kagibin::scp::test_ends {

using crypto::Curve;
using crypto::CurvePrivateKey;
using crypto::CurvePublicKey;

inline constexpr KeyReference kCa{.identifier = kKidCaKloc, .version = 0x03};
inline constexpr std::uint8_t kKvn = 0x03;

inline CurvePrivateKey make_key(Curve curve, std::string_view seed) {
  test::FixedRng rng(seed);
  return CurvePrivateKey::generate(curve, rng).value();
}

class FakeDomain final : public Scp11Domain {
 public:
  Scp11Parameter parameter() const override { return i; }
  std::optional<CurvePublicKey> ca_key(KeyReference reference) const override {
    return reference == kCa ? ca : std::nullopt;
  }
  bool allows(KeyReference reference, ByteView serial) const override {
    asked_of = reference;
    return allow_list.empty() || std::ranges::any_of(allow_list, [&](const Bytes& one) {
             return same_serial(one, serial);
           });
  }
  std::optional<CurvePrivateKey> agreement_key(KeyReference reference) const override {
    if (reference.version != kKvn || !key) {
      return std::nullopt;
    }
    return key->duplicate();
  }
  std::optional<SecretBytes> static_dek(KeyReference reference) const override {
    if (dek.empty() || reference.identifier != dek_identifier) {
      return std::nullopt;
    }
    return SecretBytes::copy_of(dek);
  }
  Scp11CardIdentity identity() const override { return names; }
  Bytes provider_identifier() const override { return provider; }
  std::optional<pki::CertificateDate> today() const override { return date; }

  Scp11Parameter i = kScp11S8;
  std::optional<CurvePublicKey> ca{};
  std::optional<CurvePrivateKey> key{};
  std::vector<Bytes> allow_list{};
  Bytes dek{};
  std::uint8_t dek_identifier = 0;
  Scp11CardIdentity names{};
  Bytes provider{};
  std::optional<pki::CertificateDate> date{};
  mutable KeyReference asked_of{};
};

enum class Format : std::uint8_t { kGp, kX509 };

// NOLINTBEGIN(cert-err58-cpp,readability-identifier-naming): constants of tests
inline const Bytes kCaName = {0xCA, 0x01};
inline const Bytes kKaName = {0xCA, 0x02};
inline const Bytes kHostName = {0x0C, 0xE0};
// NOLINTEND(cert-err58-cpp,readability-identifier-naming)

// An authority with a key, an intermediate one, and what it says of a host's key.
struct Authority {
  explicit Authority(Curve curve)
      : root(make_key(curve, "CA-KLOC")), intermediate(make_key(curve, "KA-KLOC")) {}

  Bytes certify(Format format,
                pki::CertifiedUse use,
                const CurvePublicKey& subject,
                const CurvePrivateKey& issuer,
                const std::pair<Bytes, Bytes>& issuer_and_subject,
                Bytes serial = {0x11}) const {
    if (format == Format::kX509) {
      return test::make_x509({.key = &subject,
                              .issuer_key = &issuer,
                              .serial = std::move(serial),
                              .authority = use == pki::CertifiedUse::kVerification,
                              .subject_key_identifier = issuer_and_subject.second,
                              .authority_key_identifier = issuer_and_subject.first});
    }
    test::FixedRng rng("certificate");
    return pki::GpCertificate::issue({.serial = std::move(serial),
                                      .authority = issuer_and_subject.first,
                                      .subject = issuer_and_subject.second,
                                      .use = use,
                                      .effective = pki::CertificateDate{20260101},
                                      .expiration = pki::CertificateDate{20301231}},
                                     subject, issuer, rng)
        .value()
        .encoded();
  }
  // CERT.OCE.ECKA directly, or behind CERT.KA-KLOC.ECDSA.
  std::vector<Bytes> chain(Format format, const CurvePublicKey& host, bool long_chain) const {
    if (!long_chain) {
      return {certify(format, pki::CertifiedUse::kKeyAgreement, host, root, {kCaName, kHostName})};
    }
    return {certify(format, pki::CertifiedUse::kVerification, intermediate.public_key(), root,
                    {kCaName, kKaName}, {0x22}),
            certify(format, pki::CertifiedUse::kKeyAgreement, host, intermediate,
                    {kKaName, kHostName})};
  }

  CurvePrivateKey root;
  CurvePrivateKey intermediate;
};

struct Setting {
  Scp11Variant variant = Scp11Variant::kA;
  Curve curve = Curve::kP256;
  std::uint8_t key_size = 16;
  bool s16 = false;
  bool encryption = true;
  Format format = Format::kGp;
  bool long_chain = false;
  bool identities = false;
};

// Both ends of one setting, before anything was said.
struct Ends {
  explicit Ends(const Setting& wish)
      : setting(wish), authority(wish.curve), own(make_key(wish.curve, "SK.OCE")) {
    domain.i = wish.s16 ? kScp11S16 : kScp11S8;
    domain.ca = authority.root.public_key();
    domain.key = make_key(wish.curve, "SK.SD");
    options = {.variant = wish.variant,
               .key_version_number = kKvn,
               .key_size = wish.key_size,
               .s16 = wish.s16,
               .encryption = wish.encryption};
    if (wish.identities) {
      domain.names = {.sin = {1, 2, 3}, .sdin = {4, 5}, .card_group_id = {6}};
      options.host_id = {7, 8};
      options.card = domain.names;
    }
  }

  Scp11Host make_host() const {
    const CurvePublicKey& sd = domain.key->public_key();
    return setting.variant == Scp11Variant::kB ? Scp11Host(sd, options)
                                               : Scp11Host(sd, own.duplicate(), options);
  }
  StatusWord send_certificates() {
    if (setting.variant == Scp11Variant::kB) {
      return apdu::sw::kOk;
    }
    return send(authority.chain(setting.format, own.public_key(), setting.long_chain));
  }
  StatusWord send(const std::vector<Bytes>& chain) {
    const auto commands = verify_certificate_commands(chain, kCa);
    StatusWord last = apdu::sw::kOk;
    for (const apdu::CommandApdu& command : commands.value()) {
      last = card.perform_security_operation(command, domain);
      if (!apdu::sw::is_ok(last)) {
        return last;
      }
    }
    return last;
  }

  Setting setting;
  Authority authority;
  CurvePrivateKey own;
  FakeDomain domain;
  Scp11HostOptions options;
  Scp11Card card;
  test::FixedRng host_rng{"host"};
  test::FixedRng card_rng{"card"};
};

}  // namespace kagibin::scp::test_ends
