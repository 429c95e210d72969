// SPDX-License-Identifier: Apache-2.0
// SCP11 in an element: sessions of every kind, who the host is in them, and what ends what.
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::se {
namespace {

using crypto::Curve;

// Amendment F, 7.6, 7.7: SCP11a, b, c of the element
TEST(CertificateSessionsTest, EveryVariantOpensOnBothCurvesInBothModesWithEverySize) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    for (const auto parameter : {scp::kScp11S8, scp::kScp11S16}) {
      Scp11Bench bench(curve, parameter);
      bench.put_keys();
      for (const auto variant : {Scp11Variant::kA, Scp11Variant::kB, Scp11Variant::kC}) {
        for (const auto key_size : {std::uint8_t{16}, std::uint8_t{24}, std::uint8_t{32}}) {
          auto host = bench.open_scp11(variant, 0, {.key_size = key_size});
          const auto card_data =
              bench.exchange(host, {.cla = 0x80, .ins = 0xCA, .p1 = 0x00, .p2 = 0x66, .le = 256});
          EXPECT_EQ(card_data.sw.value, 0x9000);
          EXPECT_EQ(gp::CardData::decode(card_data.data).value().parameter_of(scp::kScp11),
                    parameter.arc());
        }
      }
    }
  }
}

// Amendment F, 7.5, 6.1: certificates of both formats
TEST(CertificateSessionsTest, CertificatesOfBothFormatsAndInBlocksAreTaken) {
  Scp11Bench bench;
  bench.put_keys();
  for (const auto format : {Format::kGp, Format::kX509}) {
    for (const bool is_long : {false, true}) {
      for (const auto blocks :
           {scp::CertificateBlocks::kParameter, scp::CertificateBlocks::kParameterAndClass,
            scp::CertificateBlocks::kExtended}) {
        EXPECT_EQ(bench.show(bench.chain(format, is_long), 0, blocks).value, 0x9000);
        auto host = bench.make_host(Scp11Variant::kA);
        EXPECT_EQ(bench.authenticate(host).value, 0x9000);
      }
    }
  }
}

// GPCS 10.4.1: authentication levels
TEST(CertificateSessionsTest, ProvidersManageContentAndOthersDoNot) {
  Scp11Bench bench;
  bench.put_keys();
  auto provider = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(provider, install_test_application()).sw.value, 0x9000);
  EXPECT_EQ(bench.exchange(provider, get_status_of_isd()).sw.value, 0x9000);
  // INTERNAL AUTHENTICATE proves nothing about the host.
  auto anybody = bench.open_scp11(Scp11Variant::kB);
  EXPECT_EQ(bench.exchange(anybody, get_status_of_isd()).sw.value, 0x6982);
  EXPECT_EQ(bench.exchange(anybody, install_test_application("F0000000020102")).sw.value, 0x6982);
  EXPECT_EQ(
      bench.exchange(anybody, {.cla = 0x80, .ins = 0xCA, .p1 = 0, .p2 = 0xE0, .le = 256}).sw.value,
      0x9000);
}

TEST(CertificateSessionsTest, OnlyTheProviderThatTheDomainNamesIsOne) {
  Scp11Bench bench;
  bench.put_keys();
  auto session = bench.open_scp11(Scp11Variant::kA);
  const apdu::CommandApdu name_another{
      .cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = hex("5F20020CE1")};
  ASSERT_EQ(bench.exchange(session, name_another).sw.value, 0x9000);
  auto other = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(other, get_status_of_isd()).sw.value, 0x6982);
  auto shared = bench.open_isd();
  apdu::CommandApdu name_host = name_another;
  name_host.data = hex("5F20020CE0");
  ASSERT_EQ(bench.exchange(*shared, name_host).sw.value, 0x9000);
  auto own = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(own, get_status_of_isd()).sw.value, 0x9000);
}

// Amendment F, 4.3: what SCP11c does not change
TEST(CertificateSessionsTest, KeysAndLifeCyclesDoNotChangeInScp11c) {
  Scp11Bench bench;
  bench.put_keys();
  auto host = bench.open_scp11(Scp11Variant::kC);
  const auto key = gp::Key::aes(Bytes(16, 0x11)).value();
  EXPECT_EQ(bench.put(host, {0x01, 0x40}, key).value, 0x6985);
  EXPECT_EQ(bench.exchange(host, {.cla = 0x80, .ins = 0xE4, .data = hex("D20103")}).sw.value,
            0x6985);
  EXPECT_EQ(bench.exchange(host, {.cla = 0x80, .ins = 0xF0, .p1 = 0x80, .p2 = 0x7F}).sw.value,
            0x6985);
  EXPECT_EQ(bench.exchange(host, {.cla = 0x80, .ins = 0xF1, .p2 = 0x13, .data = hex("09F00100")})
                .sw.value,
            0x6985);
  EXPECT_EQ(bench.exchange(host, install_test_application()).sw.value, 0x9000);
  EXPECT_EQ(
      bench.exchange(host, {.cla = 0x80, .ins = 0xE4, .data = hex("4F07F0000000020101")}).sw.value,
      0x9000);
  auto a = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.put(a, {0x01, 0x40}, key).value, 0x9000);
}

// Amendment F, 4.3: scripts
TEST(CertificateSessionsTest, AScriptOfScp11cRunsAgainAndOthersDoNot) {
  for (const auto variant : {Scp11Variant::kA, Scp11Variant::kB, Scp11Variant::kC}) {
    Scp11Bench bench;
    bench.put_keys();
    std::vector<Bytes> script;
    const auto shown = scp::verify_certificate_commands(bench.chain(), kCa).value();
    for (const apdu::CommandApdu& command : shown) {
      script.push_back(command.encode());
    }
    if (variant == Scp11Variant::kB) {
      script.clear();
    }
    auto host = bench.make_host(variant);
    script.push_back(host.authenticate(bench.rng).value().encode());
    std::vector<Bytes> answers;
    for (const Bytes& command : script) {
      answers.push_back(bench.send(command).encode());
    }
    ASSERT_TRUE(host.finish(*apdu::ResponseApdu::decode(answers.back())).has_value());
    script.push_back(host.wrap(scp::plain_command(get_status_of_isd()), true).value().encode());
    answers.push_back(bench.send(script.back()).encode());
    const bool same = variant == Scp11Variant::kC;
    std::vector<Bytes> again;
    for (const Bytes& command : script) {
      again.push_back(bench.send(command).encode());
    }
    EXPECT_EQ(again == answers, same) << static_cast<int>(variant);
    EXPECT_EQ(apdu::ResponseApdu::decode(again.back())->sw.value, same ? 0x9000 : 0x6982);
  }
}

TEST(CertificateSessionsTest, WhatWasShownIsForgottenWhenSomethingElseBegins) {
  Scp11Bench bench;
  bench.put_keys();
  const auto answer_after = [&](auto between) {
    EXPECT_EQ(bench.show(bench.chain()).value, 0x9000);
    between();
    auto host = bench.make_host(Scp11Variant::kA);
    return bench.authenticate(host).value;
  };
  EXPECT_EQ(answer_after([] {}), 0x9000);
  EXPECT_EQ(answer_after([&] { bench.select(""); }), 0x6A88);
  EXPECT_EQ(answer_after([&] { bench.element->reset(); }), 0x6A88);
  EXPECT_EQ(answer_after([&] { bench.send("8050000008000102030405060700"); }), 0x6A88);
  EXPECT_EQ(answer_after([&] {
              auto first = bench.make_host(Scp11Variant::kA);
              EXPECT_EQ(bench.authenticate(first).value, 0x9000);
            }),
            0x6A88);
  // On one channel it is not known on another.
  const std::uint8_t other = bench.open_channel();
  EXPECT_EQ(bench.show(bench.chain(), other).value, 0x9000);
  auto host = bench.make_host(Scp11Variant::kA);
  EXPECT_EQ(bench.authenticate(host).value, 0x6A88);
  auto there = bench.make_host(Scp11Variant::kA);
  EXPECT_EQ(bench.authenticate(there, other).value, 0x9000);
}

// What another logical channel does to the CA key between two commands of this one.
class ChangedAuthorityTest : public ::testing::Test {
 protected:
  ChangedAuthorityTest() {
    bench_.put_keys();
    beside_ = bench_.open_channel();
  }
  // In a session of the ISD's own on the other channel.
  std::uint16_t beside(const apdu::CommandApdu& command) {
    auto session = bench_.open_isd(0x33, beside_);
    const auto out = bench_.send(*session, command, beside_).sw.value;
    bench_.select("", beside_);
    return out;
  }
  std::uint16_t replace_ca(const crypto::CurvePublicKey& key) {
    auto session = bench_.open_isd(0x33, beside_);
    const gp::SensitiveCipher cipher{
        .encrypt = [&](ByteView value) { return session->encrypt_sensitive(value); }};
    const gp::PutKey put{.old_version = kCa.version,
                         .new_version = kCa.version,
                         .first_identifier = kCa.identifier,
                         .keys = {gp::seal_key(gp::Key::ec_public(key).value(), cipher).value()}};
    const auto out = bench_.send(*session, put.encode().value(), beside_).sw.value;
    bench_.select("", beside_);
    return out;
  }
  std::uint16_t delete_ca() {
    return beside({.cla = 0x80, .ins = 0xE4, .data = hex("D00110D20103"), .le = 256});
  }
  std::uint16_t allow(std::string_view serials) {
    const Bytes list = hex(serials);
    Bytes data = hex("A60483021003");
    append(data, Bytes{0x70, static_cast<std::uint8_t>(list.size())});
    append(data, list);
    return beside({.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = std::move(data)});
  }
  std::uint16_t authenticate() {
    auto host = bench_.make_host(Scp11Variant::kA);
    return bench_.authenticate(host).value;
  }

  Scp11Bench bench_;
  std::uint8_t beside_ = 0;
};

// Amendment F, 7.5, 7.6: the CA key that certificates were verified under
TEST_F(ChangedAuthorityTest, AHostOfAReplacedOrDeletedCaKeyIsNotLetIn) {
  const auto stranger = make_key(crypto::Curve::kP256, "another CA-KLOC").public_key();
  ASSERT_EQ(bench_.show(bench_.chain()).value, 0x9000);
  ASSERT_EQ(replace_ca(stranger), 0x9000);
  EXPECT_EQ(authenticate(), 0x6A88);
  EXPECT_NE(bench_.element->reason().text().find("replaced or deleted"), std::string_view::npos);
  // The same key put again is the same key.
  ASSERT_EQ(replace_ca(bench_.authority.root.public_key()), 0x9000);
  ASSERT_EQ(bench_.show(bench_.chain()).value, 0x9000);
  ASSERT_EQ(replace_ca(bench_.authority.root.public_key()), 0x9000);
  EXPECT_EQ(authenticate(), 0x9000);
  bench_.select("");
  ASSERT_EQ(bench_.show(bench_.chain()).value, 0x9000);
  ASSERT_EQ(delete_ca(), 0x9000);
  EXPECT_EQ(authenticate(), 0x6A88);
}

TEST_F(ChangedAuthorityTest, AChainDoesNotGoOnUnderAnotherCaKey) {
  const auto stranger = make_key(crypto::Curve::kP256, "another CA-KLOC").public_key();
  const auto commands =
      scp::verify_certificate_commands(bench_.chain(Format::kGp, true), kCa).value();
  ASSERT_GE(commands.size(), 2U);
  const auto last_after = [&](auto between) {
    StatusWord last{};
    for (std::size_t at = 0; at < commands.size(); ++at) {
      if (at + 1 == commands.size()) {
        between();
      }
      last = bench_.send(commands[at]).sw;
    }
    return last.value;
  };
  EXPECT_EQ(last_after([] {}), 0x9000);
  EXPECT_EQ(last_after([&] { ASSERT_EQ(replace_ca(stranger), 0x9000); }), 0x6A88);
  EXPECT_EQ(authenticate(), 0x6A88);
  ASSERT_EQ(replace_ca(bench_.authority.root.public_key()), 0x9000);
  EXPECT_EQ(last_after([&] { ASSERT_EQ(delete_ca(), 0x9000); }), 0x6A88);
}

// Amendment F, 4.3: the allow list between PERFORM SECURITY OPERATION and MUTUAL AUTHENTICATE
TEST_F(ChangedAuthorityTest, WhomTheAllowListNoLongerNamesIsNotLetIn) {
  ASSERT_EQ(allow("930111"), 0x9000);
  ASSERT_EQ(bench_.show(bench_.chain()).value, 0x9000);
  ASSERT_EQ(allow("930112"), 0x9000);
  EXPECT_EQ(authenticate(), 0x6640);
  EXPECT_EQ(authenticate(), 0x6A88) << "it was forgotten";
  ASSERT_EQ(allow("930111"), 0x9000);
  ASSERT_EQ(bench_.show(bench_.chain()).value, 0x9000);
  ASSERT_EQ(allow("930112930111"), 0x9000);
  EXPECT_EQ(authenticate(), 0x9000);
}

// Amendment F, 7.1: i in 66 and 67
TEST(CertificateSessionsTest, CardDataAndCapabilitiesTellOneI) {
  for (const auto& [parameter, i] : {std::pair(scp::kScp11S8, std::string("9B02")),
                                     std::pair(scp::kScp11S16, std::string("DB02"))}) {
    Scp11Bench bench(Curve::kP256, parameter);
    EXPECT_NE(to_hex(bench.send("80CA006600").data).find("060A2A864886FC6B0411" + i),
              std::string::npos)
        << i;
    EXPECT_NE(to_hex(bench.send("80CA006700").data).find("A0078001118102" + i), std::string::npos)
        << to_hex(bench.send("80CA006700").data);
  }
}

// Amendment F, 4.3: one session
TEST(CertificateSessionsTest, ADomainHasOneSessionOfScp11c) {
  Scp11Bench bench;
  bench.put_keys();
  const std::uint8_t other = bench.open_channel();
  auto first = bench.open_scp11(Scp11Variant::kC);
  auto second = bench.make_host(Scp11Variant::kC);
  EXPECT_EQ(bench.show(bench.chain(), other).value, 0x9000);
  EXPECT_EQ(bench.authenticate(second, other).value, 0x6985);
  EXPECT_EQ(bench.exchange(first, get_status_of_isd()).sw.value, 0x9000);
  // Of the other variants as many as there are channels, and SCP11c again on the same channel.
  static_cast<void>(bench.open_scp11(Scp11Variant::kA, other));
  static_cast<void>(bench.open_scp11(Scp11Variant::kC));
  bench.select("");
  static_cast<void>(bench.open_scp11(Scp11Variant::kC, other));
}

TEST(CertificateSessionsTest, WrongSecureMessagingEndsTheSession) {
  Scp11Bench bench;
  bench.put_keys();
  auto host = bench.open_scp11(Scp11Variant::kA);
  auto wrapped = host.wrap(scp::plain_command(get_status_of_isd()), true).value();
  wrapped.data.back() ^= 1;
  EXPECT_EQ(bench.send(wrapped).sw.value, 0x6982);
  EXPECT_EQ(bench.send(get_status_of_isd()).sw.value, 0x6982);
  auto again = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(again, get_status_of_isd()).sw.value, 0x9000);
}

TEST(CertificateSessionsTest, ACommandInTheClearIsNoPartOfASession) {
  Scp11Bench bench;
  bench.put_keys();
  auto host = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.send(get_status_of_isd()).sw.value, 0x6982);
  const auto late = host.wrap(scp::plain_command(get_status_of_isd()), true).value();
  EXPECT_EQ(bench.send(late).sw.value, 0x6982);
}

TEST(CertificateSessionsTest, ADomainThatDoesNotSpeakScp11KnowsNoneOfItsCommands) {
  Bench bench;
  EXPECT_EQ(bench.status("802A031002ABCD"), 0x6D00);
  EXPECT_EQ(bench.status("80880313010000"), 0x6D00);
  EXPECT_EQ(bench.status("80820311010000"), 0x6D00);
  Scp11Bench without_keys;
  EXPECT_EQ(without_keys.show(without_keys.chain()).value, 0x6A88);
  auto host = without_keys.make_host(Scp11Variant::kB);
  EXPECT_EQ(without_keys.authenticate(host).value, 0x6A88);
}

// Amendment F, 5.1: key references
TEST(CertificateSessionsTest, KvnZeroIsTheFirstKeyOfItsKid) {
  Scp11Bench bench;
  bench.put_keys();
  auto host = bench.make_host(Scp11Variant::kB);
  auto command = host.authenticate(bench.rng).value();
  command.p1 = 0;
  EXPECT_TRUE(host.finish(bench.send(command)).has_value());
}

TEST(CertificateSessionsTest, IdentitiesOfTheDomainGoIntoTheKeys) {
  Scp11Bench bench;
  bench.put_keys();
  const scp::Scp11CardIdentity names{.sin = {0x49, 0x49}, .sdin = {0xC1, 0x17}};
  for (const auto variant : {Scp11Variant::kA, Scp11Variant::kB}) {
    auto host = bench.open_scp11(variant, 0, {.host_id = {1, 2, 3}, .card = names});
    EXPECT_TRUE(host.open());
  }
  // A host that thinks of another card derives other keys.
  auto host = bench.make_host(Scp11Variant::kB,
                              {.host_id = {1, 2, 3}, .card = {.sin = {0x49}, .sdin = {0x01}}});
  EXPECT_EQ(host.finish(bench.send(host.authenticate(bench.rng).value())).error().code,
            Errc::kAuthentication);
}

TEST(CertificateSessionsTest, TheStaticKeyDekOpensSensitiveData) {
  Scp11Bench bench;
  bench.put_keys();
  const Bytes dek(16, 0xDE);
  {
    auto session = bench.open_isd();
    ASSERT_EQ(bench.put(*session, {0x12, kKvn}, gp::Key::aes(dek).value()).value, 0x9000);
  }
  auto host = bench.open_scp11(Scp11Variant::kA);
  const Bytes key(16, 0x77);
  const gp::SensitiveCipher under_static{.encrypt = [&](ByteView value) {
    return crypto::aes_cbc_encrypt(dek, crypto::AesBlock{}, value);
  }};
  gp::PutKey put{.new_version = 0x41,
                 .first_identifier = 0x01,
                 .keys = {gp::seal_key(gp::Key::aes(key).value(), under_static).value()}};
  EXPECT_EQ(bench.exchange(host, put.encode().value()).sw.value, 0x9000);
  EXPECT_EQ(bench.put(host, {0x01, 0x42}, gp::Key::aes(key).value()).value, 0x6A80);
}

// GPCS 7.3: keys of the associated domain
TEST(CertificateSessionsTest, ASupplementaryDomainUsesTheKeysAboveUntilItHasItsOwn) {
  Scp11Bench bench;
  bench.put_keys();
  {
    auto session = bench.open_isd();
    ASSERT_EQ(bench.exchange(*session, Bench::install_domain(kDomainAid)).sw.value, 0x9000);
  }
  ASSERT_EQ(bench.select(kDomainAid).sw.value, 0x9000);
  auto served = bench.open_scp11(Scp11Variant::kA);
  const auto key = make_key(Curve::kP256, "SSD's own");
  ASSERT_EQ(bench.put(served, {0x13, 0x05}, gp::Key::ec_private(key).value()).value, 0x9000);
  auto refused = bench.make_host(Scp11Variant::kB);
  EXPECT_EQ(bench.authenticate(refused).value, 0x6A88);
  scp::Scp11Host own(key.public_key(), {.variant = Scp11Variant::kB, .key_version_number = 0x05});
  EXPECT_EQ(bench.authenticate(own).value, 0x9000);
  // Nor do the keys above open a session of another protocol.
  EXPECT_EQ(bench.status("8050000008000102030405060700"), 0x6A88);
}

TEST(CertificateSessionsTest, ADomainWithoutAProviderHasTheOneOfTheDomainWhoseKeysItUses) {
  Scp11Bench bench;
  bench.put_keys();
  {
    auto session = bench.open_isd();
    ASSERT_EQ(bench.exchange(*session, Bench::install_domain(kDomainAid)).sw.value, 0x9000);
    ASSERT_EQ(
        bench.exchange(*session, {.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = hex("5F20020CE1")})
            .sw.value,
        0x9000);
  }
  ASSERT_EQ(bench.select(kDomainAid).sw.value, 0x9000);
  auto other = bench.open_scp11(Scp11Variant::kA);
  EXPECT_EQ(bench.exchange(other, get_status_of_isd()).sw.value, 0x6982);
}

TEST(CertificateSessionsTest, AnApplicationHasItsDomainsSession) {
  Scp11Bench bench;
  bench.put_keys();
  {
    auto session = bench.open_isd();
    ASSERT_EQ(bench.exchange(*session, install_test_application()).sw.value, 0x9000);
  }
  ASSERT_EQ(bench.select(kTestAid).sw.value, 0x9000);
  auto host = bench.open_scp11(Scp11Variant::kA);
  const auto echoed =
      bench.exchange(host, {.cla = 0x80, .ins = 0x03, .data = hex("CAFE"), .le = 256});
  EXPECT_EQ(to_hex(echoed.data), "CAFE");
}

TEST(CertificateSessionsTest, ExpiredCertificatesAreRefused) {
  Scp11Bench bench;
  bench.put_keys();
  bench.clock.set_now(1'767'225'600 + 86'400);  // 2026-01-02
  EXPECT_EQ(bench.show(bench.chain()).value, 0x9000);
  bench.clock.set_now(1'925'078'400);  // 2031-01-02
  EXPECT_EQ(bench.show(bench.chain()).value, 0x6600);
  bench.clock.set_now(1'767'225'600 - 86'400);  // 2025-12-31
  EXPECT_EQ(bench.show(bench.chain()).value, 0x6600);
}

}  // namespace
}  // namespace kagibin::se
