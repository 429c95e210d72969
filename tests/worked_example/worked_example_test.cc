// SPDX-License-Identifier: Apache-2.0
#include "tests/worked_example/worked_example.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/pki/chain.h"

namespace kagibin::test {
namespace {

using namespace envelope;

std::string stored_text() {
  std::ifstream in(KAGIBIN_SOURCE_DIR "/kagibin/envelope/testdata/worked_example.vec");
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(WorkedExampleTest, IsRegeneratedByteForByte) {
  EXPECT_EQ(as_vector_file(worked_example()), stored_text());
}

// What the service provider and the element do with the octets, in their order.
TEST(WorkedExampleTest, OpensAndVerifiesAtBothEnds) {
  const std::vector<ExampleValue> values = worked_example();
  const auto octets = [&](std::string_view name) { return example_octets(values, name); };
  const auto key = [&](std::string_view name) {
    return crypto::EcPrivateKey::from_scalar(octets(name)).value();
  };
  const pki::TrustAnchors anchors{{key("SK.AUTH").public_key()}};
  const pki::CertificateDate today{20261121};

  const EnrolmentRequest request = EnrolmentRequest::decode(octets("E0")).value();
  const auto provider = pki::Certificate::decode(request.certificate).value();
  EXPECT_TRUE(verify_under_root(anchors, provider, pki::CertificateKind::kServiceProvider, today));
  EXPECT_TRUE(allows_aid(provider, *request.target));
  EXPECT_TRUE(verify_request(request, provider.key()));

  const AnswerContent content =
      open_answer(EnrolmentAnswer::decode(octets("E4")).value(), key("SK.SP.KEM")).value();
  const auto kda = pki::Certificate::decode(content.kda_certificate).value();
  const auto maker = pki::Certificate::decode(content.maker_certificate).value();
  EXPECT_TRUE(verify_kda_chain(anchors, kda, maker, today, {}));
  const EnrolmentStatement statement = EnrolmentStatement::decode(content.statement).value();
  EXPECT_TRUE(verify_statement(statement, kda.key()));
  EXPECT_EQ(statement.code_hash, kda.fields().code_hash);

  const crypto::Digest256 statement_hash = crypto::sha256(content.statement);
  const Envelope envelope = Envelope::decode(octets("E2")).value();
  EXPECT_TRUE(verify_envelope(envelope, statement_hash, provider.key()));
  const Payload payload = open_delivery(envelope, statement_hash, key("skE")).value();
  EXPECT_TRUE(ct_equal(payload.encode().expose(), octets("P")));

  const Bytes e1_10 = octets("E1.10");
  const Envelope in_suite_10 = Envelope::decode(octets("E2.10")).value();
  EXPECT_TRUE(verify_envelope(in_suite_10, crypto::sha256(e1_10), provider.key()));
  const Payload again = open_delivery(in_suite_10, crypto::sha256(e1_10), key("skE.10")).value();
  EXPECT_TRUE(ct_equal(again.encode().expose(), octets("P")));

  const OpenedReceipt opened = open_receipt(Receipt::decode(octets("E3")).value(), statement_hash,
                                            payload.receipt_key, kda.key(), key("SK.SP.KEM"))
                                   .value();
  EXPECT_TRUE(opened.mac_valid);
  EXPECT_TRUE(opened.signature_valid);

  const EnrolmentRequest cancel = EnrolmentRequest::decode(octets("E0.cancel")).value();
  EXPECT_TRUE(cancel.cancel);
  EXPECT_EQ(cancel.kem_key, request.kem_key);
  EXPECT_NE(cancel.nonce_a, request.nonce_a);
  EXPECT_TRUE(verify_request(cancel, provider.key()));

  const auto root = kda::AuthorityStatement::decode(octets("STATEMENT")).value();
  EXPECT_EQ(root.kind, kda::AuthorityStatement::Kind::kRoot);
  EXPECT_EQ(to_hex(ByteView(root.value).first(4)), "00000001");
  EXPECT_TRUE(equal(ByteView(root.value).subspan(4), key("SK.AUTH.2").public_key().point()));
  EXPECT_TRUE(crypto::ecdsa_verify_der(
      anchors.roots[0], {ascii(kLabelAuthority), root.signed_part()}, root.signature));

  for (const char* name : {"CERT.OCE", "CERT.SD"}) {
    const auto certificate = pki::Certificate::decode(octets(name)).value();
    EXPECT_TRUE(verify_under_root(anchors, certificate, certificate.fields().kind, today)) << name;
  }
}

}  // namespace
}  // namespace kagibin::test
