// SPDX-License-Identifier: Apache-2.0
// Protocol, 3: TLVs in their order, exactly once, in their length and the minimal form, nothing
// behind; and what decodes encodes to the same octets. Each test lists the damage that leaves a
// valid message (a value of variable length, an optional TLV); everything else must be refused.
#include <gtest/gtest.h>

#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/envelope/test_delivery.h"

#include "tests/support/mutations.h"

namespace kagibin::envelope {
namespace {

using test::Names;

// True when the octets decode; then they must encode to the same octets.
template <typename Message>
bool decodes(const Bytes& octets) {
  const Result<Message> message = Message::decode(octets);
  if (message) {
    EXPECT_EQ(to_hex(message->encode()), to_hex(octets));
  }
  return message.has_value();
}

template <typename Message>
Names accepted(ByteView octets, const std::vector<std::size_t>& path = {}) {
  return test::accepted(test::tlv_mutations(octets, path), decodes<Message>);
}

template <typename Message>
void expect_no_truncation(ByteView octets) {
  EXPECT_EQ(test::accepted(test::truncations(octets), decodes<Message>), Names());
  Bytes longer(octets.begin(), octets.end());
  longer.push_back(0x00);
  EXPECT_FALSE(Message::decode(longer).has_value());
}

// A copy with `from` replaced by `to`, of the same length; `from` stands there once.
Bytes with(const Bytes& octets, std::string_view from, std::string_view to) {
  std::string hex = to_hex(octets);
  const std::size_t at = hex.find(from);
  KB_CHECK(at != std::string::npos && hex.find(from, at + 1) == std::string::npos);
  return *from_hex(hex.replace(at, from.size(), to));
}

template <typename Message>
Errc code_of(const Bytes& octets) {
  const Result<Message> message = Message::decode(octets);
  KB_CHECK(!message.has_value());
  return message.error().code;
}

class StrictnessTest : public ::testing::Test {
 protected:
  TestDelivery t_;
};

TEST_F(StrictnessTest, RequestIsReadInOneForm) {
  const Bytes e0 = t_.e0();
  const Names grown = {"shorter 84",  "longer 84",  "shorter 7F21",
                       "longer 7F21", "shorter 9E", "longer 9E"};
  Names expected = grown;
  if (EnrolmentRequest::decode(e0)->signature.size() == kSignatureMaxSize) {
    expected.pop_back();
  }
  EXPECT_EQ(accepted<EnrolmentRequest>(e0), expected);
  expect_no_truncation<EnrolmentRequest>(e0);

  EnrolmentRequest with_all = t_.request();
  with_all.cancel = true;
  with_all.acknowledged_receipt = Digest{0x01};
  with_all.signature = Bytes(70, 0x30);
  EXPECT_EQ(accepted<EnrolmentRequest>(with_all.encode()),
            (Names{"shorter 84", "longer 84", "drop 87", "shorter 7F21", "longer 7F21",
                   "shorter 9E", "longer 9E"}));
}

TEST_F(StrictnessTest, RequestRefusesWhatItDoesNotKnow) {
  const Bytes e0 = t_.e0();
  const auto code = [&](std::string_view from, std::string_view to) {
    return code_of<EnrolmentRequest>(with(e0, from, to));
  };
  EXPECT_EQ(code("8001018101018210", "8001028101018210"), Errc::kNotSupported);  // version
  EXPECT_EQ(code("8001018101018210", "8001018101038210"), Errc::kNotSupported);  // suite 03
  EXPECT_EQ(code("8001018101018210", "8001018101048210"), Errc::kValue);
  for (const char* flags : {"8601047F21", "8601067F21", "8601807F21"}) {
    EXPECT_EQ(code("8601007F21", flags), Errc::kValue) << flags;
  }
  EXPECT_EQ(code("854104", "854102"), Errc::kValue);
  EnrolmentRequest large = t_.request();
  large.certificate = tlv::encode(0x7F21, Bytes(316, 0xCE));  // 321 octets
  large.signature = Bytes(70, 0x30);
  EXPECT_EQ(code_of<EnrolmentRequest>(large.encode()), Errc::kLength);
  large.certificate = tlv::encode(0x7F21, Bytes(315, 0xCE));
  EXPECT_TRUE(decodes<EnrolmentRequest>(large.encode()));
}

TEST_F(StrictnessTest, StatementIsReadInOneForm) {
  EnrolmentStatement statement = t_.statement();
  statement.signature = Bytes(71, 0x30);
  const Bytes e1 = statement.encode();
  EXPECT_EQ(accepted<EnrolmentStatement>(e1), (Names{"shorter 86", "longer 86", "shorter 8A",
                                                     "longer 8A", "shorter 9E", "longer 9E"}));
  expect_no_truncation<EnrolmentStatement>(e1);
  statement.level_bitmap = 0x03;
  statement.security_domain_certificate = Digest{0x01};
  EXPECT_EQ(
      accepted<EnrolmentStatement>(statement.encode()),
      (Names{"shorter 86", "longer 86", "shorter 8A", "longer 8A", "shorter 9E", "longer 9E"}));
}

TEST_F(StrictnessTest, SignaturesHave8To72Octets) {
  EnrolmentStatement statement = t_.statement();
  for (const std::size_t size : {0UZ, 7UZ, 73UZ, 74UZ}) {
    statement.signature = Bytes(size, 0x30);
    EXPECT_EQ(code_of<EnrolmentStatement>(statement.encode()), Errc::kLength) << size;
  }
  for (const std::size_t size : {8UZ, 72UZ}) {
    statement.signature = Bytes(size, 0x30);
    EXPECT_TRUE(decodes<EnrolmentStatement>(statement.encode())) << size;
  }
}

TEST_F(StrictnessTest, StatementNamesCertSdExactlyWhenItOffersRl2OrRl4) {
  for (unsigned bitmap = 0; bitmap <= 0xFF; ++bitmap) {
    for (const bool names_it : {false, true}) {
      EnrolmentStatement statement = t_.statement();
      statement.signature = Bytes(70, 0x30);
      statement.level_bitmap = static_cast<std::uint8_t>(bitmap);
      statement.security_domain_certificate = names_it ? std::optional(Digest{}) : std::nullopt;
      const unsigned levels = bitmap & 0x7FU;  // b8 says that A0/89 is answered
      const bool valid = levels >= 1 && levels <= 0x0F && names_it == ((levels & 0x0AU) != 0);
      EXPECT_EQ(decodes<EnrolmentStatement>(statement.encode()), valid) << bitmap << names_it;
    }
  }
}

TEST_F(StrictnessTest, StatementOffersOsAloneAndOfTheTargetItself) {
  EnrolmentStatement statement = t_.statement();
  statement.signature = Bytes(70, 0x30);
  statement.level_bitmap = 0x10;
  EXPECT_FALSE(decodes<EnrolmentStatement>(statement.encode()));
  statement.kda = statement.target;
  EXPECT_TRUE(decodes<EnrolmentStatement>(statement.encode()));
  statement.level_bitmap = 0x11;
  EXPECT_FALSE(decodes<EnrolmentStatement>(statement.encode()));
}

TEST_F(StrictnessTest, StatementRefusesWhatItDoesNotKnow) {
  EnrolmentStatement statement = t_.statement();
  statement.signature = Bytes(70, 0x30);
  const Bytes e1 = statement.encode();
  EXPECT_EQ(code_of<EnrolmentStatement>(with(e1, "8001018110", "8001008110")), Errc::kNotSupported);
  EXPECT_EQ(code_of<EnrolmentStatement>(with(e1, "8301018441", "8301038441")), Errc::kNotSupported);
  EXPECT_EQ(code_of<EnrolmentStatement>(with(e1, "844104", "844103")), Errc::kValue);
  EXPECT_EQ(code_of<EnrolmentStatement>(with(e1, "8B01308C", "8B01808C")), Errc::kValue);
}

TEST_F(StrictnessTest, AnswerIsReadInOneForm) {
  const Bytes e4 = t_.e4();
  EXPECT_EQ(accepted<EnrolmentAnswer>(e4), Names());
  expect_no_truncation<EnrolmentAnswer>(e4);
  const Result<EnrolmentAnswer> answer = EnrolmentAnswer::decode(e4);
  EXPECT_EQ(code_of<EnrolmentAnswer>(with(e4, "8001018101018210", "8001018101108210")),
            Errc::kValue);  // an answer is in suite 01 or 02
  EnrolmentAnswer large = answer.value();
  large.sealed = Bytes(kAnswerSealedMaxSize, 0x5A);
  EXPECT_TRUE(decodes<EnrolmentAnswer>(large.encode()));
  large.sealed = Bytes(kAnswerSealedMaxSize + 16, 0x5A);
  EXPECT_EQ(code_of<EnrolmentAnswer>(large.encode()), Errc::kLength);
}

TEST_F(StrictnessTest, AnswerContentIsFourTlvsInOrder) {
  const AnswerContent content = t_.answer_content();
  const Bytes octets = content.encode();
  expect_no_truncation<AnswerContent>(octets);
  // T has no tag of its own: any serves to damage it.
  const auto reads = [](const Bytes& in_tag) {
    const ByteView value = tlv::read_single(in_tag, 0x7F22)->value;
    return decodes<AnswerContent>(Bytes(value.begin(), value.end()));
  };
  const Names grown = {"swap 7F21",  // the two certificates are alike in this test
                       "shorter 7F21", "longer 7F21", "shorter 7F21", "longer 7F21"};
  EXPECT_EQ(test::accepted(test::tlv_mutations(tlv::encode(0x7F22, octets)), reads), grown);

  AnswerContent with_domain = content;
  with_domain.security_domain_certificate = t_.certificate;
  EXPECT_EQ(code_of<AnswerContent>(with_domain.encode()), Errc::kValue);
  EnrolmentStatement statement = t_.statement();
  statement.signature = Bytes(70, 0x30);
  statement.level_bitmap = 0x03;
  statement.security_domain_certificate = Digest{};
  with_domain.statement = statement.encode();
  EXPECT_TRUE(decodes<AnswerContent>(with_domain.encode()));
  with_domain.security_domain_certificate.reset();
  EXPECT_EQ(code_of<AnswerContent>(with_domain.encode()), Errc::kValue);
}

TEST_F(StrictnessTest, AnswerContentIsAttestedByTheMakerOrByACasd) {
  CodeAttestation attestation{.kda_key = t_.kda_key.public_key().point(),
                              .certificate = t_.certificate,
                              .statement = tlv::encode(0xE6, Bytes(150, 0x5A))};
  expect_no_truncation<CodeAttestation>(attestation.encode());
  EXPECT_EQ(accepted<CodeAttestation>(attestation.encode()),
            (Names{"shorter 7F21", "longer 7F21", "shorter E6", "longer E6"}));
  AnswerContent content = t_.answer_content();
  const AnswerContent by_maker = content;
  content.kda_certificate.clear();
  content.maker_certificate.clear();
  content.code_attestation = attestation.encode();
  expect_no_truncation<AnswerContent>(content.encode());
  EXPECT_TRUE(decodes<AnswerContent>(content.encode()));
  // Not both, in whatever order, and not one twice.
  AnswerContent both = content;
  both.kda_certificate = both.maker_certificate = t_.certificate;
  EXPECT_FALSE(both.check());
  EXPECT_FALSE(decodes<AnswerContent>(both.encode()));
  for (const Bytes& first : {by_maker.encode(), content.encode()}) {
    Bytes twice = first;
    append(twice, *content.code_attestation);
    EXPECT_FALSE(decodes<AnswerContent>(twice));
  }
  // Exactly this profile, a whole E5, and no octet behind.
  Bytes profile = *content.code_attestation;
  for (const std::uint8_t other : std::array<std::uint8_t, 3>{0x00, 0x01, 0x03}) {
    profile[6] = other;  // E5 82 xx xx 80 01 xx
    EXPECT_FALSE(decodes<CodeAttestation>(profile)) << int{other};
  }
  content.code_attestation->push_back(0x00);
  EXPECT_FALSE(content.check());
  attestation.statement = tlv::encode(0xE6, Bytes(256, 0x5A));
  EXPECT_EQ(attestation.check().error().code, Errc::kLength);
  EXPECT_FALSE(decodes<CodeAttestation>(attestation.encode()));
}

TEST_F(StrictnessTest, HeaderIsReadInOneForm) {
  EnvelopeHeader header = t_.header();
  EXPECT_EQ(accepted<EnvelopeHeader>(header.encode()), Names());
  expect_no_truncation<EnvelopeHeader>(header.encode());
  header.next_nonce_a = t_.request().nonce_a;
  EXPECT_EQ(accepted<EnvelopeHeader>(header.encode()), Names{"drop 89"});
}

TEST_F(StrictnessTest, HeaderRefusesLevelsAndSuitesThatAreNotBuilt) {
  const auto code = [&](auto change) {
    EnvelopeHeader header = t_.header();
    change(header);
    return code_of<EnvelopeHeader>(header.encode());
  };
  EXPECT_EQ(code([](auto& h) { h.level = 0x00; }), Errc::kNotSupported);
  EXPECT_EQ(code([](auto& h) { h.level = 0x06; }), Errc::kValue);
  // RL4 has the parameters of RL2, and a suite with ML-KEM.
  const auto at_rl4 = [](auto& h) {
    h.level = 0x04;
    h.key_identifier = 0x11;
    h.key_version_number = 0x03;
    h.required_i_mask = 0x00;
  };
  EXPECT_EQ(code(at_rl4), Errc::kValue) << "suite 01";
  EnvelopeHeader hybrid = t_.header();
  at_rl4(hybrid);
  hybrid.suite = 0x21;
  EXPECT_TRUE(decodes<EnvelopeHeader>(hybrid.encode()));
  // RL3 has the parameters of RL1.
  EXPECT_TRUE(decodes<EnvelopeHeader>([&] {
    EnvelopeHeader exclusive = t_.header();
    exclusive.level = 0x03;
    return exclusive.encode();
  }()));
  EXPECT_EQ(code([](auto& h) {
              h.level = 0x03;
              h.key_version_number = 0x00;
            }),
            Errc::kValue);
  // At RL2 the parameters are KID 11 and a KVN, whatever an RL1 header had there.
  EXPECT_EQ(code([](auto& h) { h.level = 0x02; }), Errc::kValue);
  for (const unsigned identifier : {0x00U, 0x10U, 0x13U, 0x15U}) {
    EXPECT_EQ(code([&](auto& h) {
                h.level = 0x02;
                h.key_identifier = static_cast<std::uint8_t>(identifier);
              }),
              Errc::kValue)
        << identifier;
  }
  EnvelopeHeader by_certificates = t_.header();
  by_certificates.level = 0x02;
  by_certificates.key_identifier = 0x11;
  by_certificates.key_version_number = 0x03;
  by_certificates.required_i_mask = 0x00;
  const auto decoded = EnvelopeHeader::decode(by_certificates.encode());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->key_identifier, 0x11);
  EXPECT_EQ(decoded->key_version_number, 0x03);
  EXPECT_EQ(decoded->encode(), by_certificates.encode());
  // At OS there are no parameters.
  EnvelopeHeader own = t_.header();
  own.level = 0x05;
  EXPECT_FALSE(own.check().has_value());
  own.key_version_number = own.required_i_mask = 0;
  const std::string without = to_hex(own.encode());
  EXPECT_EQ(EnvelopeHeader::decode(own.encode())->encode(), own.encode());
  EXPECT_EQ(without.find("8401058502"), std::string::npos);
  EXPECT_EQ(code_of<EnvelopeHeader>(with(t_.header().encode(), "8401018502", "8401058502")),
            Errc::kUnexpectedTag);
  EXPECT_EQ(code([](auto& h) { h.suite = 0x03; }), Errc::kNotSupported);
  EXPECT_EQ(code([](auto& h) { h.suite = 0x00; }), Errc::kValue);
  EXPECT_EQ(code([](auto& h) { h.key_version_number = 0x00; }), Errc::kValue);
  EXPECT_EQ(code([](auto& h) { h.key_version_number = 0x80; }), Errc::kValue);
  EXPECT_EQ(code([](auto& h) { h.seq = 0; }), Errc::kValue);
}

TEST_F(StrictnessTest, EnvelopeIsReadInOneForm) {
  Envelope envelope = Envelope::decode(t_.e2(t_.e1())).value();
  envelope.signature = Bytes(70, 0x30);
  const Bytes e2 = envelope.encode();
  EXPECT_EQ(accepted<Envelope>(e2), (Names{"shorter 9E", "longer 9E"}));
  EXPECT_EQ(accepted<Envelope>(e2, {0}), Names());  // A0
  EXPECT_EQ(accepted<Envelope>(e2, {1}), Names());  // A1
  expect_no_truncation<Envelope>(e2);
  envelope.sealed = Bytes(736, 0x5A);
  EXPECT_TRUE(decodes<Envelope>(envelope.encode()));
  envelope.sealed = Bytes(752, 0x5A);
  EXPECT_EQ(code_of<Envelope>(envelope.encode()), Errc::kLength);
  envelope.sealed.clear();
  EXPECT_EQ(code_of<Envelope>(envelope.encode()), Errc::kLength);
}

TEST_F(StrictnessTest, LargestEnvelopeFitsTheReassemblyWithItsHandle) {
  Envelope envelope = Envelope::decode(t_.e2(t_.e1())).value();
  EnvelopeHeader header = t_.header();
  header.next_nonce_a = t_.request().nonce_a;
  envelope.header = header.encode();
  envelope.sealed = Bytes(736, 0x5A);
  envelope.signature = Bytes(kSignatureMaxSize, 0x30);
  EXPECT_LE(envelope.encode().size() + tlv::encoded_size(0x83, 16), 1'024U);
}

TEST_F(StrictnessTest, ReceiptIsReadInOneForm) {
  const Bytes e3 = t_.e3(t_.e1());
  EXPECT_EQ(accepted<Receipt>(e3), Names{"longer 83"});
  EXPECT_EQ(accepted<Receipt>(e3, {7}), Names());  // 8F
  expect_no_truncation<Receipt>(e3);

  Receipt receipt = Receipt::decode(e3).value();
  receipt.next_enrolment = t_.e4();
  EXPECT_EQ(accepted<Receipt>(receipt.encode()), (Names{"longer 83", "drop 89"}));
  EXPECT_EQ(accepted<Receipt>(receipt.encode(), {6, 0}), Names());  // E4 inside 89
  receipt.next_enrolment = Bytes{0xE4, 0x00};
  EXPECT_EQ(code_of<Receipt>(receipt.encode()), Errc::kTruncated);
}

TEST_F(StrictnessTest, ReceiptsResultsFitTheirCircumstances) {
  using enum ActionResult;
  const Receipt base = Receipt::decode(t_.e3(t_.e1())).value();
  const auto reads = [&](std::vector<ActionResult> results, bool opened, bool seen = true) {
    Receipt receipt = base;
    receipt.results = std::move(results);
    if (!opened) {
      receipt.mac.reset();
    }
    if (!seen) {
      receipt.header_hash = {};
      receipt.seq = 0;
      receipt.level = 0;
    }
    return decodes<Receipt>(receipt.encode());
  };
  EXPECT_TRUE(reads({kInstalled, kInstalledByProbe, kProvedAbsent, kUnknown, kCancelled}, true));
  EXPECT_TRUE(reads(std::vector(8, kInstalled), true));
  EXPECT_FALSE(reads(std::vector(9, kInstalled), true));
  EXPECT_FALSE(reads({}, true));
  EXPECT_TRUE(reads({kChannelKeysRefused}, true));
  EXPECT_FALSE(reads({kChannelKeysRefused, kInstalled}, true));
  EXPECT_FALSE(reads({static_cast<ActionResult>(7)}, true));
  // Not opened: one result, 04 or 06, and no MAC.
  EXPECT_TRUE(reads({kRefusedBeforeOpening}, false));
  EXPECT_TRUE(reads({kCancelled}, false));
  EXPECT_FALSE(reads({kCancelled, kCancelled}, false));
  EXPECT_FALSE(reads({kInstalled}, false));
  EXPECT_FALSE(reads({kUnknown}, false));
  EXPECT_FALSE(reads({kRefusedBeforeOpening}, true));
  // No envelope seen: zeros, and no MAC.
  EXPECT_TRUE(reads({kRefusedBeforeOpening}, false, false));
  EXPECT_TRUE(reads({kCancelled}, false, false));
  EXPECT_FALSE(reads({kCancelled}, true, false));
}

TEST(ActionResultTest, EveryResultHasItsNameAndTheRestHaveNone) {
  const std::vector<std::pair<ActionResult, std::string_view>> names = {
      {ActionResult::kInstalled, "installed"},
      {ActionResult::kInstalledByProbe, "installed_by_probe"},
      {ActionResult::kProvedAbsent, "proved_absent"},
      {ActionResult::kUnknown, "unknown"},
      {ActionResult::kRefusedBeforeOpening, "refused_before_opening"},
      {ActionResult::kChannelKeysRefused, "channel_keys_refused"},
      {ActionResult::kCancelled, "cancelled"}};
  for (const auto& [result, text] : names) {
    EXPECT_EQ(name(result), text);
  }
  EXPECT_EQ(name(ActionResult{0xFF}), "invalid");
}

TEST_F(StrictnessTest, ReceiptWithoutEnvelopeIsZeroThroughout) {
  Receipt receipt = Receipt::decode(t_.e3(t_.e1())).value();
  receipt.mac.reset();
  receipt.results = {ActionResult::kCancelled};
  receipt.seq = 0;
  EXPECT_EQ(code_of<Receipt>(receipt.encode()), Errc::kValue);
  receipt.seq = 7;
  receipt.level = 0;
  EXPECT_EQ(code_of<Receipt>(receipt.encode()), Errc::kNotSupported);
  receipt.header_hash = {};
  EXPECT_EQ(code_of<Receipt>(receipt.encode()), Errc::kValue);
}

TEST_F(StrictnessTest, ReceiptSignatureIsCounterAndSignature) {
  const ReceiptSignature signature{.counter = 9, .signature = Bytes(70, 0x30)};
  const Bytes octets = signature.encode();
  expect_no_truncation<ReceiptSignature>(octets);
  const auto reads = [](const Bytes& in_tag) {
    const ByteView value = tlv::read_single(in_tag, 0x7F22)->value;
    return decodes<ReceiptSignature>(Bytes(value.begin(), value.end()));
  };
  EXPECT_EQ(test::accepted(test::tlv_mutations(tlv::encode(0x7F22, octets)), reads),
            (Names{"shorter 9E", "longer 9E"}));
}

}  // namespace
}  // namespace kagibin::envelope
