// SPDX-License-Identifier: Apache-2.0
// Keys of every type through PUT KEY, GET DATA 00E0 and a restart; and the key store's records.
#include "kagibin/gp/key_information.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/se/domain/keys/key_set_record.h"
#include "kagibin/se/domain/keys/key_store.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/vector_file.h"

namespace kagibin::se {
namespace {

crypto::CurvePrivateKey some_scalar(crypto::Curve curve) {
  test::FixedRng rng("scalar");
  return crypto::CurvePrivateKey::generate(curve, rng).value();
}

// RSA keys of 1,024, 2,048 and 3,072 bits.
std::vector<crypto::RsaPrivateKey> rsa_keys() {
  std::vector<crypto::RsaPrivateKey> out;
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_key.vec", [&](test::VectorCase& vector) {
    out.push_back(crypto::RsaPrivateKey::from_der(vector.octets("Pkcs8")).value());
    for (const char* other : {"Modulus", "Exponent", "PrivateExponent", "P", "Q", "Dp", "Dq",
                              "QInverse", "SubjectPublicKeyInfo"}) {
      static_cast<void>(vector.octets(other));
    }
  });
  return out;
}

struct Case {
  std::string name;
  gp::Key key;
  std::string components;  // in GET DATA 00E0
  bool has_kcv = false;
};

gp::Key with_policy(const gp::Key& key, gp::KeyPolicy policy) {
  std::vector<gp::KeyPart> parts;
  for (const gp::KeyPart& part : key.parts()) {
    parts.push_back({part.type, part.value.duplicate()});
  }
  return gp::Key::from(std::move(parts), policy).value();
}

gp::Key des_cbc() {
  std::vector<gp::KeyPart> parts;
  parts.push_back({gp::key_type::kDesCbc, SecretBytes::copy_of(Bytes(24, 0x3D))});
  return gp::Key::from(std::move(parts)).value();
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const std::size_t size : {16UZ, 24UZ, 32UZ}) {
    out.push_back({"AES", gp::Key::aes(Bytes(size, 0xA5)).value(),
                   "88" + to_hex(Bytes{static_cast<std::uint8_t>(size)}), true});
  }
  out.push_back({"3DES", gp::Key::des(Bytes(16, 0xDE)).value(), "8010", true});
  out.push_back({"3DES CBC", des_cbc(), "8218", true});
  for (const crypto::Curve curve : {crypto::Curve::kP256, crypto::Curve::kP384}) {
    const bool small = curve == crypto::Curve::kP256;
    const auto own = some_scalar(curve);
    out.push_back({"EC public", gp::Key::ec_public(own.public_key()).value(),
                   small ? "B041F001" : "B061F001"});
    out.push_back(
        {"EC private", gp::Key::ec_private(own).value(), small ? "B120F001" : "B130F001"});
  }
  for (const crypto::RsaPrivateKey& own : rsa_keys()) {
    const std::size_t size = own.size();
    out.push_back({"RSA public", gp::Key::rsa_public(own.public_key().value()).value(),
                   size == 128   ? "A180A003"
                   : size == 256 ? "FFA10100FFA000030000"
                                 : "FFA10180FFA000030000"});
    // A private exponent is as long as its number is.
    out.push_back({"RSA private", gp::Key::rsa_private(own).value(),
                   size == 128   ? "A280A380"
                   : size == 256 ? "FFA20100FFA300FF0000"
                                 : "FFA20180FFA301800000"});
  }
  out.push_back(
      {"AES for DAP",
       with_policy(gp::Key::aes(Bytes(16, 0x11)).value(),
                   {.usage = {0x84, 0x00}, .usage_size = 1, .says_access = true, .access = 0x01}),
       "FF88001001840101", true});
  return out;
}

class KeyTypesTest : public ::testing::Test {
 protected:
  gp::KeyData seal(const gp::Key& key) const {
    return gp::seal_key(
               key, {.encrypt = [&](ByteView clear) { return host_->encrypt_sensitive(clear); }})
        .value();
  }
  // In extended length: long keys do not fit the short one.
  apdu::ResponseApdu send(const apdu::CommandApdu& command) {
    const auto wrapped = host_->wrap({.cla = command.cla,
                                      .ins = command.ins,
                                      .p1 = command.p1,
                                      .p2 = command.p2,
                                      .data = command.data,
                                      .le = 65'536},
                                     true);
    EXPECT_TRUE(wrapped.has_value());
    const auto answer = host_->unwrap(bench_.send(wrapped.value()));
    EXPECT_TRUE(answer.has_value());
    return answer.value().response;
  }
  apdu::ResponseApdu put(const gp::PutKey& command) { return send(command.encode().value()); }
  apdu::ResponseApdu put(const gp::Key& key, std::uint8_t version, std::uint8_t old = 0) {
    return put(
        {.old_version = old, .new_version = version, .first_identifier = 1, .keys = {seal(key)}});
  }
  std::string information() { return to_hex(send({.cla = 0x80, .ins = 0xCA, .p2 = 0xE0}).data); }

  Bench bench_;
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 11.1.8, 11.3.3.1: keys of every type, told by GET DATA 00E0
TEST_F(KeyTypesTest, AreTakenToldAndKept) {
  std::uint8_t version = 0x40;
  std::string told;
  for (const Case& one : cases()) {
    const auto answer = put(one.key, ++version);
    ASSERT_EQ(answer.sw.value, 0x9000) << one.name << answer.sw.reason.text();
    EXPECT_EQ(answer.data.size(), one.has_kcv ? 4U : 1U) << one.name;
    EXPECT_EQ(answer.data.front(), version);
    told += "C0" + to_hex(Bytes{static_cast<std::uint8_t>(2 + one.components.size() / 2)}) + "01" +
            to_hex(Bytes{version}) + one.components;
  }
  EXPECT_NE(information().find(told), std::string::npos) << information() << "\n" << told;
  const std::string before = information();
  bench_.restart();
  host_ = bench_.open_isd();
  EXPECT_EQ(information(), before);
}

// GPCS 11.8.2.2: several keys
TEST_F(KeyTypesTest, SeveralComeInOneCommand) {
  gp::PutKey all{.new_version = 0x50, .first_identifier = 0x11};
  for (const Case& one : cases()) {
    all.keys.push_back(seal(one.key));
  }
  const auto answer = put(all);
  EXPECT_EQ(answer.sw.value, 0x9000) << answer.sw.reason.text();
  EXPECT_EQ(answer.data.size(), 1U + 3U * 6U) << "of the symmetric ones";
}

TEST_F(KeyTypesTest, TakeThePlaceOfOthers) {
  ASSERT_EQ(put(gp::Key::aes(Bytes(16, 1)).value(), 0x70).sw.value, 0x9000);
  EXPECT_EQ(put(gp::Key::aes(Bytes(16, 2)).value(), 0x70).sw.value, 0x6A80) << "it is there";
  const gp::Key point = gp::Key::ec_public(some_scalar(crypto::Curve::kP256).public_key()).value();
  EXPECT_EQ(put(point, 0x70, 0x70).sw.value, 0x9000);
  EXPECT_NE(information().find("C0060170B041F001"), std::string::npos) << information();
  EXPECT_EQ(put(point, 0x70, 0x71).sw.value, 0x6A88);
  EXPECT_EQ(bench_.send(*host_, scp::PlainCommand{.ins = 0xE4, .data = hex("D20170")}).sw.value,
            0x9000);
  EXPECT_EQ(information().find("B041"), std::string::npos);
}

// GPCS 11.8.2.3: what is no key
TEST_F(KeyTypesTest, AreRefusedWhenTheyAreNone) {
  const std::string before = information();
  const auto refused = [&](const gp::Key& key, auto change) {
    gp::PutKey command{.new_version = 0x70, .first_identifier = 1, .keys = {seal(key)}};
    change(command.keys[0]);
    const auto encoded = command.encode();
    const auto answer = encoded ? bench_.send(*host_, *encoded) : apdu::ResponseApdu{};
    return encoded ? answer.sw.value : std::uint16_t{0};
  };
  const auto own = some_scalar(crypto::Curve::kP256);
  const gp::Key point = gp::Key::ec_public(own.public_key()).value();
  const gp::Key scalar = gp::Key::ec_private(own).value();
  const gp::Key rsa = gp::Key::rsa_public(rsa_keys()[0].public_key().value()).value();
  const gp::Key aes = gp::Key::aes(Bytes(16, 1)).value();
  EXPECT_EQ(refused(point, [](auto& key) { key.components[0].value.back() ^= 1; }), 0x6A80);
  EXPECT_EQ(refused(point, [](auto& key) { key.components[1].value[0] = 1; }), 0x6A80);
  EXPECT_EQ(refused(point, [](auto& key) { key.components[1].value[0] = 9; }), 0x6A80);
  EXPECT_EQ(refused(point, [](auto& key) { key.kcv = gp::KeyCheckValue{1, 2, 3}; }), 0x6A80);
  EXPECT_EQ(refused(scalar, [](auto& key) { key.components[1].value[0] = 1; }), 0x6A80);
  EXPECT_EQ(refused(rsa, [](auto& key) { key.components[0].value.back() ^= 1; }), 0x6A80) << "even";
  EXPECT_EQ(refused(rsa, [](auto& key) { key.components[1].value = {0x02}; }), 0x6A80);
  EXPECT_EQ(refused(aes, [](auto& key) { (*key.kcv)[2] ^= 1; }), 0x6A80);
  EXPECT_EQ(refused(aes, [](auto& key) { key.components[0].value[0] ^= 1; }), 0x6A80);
  // 3DES blocks under a session of AES.
  EXPECT_EQ(refused(des_cbc(), [](auto& key) { key.components[0].value.resize(24); }), 0x6A80);
  EXPECT_EQ(information(), before);
}

// GPCS E.2: 3DES key sets
TEST_F(KeyTypesTest, ThreeDesKeysMakeASetOfTheirOwnKind) {
  const auto key = seal(gp::Key::des(Bytes(16, 0x4D)).value());
  ASSERT_EQ(put({.new_version = 0x20, .first_identifier = 1, .keys = {key, key, key}}).sw.value,
            0x9000);
  // SCP02, its protocol, is off; the set opens no SCP03 session, and is no reason to let the last
  // AES set go.
  bench_.select("");
  EXPECT_EQ(bench_.status("8050200008010203040506070800"), 0x6985);
  host_ = bench_.open_isd();
  EXPECT_EQ(bench_.send(*host_, scp::PlainCommand{.ins = 0xE4, .data = hex("D20130")}).sw.value,
            0x6985);
  EXPECT_EQ(bench_.send(*host_, scp::PlainCommand{.ins = 0xE4, .data = hex("D20120")}).sw.value,
            0x9000);
}

// Keys under Key-DEK of SCP02: 3DES, ECB, blocks of eight octets (GPCS E.4.7).
// GPCS E.4.7: keys under SCP02's Key-DEK
TEST(KeyTypesOfScp02Test, AreTakenUnderTripleDes) {
  const auto des_set = [](std::uint8_t first) {
    scp::Scp03KeySet keys = test_keys(first);
    return scp::Scp02KeySet::create(std::move(keys.enc), std::move(keys.mac), std::move(keys.dek))
        .value();
  };
  ElementProfile profile;
  profile.scp02 = scp::Scp02Parameter{0x55};
  profile.key_sets.push_back({profile.isd_aid, 0x20, des_set(0x40)});
  Bench bench(std::move(profile));
  const auto open = [&](std::uint8_t version, std::uint8_t first) {
    auto host = std::make_unique<scp::Scp02Host>(
        des_set(first), scp::Scp02HostOptions{.key_version_number = version});
    const auto answer = bench.send(host->initialize_update(bench.rng).value());
    const auto command = host->external_authenticate(answer, scp::SecurityLevel{0x03});
    EXPECT_TRUE(command && host->finish_authentication(bench.send(*command)));
    return host;
  };
  auto host = open(0x20, 0x40);
  const auto sealed = [&](const gp::Key& key) {
    return gp::seal_key(key,
                        {.encrypt = [&](ByteView clear) { return host->encrypt_sensitive(clear); },
                         .block_bytes = 8})
        .value();
  };
  const auto put = [&](const gp::PutKey& command) {
    const apdu::CommandApdu plain = command.encode().value();
    const auto wrapped = host->wrap(
        {.ins = plain.ins, .p1 = plain.p1, .p2 = plain.p2, .data = plain.data, .le = 256}, true);
    return bench.send(wrapped.value());
  };
  std::uint8_t version = 0x40;
  for (const Case& one : cases()) {
    const auto answer =
        put({.new_version = ++version, .first_identifier = 1, .keys = {sealed(one.key)}});
    EXPECT_EQ(answer.sw.value, 0x9000) << one.name << answer.sw.reason.text();
  }
  // A set that opens the next session.
  const scp::Scp02KeySet next = des_set(0x51);
  gp::PutKey set{.old_version = 0x20, .new_version = 0x21, .first_identifier = 1};
  for (const SecretBytes* value : {&next.enc, &next.mac, &next.dek}) {
    set.keys.push_back(sealed(gp::Key::des(value->expose()).value()));
  }
  EXPECT_EQ(put(set).sw.value, 0x9000);
  bench.select("");
  host = open(0x21, 0x51);
  // The last one stays.
  const Bytes data = hex("D20121");
  EXPECT_EQ(bench.send(host->wrap({.ins = 0xE4, .data = data}).value()).sw.value, 0x6985);
}

class KeyStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Nvm> nvm_ = Nvm::open(std::make_unique<NvmMemory>()).value();
  KeyStore store_{*nvm_};
  Aid domain_ = aid(kIsdAid);
};

TEST_F(KeyStoreTest, KeepsEveryKeyAsItWas) {
  std::uint8_t version = 0;
  for (const Case& one : cases()) {
    ASSERT_TRUE(store_.put_key(domain_, {++version, 0x01}, one.key).has_value()) << one.name;
    const auto again = store_.key(domain_, {version, 0x01});
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->kind(), one.key.kind());
    EXPECT_EQ(again->policy(), one.key.policy());
    EXPECT_EQ(again->curve(), one.key.curve());
    ASSERT_EQ(again->parts().size(), one.key.parts().size());
    for (std::size_t i = 0; i < again->parts().size(); ++i) {
      EXPECT_EQ(again->parts()[i].type, one.key.parts()[i].type);
      EXPECT_TRUE(ct_equal(again->parts()[i].value.expose(), one.key.parts()[i].value.expose()));
    }
  }
  EXPECT_FALSE(store_.key(domain_, {version, 0x02}).has_value());
  EXPECT_FALSE(store_.key(aid(kDomainAid), {version, 0x01}).has_value());
  EXPECT_TRUE(store_.check_records().has_value());
}

TEST_F(KeyStoreTest, ReadsRecordsOfVersionOne) {
  // order 0005, AES-128 keys 01, 02, 03 of octets 11, 22, 33.
  Bytes record = hex("0005");
  for (const std::uint8_t identifier : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    append(record, Bytes{identifier, 0x88, 0x10});
    append(record, Bytes(16, static_cast<std::uint8_t>(0x11 * identifier)));
  }
  ASSERT_TRUE(nvm_->put("key/A000000151000000/30", record).has_value());
  EXPECT_TRUE(store_.check_records().has_value());
  EXPECT_EQ(store_.default_version(domain_), 0x30);
  EXPECT_EQ(store_.channel_keys(domain_, 0x30), ChannelKeys::kAes);
  EXPECT_TRUE(ct_equal(store_.scp03_key_set(domain_, 0x30)->mac.expose(), Bytes(16, 0x22)));
  // A set put afterwards comes after it, and the old one is written anew in the new form.
  ASSERT_TRUE(store_.put_key(domain_, {0x01, 0x01}, gp::Key::aes(Bytes(16, 1)).value()));
  EXPECT_EQ(store_.information(domain_).keys.front().version, 0x30);
  ASSERT_TRUE(store_.put_key(domain_, {0x30, 0x04}, gp::Key::aes(Bytes(16, 4)).value()));
  EXPECT_EQ(nvm_->get("key/A000000151000000/30")->expose().front(), 0x02);
  EXPECT_EQ(store_.information(domain_).keys.size(), 5U);
}

TEST_F(KeyStoreTest, RefusesDamagedRecords) {
  ASSERT_TRUE(store_.put_key(domain_, {0x70, 0x01}, gp::Key::aes(Bytes(16, 1)).value()));
  const Bytes good = hex(to_hex(nvm_->get("key/A000000151000000/70")->expose()));
  ASSERT_TRUE(KeySetRecord::decode(good).has_value());
  for (std::size_t size = 0; size < good.size(); ++size) {
    const bool whole = size == 3;  // a set without keys
    EXPECT_EQ(KeySetRecord::decode(ByteView(good).first(size)).has_value(), whole) << size;
  }
  ASSERT_TRUE(nvm_->put("key/A000000151000000/70", ByteView(good).first(9)).has_value());
  EXPECT_EQ(store_.check_records().error().code, Errc::kEncoding);
  ASSERT_TRUE(nvm_->erase("key/A000000151000000/70").has_value());
  ASSERT_TRUE(nvm_->put("key/A000000151000000", good).has_value());
  EXPECT_EQ(store_.check_records().error().code, Errc::kEncoding);
  ASSERT_TRUE(nvm_->erase("key/A000000151000000").has_value());
  ASSERT_TRUE(nvm_->put("key/00/70", good).has_value());
  EXPECT_EQ(store_.check_records().error().code, Errc::kEncoding);
}

TEST_F(KeyStoreTest, CountsConfirmationsToTheEnd) {
  EXPECT_EQ(store_.confirmation_counter(domain_), 0);
  EXPECT_EQ(store_.take_confirmation_counter(domain_).value(), 0);
  EXPECT_EQ(store_.take_confirmation_counter(domain_).value(), 1);
  EXPECT_EQ(store_.confirmation_counter(domain_), 2);
  ASSERT_TRUE(nvm_->put("cnf/A000000151000000/00", hex("FFFE")).has_value());
  EXPECT_EQ(store_.take_confirmation_counter(domain_).value(), 0xFFFE);
  EXPECT_EQ(store_.take_confirmation_counter(domain_).error().code, Errc::kLimit);
  ASSERT_TRUE(nvm_->put("cnf/A000000151000000/00", hex("01")).has_value());
  EXPECT_EQ(store_.take_confirmation_counter(domain_).error().code, Errc::kLimit) << "damaged";
  ASSERT_TRUE(store_.erase_domain(domain_).has_value());
  EXPECT_EQ(store_.confirmation_counter(domain_), 0);
}

TEST_F(KeyStoreTest, HoldsNoMoreThanARecordTakes) {
  const gp::Key big = gp::Key::rsa_private(rsa_keys()[2]).value();
  std::uint8_t identifier = 0;
  Result<void> put{};
  while (put && identifier < KeyStore::kMaxKeysInSet) {
    put = store_.put_key(domain_, {0x71, ++identifier}, big);
  }
  EXPECT_EQ(identifier, 11) << "768 octets each";
  EXPECT_EQ(put.error().code, Errc::kLimit);
  EXPECT_EQ(store_.information(domain_).keys.size(), 10U);
}

}  // namespace
}  // namespace kagibin::se
