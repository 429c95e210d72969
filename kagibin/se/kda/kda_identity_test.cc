// SPDX-License-Identifier: Apache-2.0
// Who a KDA is: the maker's commands, and what no command may bring out.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"
#include "kagibin/se/kda/kda_test_bench.h"
#include "kagibin/se/kda/key_delivery_application.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;

// The maker's session, and certificates that may be wrong in one thing.
struct MakerTest : testing::Test {
  MakerTest() : bench({.certify = false}) {}

  void open(std::uint8_t level = 0x33) {
    host.emplace(key_set(0x10), scp::Scp03HostOptions{.key_version_number = 0x30});
    const auto update = bench.kda(host->initialize_update(bench.rng).value());
    const auto ext = host->external_authenticate(*update, scp::SecurityLevel{level});
    ASSERT_TRUE(ext.has_value());
    ASSERT_TRUE(host->finish_authentication(*bench.kda(*ext)).has_value());
  }
  apdu::ResponseApdu send(const apdu::CommandApdu& plain) {
    const auto wrapped = host->wrap({.cla = plain.cla,
                                     .ins = plain.ins,
                                     .p1 = plain.p1,
                                     .p2 = plain.p2,
                                     .data = plain.data,
                                     .le = plain.le});
    return host->unwrap(*bench.kda(*wrapped))->response;
  }
  StatusWord store(const kda::StoredCertificates& stored) {
    StatusWord last;
    for (const apdu::CommandApdu& block : kda::store_certificates(stored.encode())) {
      last = send(block).sw;
      if (last != sw::kOk) {
        break;
      }
    }
    return last;
  }
  // GENERATE and certificates as they should be.
  void generate() {
    const auto answer = kda::GeneratedKeys::decode(send(kda::generate()).data);
    ASSERT_TRUE(answer.has_value());
    keys = *answer;
  }
  pki::CertificateFields maker_fields() const {
    pki::CertificateFields out = bench.provider_fields();
    out.kind = pki::CertificateKind::kMaker;
    out.subject = {0x4D};
    out.aids.clear();
    out.platform = std::array<std::uint8_t, 16>{0x50};
    return out;
  }
  pki::CertificateFields kda_fields() const {
    pki::CertificateFields out = bench.provider_fields();
    out.kind = pki::CertificateKind::kKda;
    const auto maker = maker_fields().subject;
    out.issuer.assign(maker.begin(), maker.end());
    out.subject = bench.seid.octets;
    out.aids = {Bytes(kda::kAid.begin(), kda::kAid.end())};
    out.code_hash = key_delivery_load_file().code_hash();
    out.attestation = pki::AttestationProfile::kAtt1;
    return out;
  }
  Bytes issue(const pki::CertificateFields& fields,
              const kda::Point& subject,
              const crypto::EcPrivateKey& issuer) {
    return pki::Certificate::issue(fields, crypto::EcPublicKey::from_point(subject).value(), issuer,
                                   bench.rng)
        .value()
        .encoded();
  }
  kda::StoredCertificates good() {
    return {.authority_key = bench.authority.public_key().point(),
            .maker_certificate =
                issue(maker_fields(), bench.maker.public_key().point(), bench.authority),
            .kda_certificate = issue(kda_fields(), keys.signing_key, bench.maker)};
  }

  KdaBench bench;
  std::optional<scp::Scp03Host> host;
  kda::GeneratedKeys keys;
};

TEST_F(MakerTest, TheMakersCommandsNeedItsSessionWithCMac) {
  EXPECT_EQ(bench.kda(kda::generate())->sw, sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(bench.kda(kda::store_certificates(Bytes(100, 0)))->sw, sw::kSecurityStatusNotSatisfied);
  open(0x00);
  EXPECT_EQ(bench.kda(kda::generate())->sw, sw::kSecurityStatusNotSatisfied);
  open(0x01);
  EXPECT_NE(bench.kda(kda::generate())->sw, sw::kOk);  // in a session, without its MAC
}

TEST_F(MakerTest, GenerateTwiceAnswersTheSameKeys) {
  open();
  generate();
  const kda::GeneratedKeys first = keys;
  generate();
  EXPECT_EQ(keys, first);
  bench.restart();
  open();
  generate();
  EXPECT_EQ(keys, first);
  EXPECT_NE(keys.signing_key, keys.agreement_key);
}

TEST_F(MakerTest, CertificatesBeforeKeysAreRefused) {
  open();
  keys.signing_key = bench.maker.public_key().point();
  EXPECT_EQ(store(good()), sw::kConditionsNotSatisfied);
}

TEST_F(MakerTest, StoringCertificatesClosesTheMakersCommands) {
  open();
  generate();
  ASSERT_EQ(store(good()), sw::kOk);
  EXPECT_EQ(bench.kda(kda::generate())->sw, sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.kda(kda::store_certificates(good().encode()))->sw, sw::kConditionsNotSatisfied);
  scp::Scp03Host again(key_set(0x10), {.key_version_number = 0x30});
  EXPECT_EQ(bench.kda(again.initialize_update(bench.rng).value())->sw, sw::kConditionsNotSatisfied);
  bench.restart();
  EXPECT_EQ(bench.kda(kda::generate())->sw, sw::kConditionsNotSatisfied);
}

TEST_F(MakerTest, RefusesCertificatesThatAreNotForThisInstance) {
  open();
  generate();
  const auto with = [&](auto change) {
    pki::CertificateFields fields = kda_fields();
    change(fields);
    kda::StoredCertificates stored = good();
    stored.kda_certificate = issue(fields, keys.signing_key, bench.maker);
    return store(stored);
  };
  EXPECT_EQ(with([](auto& f) { (*f.code_hash)[0] ^= 1U; }), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(with([](auto& f) { f.aids[0].back() ^= 1U; }), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(with([](auto& f) { f.attestation = pki::AttestationProfile::kAtt0; }),
            sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(with([](auto& f) { f.issuer.back() ^= 1U; }), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(with([](auto& f) { f.expiration = {20250101}, f.effective = {20240101}; }),
            sw::kSecurityStatusNotSatisfied);
  kda::StoredCertificates stored = good();
  stored.kda_certificate = issue(kda_fields(), keys.agreement_key, bench.maker);
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  stored.kda_certificate = issue(kda_fields(), keys.signing_key, bench.provider);
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  stored = good();
  stored.authority_key = bench.provider.public_key().point();
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  stored.authority_key[64] ^= 1U;
  EXPECT_EQ(store(stored), sw::kWrongData);
  EXPECT_EQ(store(good()), sw::kOk);
}

TEST_F(MakerTest, AnOceCertificateFitsTheSecondKeyAndTheSameElement) {
  open();
  generate();
  pki::CertificateFields fields = maker_fields();
  fields.kind = pki::CertificateKind::kOce;
  fields.platform.reset();
  fields.subject = bench.seid.octets;
  kda::StoredCertificates stored = good();
  stored.oce_certificate = issue(fields, keys.signing_key, bench.authority);
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  stored.oce_certificate = issue(fields, keys.agreement_key, bench.provider);
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  fields.subject[15] ^= 1U;
  stored.oce_certificate = issue(fields, keys.agreement_key, bench.authority);
  EXPECT_EQ(store(stored), sw::kSecurityStatusNotSatisfied);
  fields.subject = bench.seid.octets;
  stored.oce_certificate = issue(fields, keys.agreement_key, bench.authority);
  EXPECT_EQ(store(stored), sw::kOk);
}

// --- what no command brings out ----------------------------------------------------------------

TEST(KdaSecrets, NoAnswerOfAnyCommandHoldsAKey) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  const envelope::Payload payload = bench.add_keys(0x31);
  bench.seal(delivery, payload);
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  // The session is open, the envelope in RAM.
  kda::Pump pump(delivery.handle());
  kda::Pump::Step step = pump.start();
  for (int exchange = 0; exchange < 5; ++exchange) {
    const auto answer = step.channel == kda::Pump::Channel::kKda ? bench.kda(step.command)
                                                                 : bench.target(step.command);
    step = pump.answered(*answer);
  }
  std::vector<SecretBytes> secrets;
  for (const std::string& name : bench.element->nvm().names("app/")) {
    if (name.find("key") != std::string::npos) {
      secrets.push_back(bench.element->nvm().get(name)->duplicate());
    }
  }
  ASSERT_EQ(secrets.size(), 3U);  // SK.KDA.SIG, SK.OCE.ECKA, skE
  for (const auto& key : std::get<envelope::PutKeyAction>(payload.actions[0]).keys) {
    secrets.push_back(key.value.duplicate());
  }
  for (const SecretBytes* key :
       {&payload.channel_keys->enc, &payload.channel_keys->mac, &payload.channel_keys->dek}) {
    secrets.push_back(key->duplicate());
  }
  secrets.push_back(payload.receipt_key.duplicate_bytes());

  bench.kda_answers.clear();
  const std::vector<Bytes> bodies{{},
                                  kda::encode_handle(delivery.handle()),
                                  kda::NextRequest{delivery.handle(), {}}.encode(),
                                  hex("00"),
                                  delivery.request};
  std::size_t sent = 0;
  for (const std::uint8_t cla : std::array<std::uint8_t, 4>{0x00, 0x80, 0x84, 0x90}) {
    for (int instruction = 0; instruction <= 0xFF; ++instruction) {
      if (instruction == 0x70 || instruction == 0xA4) {
        continue;  // MANAGE CHANNEL and SELECT are OPEN's
      }
      for (const auto& [p1, p2] : std::vector<std::pair<std::uint8_t, std::uint8_t>>{
               {0, 0}, {0, 1}, {1, 0}, {0x80, 0}, {0, 0x66}, {0xFF, 0xFF}}) {
        for (const Bytes& body : bodies) {
          if (body.size() > 255) {
            continue;
          }
          const auto answer = bench.kda({.cla = cla,
                                         .ins = static_cast<std::uint8_t>(instruction),
                                         .p1 = p1,
                                         .p2 = p2,
                                         .data = body,
                                         .le = 256});
          ASSERT_TRUE(answer.has_value());
          ++sent;
        }
      }
    }
  }
  EXPECT_GT(sent, 20'000U);
  for (const Bytes& answer : bench.kda_answers) {
    for (const SecretBytes& secret : secrets) {
      EXPECT_TRUE(std::ranges::search(answer, secret.expose()).empty());
    }
  }
}

TEST(KdaSecrets, StatusAndCapabilitiesIdentifyNobody) {
  KdaBench one;
  KdaBench two({.seed = "another element"});
  EXPECT_EQ(one.kda(kda::capabilities())->data, two.kda(kda::capabilities())->data);
  EXPECT_EQ(one.kda(kda::status(one.enrol().handle()))->data,
            two.kda(kda::status(two.enrol().handle()))->data);
  const auto said = kda::Capabilities::decode(one.kda(kda::capabilities())->data).value();
  const Bytes classical = {0x01, 0x02, 0x10, 0x11};
  const Bytes all = {0x01, 0x02, 0x10, 0x11, 0x20, 0x21};
  EXPECT_EQ(said.suites, crypto::has_ml_kem() ? all : classical);
  EXPECT_EQ(said.level_bitmap, 0x05);
  EXPECT_EQ(said.buffer_bytes, crypto::has_ml_kem() ? 4096 : 1024);
}

TEST(KdaSecrets, NothingOfADeliveryStaysInMemoryWhenItIsDone) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  std::size_t records = 0;
  for (const std::string& name : bench.element->nvm().names("app/")) {
    const ByteView content = bench.element->nvm().get(name)->expose();
    for (unsigned at = 0; at < 3; ++at) {
      const SecretBytes key = key_octets(static_cast<std::uint8_t>(0x60 + at));
      EXPECT_TRUE(std::ranges::search(content, key.expose()).empty()) << name;
    }
    EXPECT_TRUE(std::ranges::search(content, delivery.receipt_key.expose()).empty()) << name;
    EXPECT_EQ(name.find("/envelope/"), std::string::npos) << name;
    EXPECT_EQ(name.find("/answer/"), std::string::npos) << name;
    EXPECT_EQ(name.find("/key/"), std::string::npos) << name;
    ++records;
  }
  EXPECT_GE(records, 8U);
}

TEST(KdaInterface, ChainsAreTakenByBlocksAndGapsRefused) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  const kda::Commands blocks = kda::load(delivery.handle(), delivery.envelope);
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(bench.kda(blocks[1])->sw, sw::kWrongData);
  EXPECT_EQ(bench.kda(blocks[0])->sw, sw::kOk);
  EXPECT_EQ(bench.kda(blocks[0])->sw, sw::kOk);
  EXPECT_EQ(bench.kda(kda::status(delivery.handle()))->sw, sw::kOk);
  EXPECT_EQ(bench.kda(blocks[1])->sw, sw::kOk);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kLoaded);
  const std::size_t limit = reassembly_size_bytes();
  EXPECT_EQ(bench.kda(kda::chain(kda::ins::kLoad, Bytes(limit + 1, 0), false))->sw,
            sw::kWrongLength);
}

TEST(KdaInterface, RefusesOtherClassesParametersAndChainsThatAreNone) {
  KdaBench bench;
  const Handle handle = bench.enrol().handle();
  apdu::CommandApdu status = kda::status(handle);
  status.cla = 0x00;
  EXPECT_EQ(bench.kda(status)->sw, sw::kClassNotSupported);
  status.cla = 0x90;
  EXPECT_EQ(bench.kda(status)->sw, sw::kChainingNotSupported);
  status.cla = 0x84;
  EXPECT_EQ(bench.kda(status)->sw, sw::kSecureMessagingNotSupported);
  status = kda::status(handle);
  status.p1 = 1;
  EXPECT_EQ(bench.kda(status)->sw, sw::kIncorrectP1P2);
  status = kda::status(handle);
  status.ins = 0x24;
  EXPECT_EQ(bench.kda(status)->sw, sw::kInstructionNotSupported);
  apdu::CommandApdu capabilities = kda::capabilities();
  capabilities.data = {0};
  EXPECT_EQ(bench.kda(capabilities)->sw, sw::kWrongLength);
  EXPECT_EQ(bench.kda({.cla = 0x00, .ins = 0xCA, .p2 = 0x66, .le = 256})->sw, sw::kOk);
  const Handle nobody{};
  EXPECT_EQ(bench.kda(kda::status(nobody))->sw, sw::kReferencedDataNotFound);
  EXPECT_EQ(bench.kda(kda::get_receipt(nobody))->sw, sw::kReferencedDataNotFound);
  EXPECT_EQ(bench.kda_sw(kda::next(kda::NextRequest{nobody, {}}.encode())),
            sw::kReferencedDataNotFound);
  EXPECT_EQ(bench.kda_sw(kda::next(kda::NextRequest{handle, {}}.encode())),
            sw::kConditionsNotSatisfied);
}

}  // namespace
}  // namespace kagibin::se
