// SPDX-License-Identifier: Apache-2.0
// Tokens, receipts and load file data block signatures, both ends.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/gp/delegated/receipt.h"
#include "kagibin/gp/delegated/token.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}
Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

Aid load_file() { return aid("D0D1D2D3D4D501"); }
Aid application() { return aid("D0D1D2D3D4D50101"); }
Aid domain() { return aid("F000000001AA01"); }
Aid other_domain() { return aid("F000000001AA02"); }

struct KeyPair {
  const char* name;
  Key signing;
  Key verifying;
  std::size_t signature_size;
};

// The keys of the vectors, EC keys made here, and symmetric ones.
std::vector<KeyPair> key_pairs() {
  test::FixedRng rng("key pairs");
  std::vector<KeyPair> out;
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_key.vec", [&](test::VectorCase& vector) {
    const auto own = crypto::RsaPrivateKey::from_der(vector.octets("Pkcs8")).value();
    const auto peer =
        crypto::RsaPublicKey::from(vector.octets("Modulus"), vector.octets("Exponent")).value();
    out.push_back(
        {"RSA", Key::rsa_private(own).value(), Key::rsa_public(peer).value(), peer.size()});
    for (const char* other :
         {"PrivateExponent", "P", "Q", "Dp", "Dq", "QInverse", "SubjectPublicKeyInfo"}) {
      EXPECT_TRUE(vector.has(other));
      static_cast<void>(vector.octets(other));
    }
  });
  for (const crypto::Curve curve : {crypto::Curve::kP256, crypto::Curve::kP384}) {
    const auto own = crypto::CurvePrivateKey::generate(curve, rng).value();
    out.push_back({"EC", Key::ec_private(own).value(), Key::ec_public(own.public_key()).value(),
                   2 * crypto::coordinate_size(curve)});
  }
  for (const std::size_t size : {16UZ, 24UZ, 32UZ}) {
    const Bytes value(size, 0x10);
    out.push_back({"AES", Key::aes(value).value(), Key::aes(value).value(), 16});
  }
  const Bytes des = hex("101112131415161718191A1B1C1D1E1F");
  out.push_back({"3DES", Key::des(des).value(), Key::des(des).value(), 8});
  return out;
}

// GPCS B.3, B.4: signatures with RSA and EC keys
TEST(SignatureTest, VerifiesWhatItSignedAndNoBitElse) {
  test::FixedRng rng("signatures");
  const Bytes message = hex("0102030405");
  for (const KeyPair& pair : key_pairs()) {
    const Bytes signature = sign(pair.signing, message, rng).value();
    EXPECT_EQ(signature.size(), pair.signature_size) << pair.name;
    EXPECT_TRUE(verify(pair.verifying, message, signature)) << pair.name;
    for (std::size_t at = 0; at < signature.size(); ++at) {
      Bytes wrong = signature;
      wrong[at] ^= 0x01;
      EXPECT_FALSE(verify(pair.verifying, message, wrong)) << pair.name << at;
    }
    EXPECT_FALSE(verify(pair.verifying, hex("0102030404"), signature)) << pair.name;
    EXPECT_FALSE(verify(pair.verifying, message, ByteView(signature).first(signature.size() - 1)));
    EXPECT_FALSE(verify(pair.verifying, message, {}));
  }
}

TEST(SignatureTest, KeysOfOneKindDoNotVerifyAnothers) {
  test::FixedRng rng("other keys");
  const std::vector<KeyPair> pairs = key_pairs();
  for (const KeyPair& one : pairs) {
    const Bytes signature = sign(one.signing, hex("AA"), rng).value();
    for (const KeyPair& other : pairs) {
      EXPECT_EQ(verify(other.verifying, hex("AA"), signature), &one == &other);
    }
  }
}

TEST(SignatureTest, PublicKeysAndLongDesKeysSignNothing) {
  test::FixedRng rng("none");
  for (const KeyPair& pair : key_pairs()) {
    if (!is_symmetric(pair.verifying.kind())) {
      EXPECT_EQ(sign(pair.verifying, hex("AA"), rng).error().code, Errc::kNotSupported);
    }
    if (pair.signing.kind() == KeyKind::kRsaPrivate) {
      EXPECT_FALSE(verify(pair.signing, hex("AA"), sign(pair.signing, hex("AA"), rng).value()));
    }
  }
  const Key long_key = Key::des(Bytes(24, 0x10)).value();
  EXPECT_EQ(sign(long_key, hex("AA"), rng).error().code, Errc::kNotSupported);
  EXPECT_FALSE(verify(long_key, hex("AA"), Bytes(8, 0x00)));
}

// GPCS C.4: what a token is made over, against published ones
TEST(TokenTest, SignsWhatPublishedTokensSign) {
  test::for_each_vector("kagibin/gp/delegated/testdata/token.vec", [](test::VectorCase& vector) {
    apdu::CommandApdu command{.cla = 0x80,
                              .ins = static_cast<std::uint8_t>(vector.number("Instruction")),
                              .p1 = static_cast<std::uint8_t>(vector.number("P1")),
                              .p2 = static_cast<std::uint8_t>(vector.number("P2")),
                              .data = vector.octets("Command")};
    const TokenSplit split = split_token(command).value();
    EXPECT_TRUE(split.token.empty());
    if (vector.section() == "Data") {
      EXPECT_EQ(token_data(command.p1, command.p2, split.covered), vector.octets("Data"));
      return;
    }
    test::FixedRng rng("unused");
    const auto own =
        crypto::RsaPrivateKey::from(vector.octets("Modulus"), vector.octets("PrivateExponent"))
            .value();
    const auto crt = crypto::RsaPrivateKey::from_crt({.p = vector.octets("P"),
                                                      .q = vector.octets("Q"),
                                                      .q_inverse = vector.octets("QInverse"),
                                                      .dp = vector.octets("Dp"),
                                                      .dq = vector.octets("Dq")});
    ASSERT_TRUE(crt.has_value());
    const Bytes token = vector.octets("Token");
    for (const auto* key : {&own, &*crt}) {
      const auto signed_command = add_token(command, Key::rsa_private(*key).value(), rng);
      ASSERT_TRUE(signed_command.has_value());
      EXPECT_EQ(to_hex(split_token(*signed_command)->token), to_hex(token));
    }
    EXPECT_EQ(rng.calls(), 0U);
    const auto peer =
        crypto::RsaPublicKey::from(vector.octets("Modulus"), vector.octets("Exponent")).value();
    EXPECT_EQ(crt->public_key(), peer);
    EXPECT_TRUE(verify(Key::rsa_public(peer).value(),
                       token_data(command.p1, command.p2, split.covered), token));
  });
}

// GPCS C.4: changed tokens
TEST(TokenTest, RefusesTheTwin) {
  test::for_each_vector(
      "kagibin/gp/delegated/testdata/token_invalid.vec", [](test::VectorCase& vector) {
        if (vector.section() == "Data") {
          const apdu::CommandApdu command{
              .cla = 0x80,
              .ins = static_cast<std::uint8_t>(vector.number("Instruction")),
              .p1 = static_cast<std::uint8_t>(vector.number("P1")),
              .p2 = static_cast<std::uint8_t>(vector.number("P2")),
              .data = vector.octets("Command")};
          EXPECT_FALSE(split_token(command).has_value());
          return;
        }
        const auto peer =
            crypto::RsaPublicKey::from(vector.octets("Modulus"), vector.octets("Exponent")).value();
        EXPECT_FALSE(
            verify(Key::rsa_public(peer).value(), vector.octets("Data"), vector.octets("Token")));
      });
}

std::vector<apdu::CommandApdu> commands() {
  return {
      InstallForLoad{.load_file = load_file(), .security_domain = domain(), .hash = Bytes(32, 0x11)}
          .encode()
          .value(),
      Install{.load_file = load_file(),
              .module = application(),
              .application = application(),
              .parameters = with_application_parameters({})}
          .encode()
          .value(),
      Install{.purpose = InstallFor::kMakeSelectable, .application = application()}
          .encode()
          .value(),
      Extradition{.security_domain = other_domain(), .object = application()}.encode().value(),
      RegistryUpdate{.application = application(), .privileges = Privileges{0x040000}}
          .encode()
          .value(),
      DeleteObject{.aid = load_file(), .related = true}.encode()};
}

// GPCS C.4: tokens of every command
TEST(TokenTest, EveryCommandOfContentManagementTakesOne) {
  test::FixedRng rng("tokens");
  for (const KeyPair& pair : key_pairs()) {
    for (const apdu::CommandApdu& command : commands()) {
      const auto with = add_token(command, pair.signing, rng);
      ASSERT_TRUE(with.has_value()) << pair.name << int{command.p1};
      const TokenSplit before = split_token(command).value();
      const TokenSplit after = split_token(*with).value();
      EXPECT_TRUE(equal(before.covered, after.covered));
      EXPECT_EQ(after.token.size(), pair.signature_size);
      EXPECT_TRUE(
          verify(pair.verifying, token_data(with->p1, with->p2, after.covered), after.token));
      EXPECT_EQ(add_token(*with, pair.signing, rng).error().code, Errc::kConflict);
    }
  }
}

// GPCS C.4: commands that carry no token
TEST(TokenTest, OtherCommandsTakeNone) {
  test::FixedRng rng("tokens");
  const apdu::CommandApdu other{.cla = 0x80, .ins = apdu::ins::kGetData};
  const Key key = Key::aes(Bytes(16, 0x10)).value();
  EXPECT_EQ(add_token(other, hex("AA")).error().code, Errc::kNotSupported);
  EXPECT_EQ(add_token(other, key, rng).error().code, Errc::kNotSupported);
  const apdu::CommandApdu middle{
      .cla = 0x80, .ins = apdu::ins::kInstall, .p1 = 0x0E, .p2 = 0x03, .data = hex("00000000AA")};
  EXPECT_EQ(split_token(middle).error().code, Errc::kEncoding);
}

TEST(TokenTest, CountsLongDataInTwoOctets) {
  EXPECT_EQ(to_hex(token_data(0x0C, 0x00, {})), "0C0000");
  EXPECT_EQ(to_hex(ByteView(token_data(0x0C, 0x00, Bytes(255, 1))).first(4)), "0C00FF01");
  EXPECT_EQ(to_hex(ByteView(token_data(0x0C, 0x00, Bytes(256, 1))).first(6)), "0C0000010001");
}

TEST(TokenTest, FailsWithItsRandomSource) {
  for (const KeyPair& pair : key_pairs()) {
    test::FailingRng rng("no salt", 1);
    const bool asks = pair.signature_size != 128 && !is_symmetric(pair.signing.kind());
    EXPECT_EQ(add_token(commands().front(), pair.signing, rng).has_value(), !asks) << pair.name;
  }
}

// GPCS C.4: the control reference B6 of a token
TEST(TokenReferenceTest, RoundTripsAndIsFoundAmongOtherObjects) {
  const TokenReference reference{
      .identification = hex("1234"), .image = hex("5678"), .provider = {}, .number = hex("0001")};
  const Bytes encoded = reference.encode();
  EXPECT_EQ(to_hex(encoded),
            "B60C4202123445025678930200"
            "01");
  EXPECT_EQ(TokenReference::decode(ByteView(encoded).subspan(2)).value(), reference);
  Bytes parameters = hex("C900EF04C7020100");
  EXPECT_FALSE(find_token_reference(parameters).value().has_value());
  append(parameters, encoded);
  EXPECT_EQ(find_token_reference(parameters).value(), reference);
  append(parameters, encoded);
  EXPECT_EQ(find_token_reference(parameters).error().code, Errc::kConflict);
  for (std::size_t size = 1; size < encoded.size(); ++size) {
    EXPECT_FALSE(find_token_reference(ByteView(encoded).first(size)).has_value()) << size;
  }
}

TEST(TokenReferenceTest, RefusesForeignDoubleAndEmptyObjects) {
  EXPECT_EQ(TokenReference::decode(hex("950101")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(TokenReference::decode(hex("930101930102")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(TokenReference::decode(hex("9300")).error().code, Errc::kLength);
  EXPECT_EQ(TokenReference::decode(hex("9311" + to_hex(Bytes(17, 1)))).error().code, Errc::kLength);
  EXPECT_EQ(TokenReference::decode({}).value(), TokenReference{});
  EXPECT_EQ(TokenReference::decode(hex("5F2002AABB")).value().provider, hex("AABB"));
  EXPECT_EQ(find_token_reference(hex("B603950101")).error().code, Errc::kUnexpectedTag);
}

// GPCS 11.1.6, C.5: layout of a receipt
TEST(ReceiptTest, HasTheLayoutThatHostsRead) {
  // An AES receipt, a counter, no domain data, as hosts document it: 15 10 receipt 02 counter 00.
  const Confirmation plain{.receipt = Bytes(16, 0xAA), .counter = 0x0102};
  EXPECT_EQ(to_hex(plain.encode()), "1510" + to_hex(Bytes(16, 0xAA)) + "02010200");
  EXPECT_EQ(Confirmation::decode(plain.encode()).value(), plain);
  EXPECT_FALSE(Confirmation::decode(hex("00")).value().has_value());
  // RSA-1024 and RSA-2048: lengths of two and three octets.
  const Confirmation rsa{.receipt = Bytes(128, 0xBB), .counter = 1, .domain_data = hex("12345678")};
  EXPECT_EQ(to_hex(ByteView(rsa.encode()).first(4)), "818A8180");
  EXPECT_EQ(Confirmation::decode(rsa.encode()).value(), rsa);
  const Confirmation longer{.receipt = Bytes(256, 0xCC), .counter = 0xFFFF};
  EXPECT_EQ(to_hex(ByteView(longer.encode()).first(6)), "820107820100");
  EXPECT_EQ(Confirmation::decode(longer.encode()).value(), longer);
}

// GPCS 11.1.6: fields of a confirmation
TEST(ReceiptTest, RoundTripsTokenNumberAndDigestAndRefusesTruncations) {
  for (const auto& number :
       {std::optional<Bytes>{}, std::optional(Bytes{}), std::optional(hex("0001"))}) {
    for (const auto& digest : {std::optional<Bytes>{}, std::optional(Bytes(32, 0x5A))}) {
      const Confirmation one{.receipt = Bytes(16, 0xAA),
                             .counter = 7,
                             .domain_data = hex("1234"),
                             .token_number = digest && !number ? std::optional(Bytes{}) : number,
                             .token_digest = digest};
      const Bytes whole = one.encode();
      EXPECT_EQ(Confirmation::decode(whole).value(), one);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(Confirmation::decode(ByteView(whole).first(size)).has_value()) << size;
      }
    }
  }
  EXPECT_EQ(Confirmation::decode(hex("0501AA03010200")).error().code, Errc::kTrailing);
  EXPECT_EQ(Confirmation::decode(hex("0601AA0301020300")).error().code, Errc::kTrailing);
  EXPECT_EQ(Confirmation::decode(hex("0701AA0301020300")).error().code, Errc::kLength);
}

// GPCS 11.1.6: fields of a confirmation that end early inside a data length that is right
TEST(ReceiptTest, RefusesFieldsThatEndEarly) {
  // receipt 01, counter 02, domain data 02, token number 01, token digest 01
  const std::string_view fields = "01AA 020007 021234 0101 015A";
  const Bytes inner = hex(fields);
  const std::array ends = {8UZ, 10UZ, 12UZ};  // of domain data, token number, token digest
  for (std::size_t size = 0; size <= inner.size(); ++size) {
    Bytes answer{static_cast<std::uint8_t>(size)};
    append(answer, ByteView(inner).first(size));
    const auto read = Confirmation::decode(answer);
    if (size == 0) {
      EXPECT_FALSE(read.value().has_value()) << "00: no receipt";
    } else if (std::ranges::find(ends, size) != ends.end()) {
      EXPECT_EQ(to_hex(read.value()->encode()), to_hex(answer));
    } else {
      ASSERT_FALSE(read.has_value()) << size;
      EXPECT_EQ(read.error().code, Errc::kTruncated) << size;
    }
  }
  EXPECT_EQ(Confirmation::decode({}).error().code, Errc::kTruncated);
  EXPECT_EQ(Confirmation::decode(hex("8110")).error().code, Errc::kEncoding);
  EXPECT_EQ(Confirmation::decode(hex("0180")).error().code, Errc::kEncoding);
}

TEST(ReceiptTest, IsNotMadeWithAKeyThatSignsNothing) {
  test::FixedRng rng("receipts");
  Confirmation confirmation{.counter = 5};
  const Key key = Key::des(Bytes(24, 0x10)).value();
  EXPECT_EQ(sign_receipt(key, confirmation, receipt_for::remove(application()), rng).error().code,
            Errc::kNotSupported);
  EXPECT_TRUE(confirmation.receipt.empty());
}

// GPCS C.5: a receipt is of one operation
TEST(ReceiptTest, IsOfOneOperationAlone) {
  test::FixedRng rng("receipts");
  const std::vector<Bytes> operations = {
      receipt_for::load(load_file(), domain()),
      receipt_for::install(load_file(), application()),
      receipt_for::remove(application()),
      receipt_for::remove(load_file()),
      receipt_for::extradition(domain(), application(), other_domain()),
      receipt_for::extradition(other_domain(), application(), domain()),
      receipt_for::registry_update(domain(), application(), {}, Privileges{0x040000}, {}),
      receipt_for::registry_update(domain(), application(), other_domain(), {}, hex("EF03CF0180"))};
  for (const KeyPair& pair : key_pairs()) {
    for (const Bytes& done : operations) {
      Confirmation confirmation{.counter = 5, .domain_data = hex("1234")};
      ASSERT_TRUE(sign_receipt(pair.signing, confirmation, done, rng).has_value()) << pair.name;
      for (const Bytes& other : operations) {
        EXPECT_EQ(verify_receipt(pair.verifying, confirmation, other), &done == &other);
      }
      Confirmation changed = confirmation;
      changed.counter ^= 1U;
      EXPECT_FALSE(verify_receipt(pair.verifying, changed, done)) << "the counter is signed";
      changed = confirmation;
      changed.domain_data.clear();
      EXPECT_FALSE(verify_receipt(pair.verifying, changed, done)) << "the domain is signed";
      changed = confirmation;
      changed.token_number = hex("01");
      EXPECT_FALSE(verify_receipt(pair.verifying, changed, done)) << "the number is signed";
    }
  }
}

TEST(ReceiptTest, WritesWhatWasDoneInFieldsWithLengths) {
  EXPECT_EQ(to_hex(receipt_for::load(load_file(), domain())), "07D0D1D2D3D4D50107F000000001AA01");
  EXPECT_EQ(to_hex(receipt_for::extradition(domain(), application(), other_domain())),
            "07F000000001AA0108D0D1D2D3D4D5010107F000000001AA02");
  EXPECT_EQ(to_hex(receipt_for::registry_update(domain(), application(), {}, Privileges{0x040000},
                                                hex("EF00"))),
            "07F000000001AA0108D0D1D2D3D4D501010001"
            "0402EF00");
}

// GPCS C.3: load file data block signature
TEST(LoadFileSignatureTest, SignsTheHashOfTheDataBlock) {
  test::FixedRng rng("load file");
  const Bytes block = Bytes(1'000, 0x3C);
  for (const auto algorithm : {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256,
                               crypto::HashAlgorithm::kSha384, crypto::HashAlgorithm::kSha512}) {
    const Bytes hash = load_file_hash(algorithm, block);
    EXPECT_TRUE(is_load_file_hash(hash, block));
    EXPECT_FALSE(is_load_file_hash(hash, ByteView(block).first(999)));
    for (const KeyPair& pair : key_pairs()) {
      const Bytes signature = sign_load_file(pair.signing, hash, rng).value();
      EXPECT_TRUE(verify_load_file(pair.verifying, hash, signature)) << pair.name;
      EXPECT_FALSE(verify_load_file(pair.verifying, load_file_hash(algorithm, hash), signature));
    }
  }
  EXPECT_FALSE(is_load_file_hash({}, block));
  EXPECT_FALSE(is_load_file_hash(Bytes(28, 0), block));
  EXPECT_EQ(sign_load_file(key_pairs().back().signing, Bytes(28, 0), rng).error().code,
            Errc::kLength);
}

}  // namespace
}  // namespace kagibin::gp
