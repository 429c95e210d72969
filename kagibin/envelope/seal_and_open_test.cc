// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/envelope/test_delivery.h"

namespace kagibin::envelope {
namespace {

// As the issue tells it: request, answer, envelope, receipt, each made at one end and taken at the
// other.
TEST(SealAndOpenTest, OneDeliveryGoesFromRequestToReceipt) {
  TestDelivery t;
  const Bytes e0 = t.e0();
  const EnrolmentRequest request = EnrolmentRequest::decode(e0).value();
  EXPECT_TRUE(verify_request(request, t.provider_key.public_key()));
  EXPECT_EQ(request.encode(), e0);

  const Bytes e4 = t.e4();
  const EnrolmentAnswer answer = EnrolmentAnswer::decode(e4).value();
  EXPECT_EQ(answer.encode(), e4);
  const AnswerContent content = open_answer(answer, t.kem_key).value();
  const EnrolmentStatement statement = EnrolmentStatement::decode(content.statement).value();
  EXPECT_EQ(statement.encode(), content.statement);
  EXPECT_TRUE(verify_statement(statement, t.kda_key.public_key()));

  const Bytes e2 = t.e2(content.statement);
  const crypto::Digest256 statement_hash = crypto::sha256(content.statement);
  const Envelope envelope = Envelope::decode(e2).value();
  EXPECT_EQ(envelope.encode(), e2);
  EXPECT_TRUE(verify_envelope(envelope, statement_hash, t.provider_key.public_key()));
  const Payload payload = open_delivery(envelope, statement_hash, t.enrolment_key).value();
  EXPECT_TRUE(ct_equal(payload.encode().expose(), t.payload().encode().expose()));

  const Bytes e3 = t.e3(content.statement);
  const Receipt receipt = Receipt::decode(e3).value();
  EXPECT_EQ(receipt.encode(), e3);
  const OpenedReceipt opened =
      open_receipt(receipt, statement_hash, t.receipt_key, t.kda_key.public_key(), t.kem_key)
          .value();
  EXPECT_TRUE(opened.mac_valid);
  EXPECT_TRUE(opened.signature_valid);
  EXPECT_EQ(opened.kda_counter, 9U);
}

}  // namespace
}  // namespace kagibin::envelope
