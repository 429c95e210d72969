// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/host_certificates.h"

#include <gtest/gtest.h>

#include "kagibin/scp/scp11/scp11_test_ends.h"

namespace kagibin::scp {
namespace {

namespace sw = apdu::sw;
using crypto::Curve;
using pki::CertifiedUse;
using test_ends::Ends;
using test_ends::Format;
using test_ends::kCa;
using test_ends::kCaName;
using test_ends::kHostName;
using test_ends::kKaName;
using test_ends::make_key;

constexpr std::array kFormats = {Format::kGp, Format::kX509};

// Sends the octets of one certificate in one command.
StatusWord submit(Ends& ends, const Bytes& certificate, bool more = false) {
  const auto p2 = static_cast<std::uint8_t>(kCa.identifier | (more ? 0x80 : 0x00));
  return ends.card.perform_security_operation(
      {.cla = 0x80, .ins = 0x2A, .p1 = kCa.version, .p2 = p2, .data = certificate}, ends.domain);
}

// Amendment F, 7.5: PERFORM SECURITY OPERATION with chains
TEST(HostCertificatesTest, ChainsOfBothFormatsAndCurvesLeadToTheHostsKey) {
  for (const Format format : kFormats) {
    for (const Curve curve : {Curve::kP256, Curve::kP384}) {
      for (const bool long_chain : {false, true}) {
        Ends ends({.curve = curve, .format = format, .long_chain = long_chain});
        ASSERT_EQ(ends.send_certificates(), sw::kOk);
        ASSERT_TRUE(ends.card.host().has_value());
        EXPECT_EQ(ends.card.host()->key, ends.own.public_key());
        EXPECT_EQ(to_hex(ends.card.host()->subject), to_hex(kHostName));
      }
    }
  }
}

// Amendment F, 7.5.2.1: blocks of a certificate
TEST(HostCertificatesTest, BlocksMayBeOfAnySizeAndSaidEitherWay) {
  for (const Format format : kFormats) {
    for (const std::size_t size : {1UZ, 7UZ, 255UZ}) {
      for (const bool by_class : {false, true}) {
        Ends ends({.format = format});
        const Bytes certificate =
            ends.authority.chain(format, ends.own.public_key(), false).front();
        ByteView rest = certificate;
        StatusWord last = sw::kOk;
        while (!rest.empty()) {
          const ByteView block = rest.first(std::min(size, rest.size()));
          rest = rest.subspan(block.size());
          apdu::CommandApdu command{.cla = 0x80,
                                    .ins = 0x2A,
                                    .p1 = kCa.version,
                                    .p2 = kCa.identifier,
                                    .data = Bytes(block.begin(), block.end())};
          if (!rest.empty()) {
            (by_class ? command.cla : command.p1) |= by_class ? 0x10 : 0x80;
          }
          last = ends.card.perform_security_operation(command, ends.domain);
          ASSERT_EQ(last, sw::kOk);
        }
        EXPECT_TRUE(ends.card.host().has_value());
      }
    }
  }
}

// Amendment F, 7.5: changed certificates
TEST(HostCertificatesTest, NoFlippedBitOfAChainIsBelieved) {
  for (const Format format : kFormats) {
    Ends ends({.format = format, .long_chain = true});
    const auto chain = ends.authority.chain(format, ends.own.public_key(), true);
    for (std::size_t which = 0; which < chain.size(); ++which) {
      for (std::size_t octet = 0; octet < chain[which].size(); ++octet) {
        auto changed = chain;
        changed[which][octet] ^= static_cast<std::uint8_t>(1U << (octet % 8));
        EXPECT_NE(ends.send(changed), sw::kOk) << which << " " << octet;
        EXPECT_FALSE(ends.card.host().has_value());
      }
    }
    EXPECT_EQ(ends.send(chain), sw::kOk);
  }
}

TEST(HostCertificatesTest, TruncatedCertificatesAreWrongData) {
  for (const Format format : kFormats) {
    Ends ends({.format = format});
    const Bytes certificate = ends.authority.chain(format, ends.own.public_key(), false).front();
    for (std::size_t size = 1; size < certificate.size(); ++size) {
      const Bytes cut(certificate.begin(), certificate.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(submit(ends, cut), sw::kWrongData) << size;
    }
    EXPECT_EQ(submit(ends, {}), sw::kWrongLength);
    EXPECT_EQ(submit(ends, Bytes(4'097)), sw::kWrongLength);
  }
}

// Amendment F, 7.5: chains that do not hang together
TEST(HostCertificatesTest, ChainsThatDoNotHangTogetherAreRefused) {
  for (const Format format : kFormats) {
    Ends ends({.format = format});
    const auto& authority = ends.authority;
    const auto& host = ends.own.public_key();
    const auto stranger = make_key(Curve::kP256, "stranger");
    const Bytes intermediate =
        authority.certify(format, CertifiedUse::kVerification, authority.intermediate.public_key(),
                          authority.root, {kCaName, kKaName});
    const auto leaf = [&](const crypto::CurvePrivateKey& issuer, const Bytes& issuer_name) {
      return authority.certify(format, CertifiedUse::kKeyAgreement, host, issuer,
                               {issuer_name, kHostName});
    };
    // signed by somebody else
    EXPECT_EQ(submit(ends, leaf(stranger, kCaName)), kCertificateNotVerified);
    // the second by the root, or by a stranger, in place of the first
    EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
    EXPECT_EQ(submit(ends, leaf(authority.root, kKaName)), kCertificateNotVerified);
    EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
    EXPECT_EQ(submit(ends, leaf(stranger, kKaName)), kCertificateNotVerified);
    // naming another issuer
    EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
    EXPECT_EQ(submit(ends, leaf(authority.intermediate, kCaName)), kCertificateNotVerified);
    // a leaf where an issuer belongs, and the other way round
    EXPECT_EQ(submit(ends, leaf(authority.root, kCaName), true), sw::kWrongData);
    EXPECT_EQ(submit(ends, intermediate), sw::kWrongData);
    // after a refusal a chain begins anew: the leaf alone is not enough
    EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
    EXPECT_EQ(submit(ends, Bytes{0x30}), sw::kWrongData);
    EXPECT_EQ(submit(ends, leaf(authority.intermediate, kKaName)), kCertificateNotVerified);
    EXPECT_FALSE(ends.card.host().has_value());
    // the two formats in one chain
    const Format other = format == Format::kGp ? Format::kX509 : Format::kGp;
    EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
    EXPECT_EQ(submit(ends, authority.certify(other, CertifiedUse::kKeyAgreement, host,
                                             authority.intermediate, {kKaName, kHostName})),
              sw::kWrongData);
  }
}

TEST(HostCertificatesTest, AChainHasAtMostEightCertificates) {
  for (const int count : {8, 9}) {
    Ends ends({});
    auto issuer = ends.authority.root.duplicate();
    Bytes name = kCaName;
    StatusWord last = sw::kOk;
    for (int i = 1; i < count && sw::is_ok(last); ++i) {
      auto next = make_key(Curve::kP256, "next" + std::to_string(i));
      const Bytes next_name = {static_cast<std::uint8_t>(i)};
      last = submit(ends,
                    ends.authority.certify(Format::kGp, CertifiedUse::kVerification,
                                           next.public_key(), issuer, {name, next_name}),
                    true);
      issuer = std::move(next);
      name = next_name;
    }
    if (sw::is_ok(last)) {
      last = submit(ends, ends.authority.certify(Format::kGp, CertifiedUse::kKeyAgreement,
                                                 ends.own.public_key(), issuer, {name, kHostName}));
    }
    EXPECT_EQ(last, count == 8 ? sw::kOk : sw::kWrongData);
  }
}

// A chain of authorities with these path lengths, and the host below them.
StatusWord submit_authorities(const std::vector<int>& path_lengths) {
  Ends ends({.format = Format::kX509});
  auto issuer = ends.authority.root.duplicate();
  std::uint8_t number = 0;
  StatusWord last = sw::kOk;
  const auto issue = [&](const crypto::CurvePublicKey& subject, bool authority, int path_length) {
    const Bytes name = {number};
    const Bytes next_name = {++number};
    last = submit(ends,
                  test::make_x509({.key = &subject,
                                   .issuer_key = &issuer,
                                   .authority = authority,
                                   .path_length = path_length,
                                   .subject_key_identifier = next_name,
                                   .authority_key_identifier = name}),
                  authority);
  };
  for (const int path_length : path_lengths) {
    auto next = make_key(Curve::kP256, "authority" + std::to_string(number));
    issue(next.public_key(), true, path_length);
    issuer = std::move(next);
    if (!sw::is_ok(last)) {
      return last;
    }
  }
  issue(ends.own.public_key(), false, -1);
  return last;
}

TEST(HostCertificatesTest, AnAuthorityMaySayHowManyFollow) {
  EXPECT_EQ(submit_authorities({-1, -1, -1}), sw::kOk);
  EXPECT_EQ(submit_authorities({0}), sw::kOk);
  EXPECT_EQ(submit_authorities({0, -1}), kCertificateNotVerified);
  EXPECT_EQ(submit_authorities({1, -1}), sw::kOk);
  EXPECT_EQ(submit_authorities({1, -1, -1}), kCertificateNotVerified);
  EXPECT_EQ(submit_authorities({1, 5, -1}), kCertificateNotVerified) << "nobody allows more";
  EXPECT_EQ(submit_authorities({5, 0, -1}), kCertificateNotVerified);
  EXPECT_EQ(submit_authorities({2, 1, 0}), sw::kOk);
}

TEST(HostCertificatesTest, DatesCountWhereThereIsADay) {
  for (const Format format : kFormats) {
    const std::pair<std::uint32_t, StatusWord> days[] = {{20251231, kCertificateNotVerified},
                                                         {20260101, sw::kOk},
                                                         {20301231, sw::kOk},
                                                         {20310101, kCertificateNotVerified}};
    for (const auto& [day, expected] : days) {
      Ends ends({.format = format});
      ends.domain.date = pki::CertificateDate{day};
      EXPECT_EQ(ends.send_certificates(), expected) << day;
    }
  }
}

// Amendment F, 7.9: allow lists
TEST(HostCertificatesTest, TheAllowListIsAskedOfTheFirstCertificateAlone) {
  for (const Format format : kFormats) {
    Ends direct({.format = format});
    direct.domain.allow_list = {{0x12}};
    EXPECT_EQ(direct.send_certificates(), kCertificateNotAllowed);
    EXPECT_FALSE(direct.card.host().has_value());
    EXPECT_EQ(direct.domain.asked_of, kCa);
    direct.domain.allow_list.push_back({0x00, 0x11});  // the same number
    EXPECT_EQ(direct.send_certificates(), sw::kOk);

    Ends chained({.format = format, .long_chain = true});
    chained.domain.allow_list = {{0x22}};  // of the intermediate certificate
    EXPECT_EQ(chained.send_certificates(), sw::kOk);
    chained.domain.allow_list = {{0x11}};  // of the host's
    EXPECT_EQ(chained.send_certificates(), kCertificateNotAllowed);
  }
}

TEST(HostCertificatesTest, WithoutItsKeyNoCertificateIsVerified) {
  Ends ends({});
  ends.domain.ca.reset();
  EXPECT_EQ(ends.send_certificates(), sw::kReferencedDataNotFound);
  ends.domain.ca = ends.authority.root.public_key();
  EXPECT_EQ(ends.send_certificates(), sw::kOk);
}

TEST(HostCertificatesTest, AuthorisationsAreRefusedBecauseNobodyEvaluatesThem) {
  Ends ends({});
  test::FixedRng rng("certificate");
  const auto certificate =
      pki::GpCertificate::issue({.serial = {1},
                                 .authority = kCaName,
                                 .subject = kHostName,
                                 .expiration = pki::CertificateDate{20301231},
                                 .authorizations = Bytes{0x80, 0x00}},
                                ends.own.public_key(), ends.authority.root, rng)
          .value();
  EXPECT_EQ(submit(ends, certificate.encoded()), sw::kFunctionNotSupported);
}

TEST(HostCertificatesTest, ANewChainForgetsTheHostBefore) {
  Ends ends({});
  ASSERT_EQ(ends.send_certificates(), sw::kOk);
  const Bytes intermediate = ends.authority.certify(Format::kGp, CertifiedUse::kVerification,
                                                    ends.authority.intermediate.public_key(),
                                                    ends.authority.root, {kCaName, kKaName});
  EXPECT_EQ(submit(ends, intermediate, true), sw::kOk);
  EXPECT_FALSE(ends.card.host().has_value());
}

// Amendment F, 7.5: the host's blocks
TEST(CertificateCommandsTest, EveryCertificateIsCutAndMarked) {
  const std::vector<Bytes> chain = {Bytes(255, 1), Bytes(256, 2), Bytes(600, 3)};
  const auto commands = verify_certificate_commands(chain, kCa).value();
  ASSERT_EQ(commands.size(), 6U);
  const std::uint8_t p1[] = {0x03, 0x83, 0x03, 0x83, 0x83, 0x03};
  const std::uint8_t p2[] = {0x90, 0x90, 0x90, 0x10, 0x10, 0x10};
  const std::size_t sizes[] = {255, 255, 1, 255, 255, 90};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    EXPECT_EQ(commands[i].cla, 0x80);
    EXPECT_EQ(commands[i].p1, p1[i]) << i;
    EXPECT_EQ(commands[i].p2, p2[i]) << i;
    EXPECT_EQ(commands[i].data.size(), sizes[i]) << i;
  }
  EXPECT_EQ(verify_certificate_commands(chain, kCa, CertificateBlocks::kExtended).value().size(),
            3U);
  EXPECT_EQ(verify_certificate_commands({}, kCa).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(verify_certificate_commands(std::vector<Bytes>{{}}, kCa).error().code,
            Errc::kInvalidArgument);
}

// Amendment F, 7.2: the certificate store
TEST(CertificateCommandsTest, AStoreIsReadWithItsTagAndWithout) {
  EXPECT_EQ(to_hex(get_certificate_store({.identifier = 0x11, .version = 0x03}).encode()),
            "80CABF2106A6048302110300");
  for (const Format format : kFormats) {
    Ends ends({.format = format});
    Bytes list;
    for (const Bytes& one : ends.authority.chain(format, ends.own.public_key(), true)) {
      append(list, one);
    }
    const Bytes store = encode_domain_data(CertificateStore{.key = {}, .certificates = list});
    const Bytes answer(store.begin() + 6, store.end());
    for (const Bytes& octets : {answer, list}) {
      const auto certificates = read_certificate_store(octets).value();
      ASSERT_EQ(certificates.size(), 2U);
      EXPECT_EQ(certificates.back().key(), ends.own.public_key());
      EXPECT_TRUE(pki::verify_chain(certificates, ends.authority.root.public_key(),
                                    pki::CertificateDate{20280101})
                      .has_value());
      EXPECT_EQ(pki::verify_chain(certificates, ends.authority.root.public_key(),
                                  pki::CertificateDate{20320101})
                    .error()
                    .code,
                Errc::kExpired);
      EXPECT_EQ(pki::verify_chain(certificates, ends.own.public_key(), std::nullopt).error().code,
                Errc::kUntrusted);
    }
  }
}

}  // namespace
}  // namespace kagibin::scp
