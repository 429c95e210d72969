// SPDX-License-Identifier: Apache-2.0
// Scenario 3 of Amendment A between a provider and his new domain, carried by the issuer.
#include <algorithm>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/se/casd/casd_test_bench.h"
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::se {
namespace {

using pki::CertificateKind;

constexpr std::uint8_t kIssuersVersion = 0x20;
constexpr std::uint8_t kProvidersVersion = 0x31;
constexpr std::uint8_t kIssuersKeys = 0x21;

scp::Scp03KeySet channel_keys(const gp::AgreedKeySet& agreed) {
  return scp::Scp03KeySet::create(agreed.enc.duplicate(), agreed.mac.duplicate(),
                                  agreed.dek.duplicate())
      .value();
}

// The issuer made the provider's domain and put keys that he knows.
class ConfidentialBench : public CasdBench {
 public:
  explicit ConfidentialBench(ElementProfile profile = casd_profile(), bool with_keys = true)
      : CasdBench(std::move(profile)) {
    auto issuer = open_isd();
    EXPECT_EQ(status(*issuer, install_domain(kDomainAid)), 0x9000);
    casd_key.emplace(casd_point(CertificateKind::kCasdAgreement));
    if (!with_keys) {
      return;
    }
    select(kDomainAid);
    auto through_parent = open(test_keys(kIsdKeys));
    EXPECT_EQ(
        status(*through_parent,
               put_key(*through_parent, kIssuersVersion, test_keys(kIssuersKeys)).encode().value()),
        0x9000);
  }

  // A session in the domain with the keys that the issuer knows.
  std::unique_ptr<scp::Scp03Host> open_domain(std::uint8_t channel = 0) {
    EXPECT_EQ(select(kDomainAid, channel).sw.value, 0x9000);
    return open(test_keys(kIssuersKeys), kIssuersVersion, 0x33, channel);
  }
  gp::SetupReference reference() const {
    return {.deletes_existing = true, .certified = true, .key_version = kProvidersVersion};
  }
  // What the issuer carries through his session, and sees in the clear.
  apdu::ResponseApdu carry(scp::Scp03Host& host, const apdu::CommandApdu& command) {
    append(seen, command.data);
    apdu::ResponseApdu answer = send(host, command);
    append(seen, answer.data);
    return answer;
  }
  // The answer to the last block, or to the first that was refused.
  apdu::ResponseApdu show(scp::Scp03Host& host, ByteView shown) {
    apdu::ResponseApdu out;
    for (const apdu::CommandApdu& block : gp::show_certificate(shown)) {
      out = carry(host, block);
      if (out.sw.value != 0x9000) {
        break;
      }
    }
    return out;
  }
  apdu::CommandApdu ask(scp::Scp03Host& host, gp::ProviderSetup& setup) {
    setup.show_certificate(certificate);
    const auto challenge = show(host, certificate);
    EXPECT_EQ(challenge.sw.value, 0x9000);
    return setup.ask(challenge.data, provider, rng).value();
  }
  gp::AgreedKeySet set_up(scp::Scp03Host& host, const gp::SetupReference& reference) {
    gp::ProviderSetup setup(reference, *casd_key,
                            {.iin = hex("42121001"), .cin = hex("49490000C117")});
    const auto answer = carry(host, ask(host, setup));
    EXPECT_EQ(answer.sw.value, 0x9000);
    auto keys = setup.finish(answer.data);
    EXPECT_TRUE(keys.has_value());
    return keys ? std::move(*keys) : gp::AgreedKeySet{};
  }
  bool opens(scp::Scp03KeySet keys, std::uint8_t version) {
    select(kDomainAid);
    scp::Scp03Host host(std::move(keys), {.key_version_number = version});
    const auto answer = send(host.initialize_update(rng).value());
    const auto authenticate =
        answer.sw.value == 0x9000
            ? host.external_authenticate(answer, scp::SecurityLevel{0x33})
            : Result<apdu::CommandApdu>(fail(Errc::kCardStatus, "refused", answer.sw));
    return authenticate && send(*authenticate).sw.value == 0x9000;
  }
  bool has_version(std::uint8_t version) {
    select(kDomainAid);
    return gp::KeyInformation::decode(send("80CA00E000").data)->holds(version);
  }

  std::optional<crypto::CurvePublicKey> casd_key;
  Bytes seen;
  Bytes certificate = provider_certificate();
};

TEST(ConfidentialDomainTest, ProviderAndDomainAgreeOnKeysThatTheIssuerWhoCarriesNeverKnows) {
  ConfidentialBench bench;
  auto host = bench.open_domain();
  const auto keys = bench.set_up(*host, bench.reference());
  ASSERT_FALSE(keys.enc.empty());

  // The new set opens a session; the issuer's is gone, and the session it had opened is over.
  EXPECT_EQ(bench
                .send(*host,
                      apdu::CommandApdu{
                          .cla = 0x80, .ins = 0xF2, .p1 = 0x40, .p2 = 0x02, .data = hex("4F00")})
                .sw.value,
            0x6982);
  EXPECT_FALSE(bench.opens(test_keys(kIssuersKeys), kIssuersVersion));
  EXPECT_FALSE(bench.has_version(kIssuersVersion));
  EXPECT_TRUE(bench.opens(channel_keys(keys), kProvidersVersion));
  // The issuer's own domain serves his keys, and no longer this one.
  EXPECT_FALSE(bench.opens(test_keys(kIsdKeys), 0));

  // All that went through his session is in `seen`, in the clear. No key stands there, and none is
  // what the derivation makes of anything that stands there.
  for (const SecretBytes* key : {&keys.receipt_key, &keys.enc, &keys.mac, &keys.dek}) {
    EXPECT_TRUE(std::ranges::search(bench.seen, key->expose()).empty());
  }
  ASSERT_GT(bench.seen.size(), 300U);
  for (std::size_t at = 0; at + 32 <= bench.seen.size(); ++at) {
    const auto guess = SecretBytes::copy_of(ByteView(bench.seen).subspan(at, 32));
    const auto derived = gp::derive_key_set(guess, bench.reference(), {}, {});
    EXPECT_FALSE(ct_equal(derived->enc.expose(), keys.enc.expose()));
  }
}

TEST(ConfidentialDomainTest, EveryShapeOfTheReferenceMakesASetThatOpens) {
  const std::vector<gp::SetupReference> all = {
      {.certified = true, .key_version = kProvidersVersion},
      {.with_random = true, .certified = true, .key_size = 32, .key_version = kProvidersVersion},
      {.deletes_existing = true,
       .with_random = true,
       .with_identities = true,
       .certified = true,
       .access = 0x01,
       .key_size = 24,
       .names_identifier = true,
       .key_version = kProvidersVersion,
       .counter = Bytes{},
       .cin = hex("49490000C117"),
       .host_id = hex("0102")}};
  for (const gp::SetupReference& reference : all) {
    ConfidentialBench bench;
    auto host = bench.open_domain();
    const auto keys = bench.set_up(*host, reference);
    EXPECT_TRUE(bench.opens(channel_keys(keys), kProvidersVersion));
    EXPECT_EQ(bench.opens(test_keys(kIssuersKeys), kIssuersVersion), !reference.deletes_existing);
  }
}

TEST(ConfidentialDomainTest, TheUnsignedFormGoesInOneBlockAndInTwo) {
  for (const bool two : {false, true}) {
    ConfidentialBench bench;
    auto host = bench.open_domain();
    const gp::SetupReference reference{.deletes_existing = true, .key_version = kProvidersVersion};
    gp::ProviderSetup setup(reference, *bench.casd_key);
    apdu::CommandApdu command = setup.ask(bench.rng).value();
    if (two) {
      const std::size_t cut = 3 + reference.encode().size();
      apdu::CommandApdu first = command;
      first.p1 = 0x08;
      first.data.resize(cut);
      apdu::CommandApdu alone = first;
      alone.p1 = 0x88;
      EXPECT_EQ(bench.carry(*host, alone).sw.value, 0x6A80) << "the last block has the key";
      EXPECT_EQ(bench.carry(*host, first).sw.value, 0x9000);
      command.p2 = 0x01;
      command.data.erase(command.data.begin(),
                         command.data.begin() + static_cast<std::ptrdiff_t>(cut));
    }
    const auto answer = bench.carry(*host, command);
    ASSERT_EQ(answer.sw.value, 0x9000);
    const auto keys = setup.finish(answer.data);
    ASSERT_TRUE(keys.has_value());
    EXPECT_TRUE(bench.opens(channel_keys(*keys), kProvidersVersion));
  }
}

TEST(ConfidentialDomainTest, GoesThroughTheDomainAboveAsLongAsThereAreNoKeys) {
  for (const bool with_keys : {false, true}) {
    ConfidentialBench bench(casd_profile(), with_keys);
    auto issuer = bench.open_isd();
    EXPECT_EQ(bench.status(*issuer, gp::Install{.purpose = gp::InstallFor::kPersonalization,
                                                .application = aid(kDomainAid)}
                                        .encode()
                                        .value()),
              with_keys ? 0x6985 : 0x9000);
    if (with_keys) {
      continue;
    }
    const auto keys = bench.set_up(*issuer, bench.reference());
    EXPECT_TRUE(bench.opens(channel_keys(keys), kProvidersVersion));
  }
}

TEST(ConfidentialDomainTest, SessionsOnOtherChannelsEndToo) {
  ConfidentialBench bench;
  const std::uint8_t channel = bench.open_channel();
  auto beside = bench.open_domain(channel);
  auto host = bench.open_domain();
  bench.set_up(*host, bench.reference());
  EXPECT_EQ(bench
                .send(*beside,
                      apdu::CommandApdu{
                          .cla = 0x80, .ins = 0xF2, .p1 = 0x40, .p2 = 0x02, .data = hex("4F00")},
                      channel)
                .sw.value,
            0x6982);
}

TEST(ConfidentialDomainTest, ACertificateLongerThanACommandComesInPieces) {
  ConfidentialBench bench;
  bench.certificate = bench.long_provider_certificate();
  ASSERT_GT(gp::show_certificate(bench.certificate).size(), 1U);
  auto host = bench.open_domain();
  const auto keys = bench.set_up(*host, bench.reference());
  EXPECT_TRUE(bench.opens(channel_keys(keys), kProvidersVersion));
}

// Refusals.
class ConfidentialRefusalTest : public ::testing::Test {
 protected:
  ConfidentialRefusalTest() : host_(bench_.open_domain()) {}
  void TearDown() override {
    // Nothing came of it.
    EXPECT_TRUE(bench_.opens(test_keys(kIssuersKeys), kIssuersVersion));
    EXPECT_FALSE(bench_.has_version(kProvidersVersion));
  }
  gp::ProviderSetup setup(const gp::SetupReference& reference) const {
    return {reference, *bench_.casd_key};
  }

  ConfidentialBench bench_;
  std::unique_ptr<scp::Scp03Host> host_;
};

TEST_F(ConfidentialRefusalTest, WrongCertificatesAndWrongSignaturesLookAlike) {
  const auto good = bench_.fields(CertificateKind::kServiceProvider);
  auto elsewhere = good;
  elsewhere.aids = {hex("F000000009")};
  auto expired = good;
  expired.expiration = {20270102};
  const auto somebody = seeded_key("somebody");
  const std::vector<Bytes> certificates = {
      pki::Certificate::issue(good, bench_.provider.public_key(), somebody, bench_.rng)->encoded(),
      bench_.certify(elsewhere, bench_.provider.public_key()),
      bench_.certify(expired, bench_.provider.public_key()),
      bench_.certify(bench_.fields(CertificateKind::kCasdSignature), bench_.provider.public_key()),
      hex("7F2101")};
  std::vector<std::string_view> reasons;
  for (const Bytes& certificate : certificates) {
    EXPECT_EQ(bench_.show(*host_, certificate).sw.value, 0x6A80);
    reasons.push_back(bench_.element->reason().text());
  }
  // Signed by another key, and with one bit of each part changed.
  auto asked = setup(bench_.reference());
  apdu::CommandApdu command = bench_.ask(*host_, asked);
  command.data.back() ^= 1;
  EXPECT_EQ(bench_.carry(*host_, command).sw.value, 0x6A80);
  reasons.push_back(bench_.element->reason().text());
  auto by_another = setup(bench_.reference());
  const auto challenge =
      bench_.carry(*host_, gp::show_certificate(bench_.provider_certificate()).front());
  EXPECT_EQ(
      bench_.carry(*host_, by_another.ask(challenge.data, somebody, bench_.rng).value()).sw.value,
      0x6A80);
  reasons.push_back(bench_.element->reason().text());
  for (const std::string_view reason : reasons) {
    EXPECT_FALSE(reason.empty());
    EXPECT_EQ(reason, reasons.front());
  }
}

TEST_F(ConfidentialRefusalTest, PiecesOfACertificateComeInOrderAndMakeItWhole) {
  const auto pieces = gp::show_certificate(bench_.long_provider_certificate());
  ASSERT_EQ(pieces.size(), 2U);
  const auto show = [&](const apdu::CommandApdu& piece) {
    return bench_.carry(*host_, piece).sw.value;
  };
  // Behind the first piece each of these, and then what would have been right.
  const auto changed = [&](auto change) {
    apdu::CommandApdu next = pieces[1];
    change(next);
    EXPECT_EQ(show(pieces[0]), 0x9000);
    const std::uint16_t said = show(next);
    EXPECT_NE(show(pieces[1]), 0x9000) << "a piece counts behind a wrong one";
    return said;
  };
  EXPECT_EQ(changed([](auto& next) { next.data.push_back(0x00); }), 0x6A80);
  EXPECT_EQ(changed([](auto& next) { next.p1 |= 0x80; }), 0x6985);
  EXPECT_EQ(changed([](auto& next) { next.p1 &= 0xE7; }), 0x6985);
  EXPECT_EQ(changed([](auto& next) { next.data[0] ^= 1; }), 0x6A80);
  EXPECT_EQ(changed([](auto& next) {
              next = {.cla = 0x80, .ins = 0xF2, .p1 = 0x40, .p2 = 0x02, .data = hex("4F00")};
            }),
            0x9000);
  // A piece is no certificate, and one that announces more than is taken is none either.
  EXPECT_NE(show(pieces[1]), 0x9000);
  apdu::CommandApdu endless = pieces[0];
  endless.data[3] = 0x02;
  EXPECT_EQ(show(endless), 0x6A80);
  // Begun again, the first counts as the first.
  EXPECT_EQ(show(pieces[0]), 0x9000);
  EXPECT_EQ(show(pieces[0]), 0x9000);
  EXPECT_EQ(show(pieces[1]), 0x9000);
}

TEST_F(ConfidentialRefusalTest, AChallengeIsGoodOnceAndForItsDomainAlone) {
  auto asked = setup(bench_.reference());
  const apdu::CommandApdu command = bench_.ask(*host_, asked);
  apdu::CommandApdu wrong = command;
  wrong.data.back() ^= 1;
  EXPECT_EQ(bench_.carry(*host_, wrong).sw.value, 0x6A80);
  // The right one comes too late.
  EXPECT_NE(bench_.carry(*host_, command).sw.value, 0x9000);
  // Without a certificate before.
  apdu::CommandApdu alone = command;
  alone.p2 = 0x00;
  EXPECT_EQ(bench_.carry(*host_, alone).sw.value, 0x6985);
  // Another command in between.
  auto second = setup(bench_.reference());
  apdu::CommandApdu late = bench_.ask(*host_, second);
  bench_.send(*host_, apdu::CommandApdu{
                          .cla = 0x80, .ins = 0xF2, .p1 = 0x40, .p2 = 0x02, .data = hex("4F00")});
  late.p2 = 0x00;
  EXPECT_EQ(bench_.carry(*host_, late).sw.value, 0x6985);
}

TEST_F(ConfidentialRefusalTest, TheFormIsWhatTheReferenceSays) {
  // b4 set and no certificate; unset behind a certificate.
  const gp::SetupReference claimed{.certified = true, .key_version = kProvidersVersion};
  const Bytes point = bench_.casd_key->point();
  EXPECT_EQ(bench_.carry(*host_, gp::ask_unsigned(claimed.encode(), point)).sw.value, 0x6A80);
  const gp::SetupReference plain{.key_version = kProvidersVersion};
  const auto challenge =
      bench_.carry(*host_, gp::show_certificate(bench_.provider_certificate()).front());
  const Bytes covered = gp::encode_signed_octets(plain.encode(), point);
  const Bytes signature =
      crypto::ecdsa_sign_raw(
          bench_.provider,
          {gp::setup_signed_data(covered, gp::decode_challenge(challenge.data).value())},
          bench_.rng)
          .value();
  EXPECT_EQ(bench_.carry(*host_, gp::ask_signed(covered, signature)).sw.value, 0x6A80);
}

TEST_F(ConfidentialRefusalTest, PointsOffTheCurveAndVersionsInUseAreRefused) {
  const gp::SetupReference plain{.key_version = kProvidersVersion};
  Bytes off = bench_.casd_key->point();
  off.back() ^= 1;
  EXPECT_EQ(bench_.carry(*host_, gp::ask_unsigned(plain.encode(), off)).sw.value, 0x6A80);
  EXPECT_EQ(bench_.carry(*host_, gp::ask_unsigned(plain.encode(), Bytes(65))).sw.value, 0x6A80);
  const gp::SetupReference in_use{.key_version = kIssuersVersion};
  EXPECT_EQ(
      bench_.carry(*host_, gp::ask_unsigned(in_use.encode(), bench_.casd_key->point())).sw.value,
      0x6A80);
  const gp::SetupReference for_applications{.access = 0x02, .key_version = kProvidersVersion};
  EXPECT_EQ(
      bench_.carry(*host_, gp::ask_unsigned(for_applications.encode(), bench_.casd_key->point()))
          .sw.value,
      0x6985);
  const gp::SetupReference other_card{.with_identities = true,
                                      .key_version = kProvidersVersion,
                                      .cin = hex("4949"),
                                      .host_id = hex("01")};
  EXPECT_EQ(bench_.carry(*host_, gp::ask_unsigned(other_card.encode(), bench_.casd_key->point()))
                .sw.value,
            0x6A80);
}

TEST_F(ConfidentialRefusalTest, OutsideASessionNobodySetsUpKeys) {
  bench_.select(kDomainAid);
  const gp::SetupReference plain{.key_version = kProvidersVersion};
  EXPECT_EQ(bench_.send(gp::ask_unsigned(plain.encode(), bench_.casd_key->point())).sw.value,
            0x6982);
}

TEST(ConfidentialDomainTest, AnElementWithoutACasdSaysSo) {
  Bench bench;
  auto issuer = bench.open_isd();
  const gp::SetupReference plain{.key_version = kProvidersVersion};
  const auto point = crypto::CurvePublicKey::from(seeded_key("x").public_key()).point();
  EXPECT_EQ(bench.status(*issuer, gp::ask_unsigned(plain.encode(), point)), 0x6A88);
  EXPECT_FALSE(bench.element->reason().text().empty());
}

TEST(ConfidentialDomainTest, ASessionThatCanBeSentAgainSetsUpNoKeys) {
  ElementProfile profile = casd_profile();
  profile.scp11 = scp::kScp11S8;
  Scp11Bench bench(std::move(profile));
  bench.put_keys();
  auto host = bench.open_scp11(Scp11Variant::kC);
  const auto point = crypto::CurvePublicKey::from(seeded_key("x").public_key()).point();
  const gp::SetupReference plain{.key_version = kProvidersVersion};
  EXPECT_EQ(bench.exchange(host, gp::ask_unsigned(plain.encode(), point)).sw.value, 0x6985);
}

// Who answers in the CASD's place does not know its private key.
TEST(ConfidentialDomainTest, AnIssuerWhoAnswersHimselfIsFound) {
  ConfidentialBench bench;
  test::FixedRng rng("issuer in the middle");
  const auto his = crypto::CurvePrivateKey::generate(crypto::Curve::kP256, rng).value();
  gp::ProviderSetup setup({.key_version = kProvidersVersion}, *bench.casd_key);
  const auto command = setup.ask(rng).value();
  const auto request = gp::SetupRequest::decode(command.data).value();
  // He sends a point of his own to the card instead, and hands its answer on.
  auto host = bench.open_domain();
  const auto answer =
      bench.carry(*host, gp::ask_unsigned(request.reference, his.public_key().point()));
  ASSERT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(setup.finish(answer.data).error().code, Errc::kAuthentication);
}

TEST(ConfidentialPowerTest, ACutLeavesTheIssuersSetOrTheProvidersAndNeverNone) {
  // Undisturbed, for the keys: every run draws the same randomness.
  ConfidentialBench undisturbed;
  auto host = undisturbed.open_domain();
  gp::ProviderSetup setup(undisturbed.reference(), *undisturbed.casd_key);
  const auto command = undisturbed.ask(*host, setup);
  undisturbed.power->restore();
  const auto answer = undisturbed.carry(*host, command);
  ASSERT_EQ(answer.sw.value, 0x9000);
  const std::uint64_t writes = undisturbed.power->writes;
  EXPECT_EQ(writes, 1U) << "one transaction a command";
  const auto keys = setup.finish(answer.data);
  ASSERT_TRUE(keys.has_value());

  for (std::uint64_t write = 1; write <= writes; ++write) {
    for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
      ConfidentialBench bench;
      auto cut_host = bench.open_domain();
      gp::ProviderSetup again(bench.reference(), *bench.casd_key);
      const auto same = bench.ask(*cut_host, again);
      ASSERT_EQ(same.data, command.data);
      const auto wrapped = cut_host->wrap({.cla = same.cla,
                                           .ins = same.ins,
                                           .p1 = same.p1,
                                           .p2 = same.p2,
                                           .data = same.data,
                                           .le = same.le});
      bench.power->cut_at(write, cut);
      EXPECT_FALSE(bench.element->transmit(wrapped->encode()).has_value());
      bench.restart();
      const bool done = cut == test::Cut::kAfter && write == writes;
      EXPECT_EQ(bench.opens(channel_keys(*keys), kProvidersVersion), done);
      EXPECT_EQ(bench.opens(test_keys(kIssuersKeys), kIssuersVersion), !done);
    }
  }
}

}  // namespace
}  // namespace kagibin::se
