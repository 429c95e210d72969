// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/messages.h"

#include <string>

#include <gtest/gtest.h>

#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

OrderId order_id() { return OrderId::from("order-1").value(); }
DeviceId device_id() { return DeviceId::from("phone.7").value(); }

// What decodes re-encodes to the same text, and every shortened text is refused.
template <typename T>
void expect_strict(const T& message, Result<T> (*decode)(std::string_view)) {
  const std::string text = to_json(message);
  const Result<T> back = decode(text);
  ASSERT_TRUE(back.has_value()) << text << ": " << back.error().detail.text();
  EXPECT_EQ(*back, message);
  EXPECT_EQ(to_json(*back), text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(decode(text.substr(0, length)).has_value()) << text.substr(0, length);
  }
  EXPECT_FALSE(decode(text + "{}").has_value());
  EXPECT_FALSE(decode(R"({"x":1,)" + text.substr(1)).has_value()) << "unknown member";
  const std::string first = text.substr(1, text.find_first_of(",}", 1) - 1);
  EXPECT_FALSE(decode("{" + first + "," + text.substr(1)).has_value()) << "repeated member";
}

TEST(MessagesTest, EveryMessageReadsBackAndRefusesEverythingElse) {
  const Bytes octets = {0xE0, 0x00, 0xFF};
  expect_strict(OrderRequest{device_id(), 1'900'000'000}, order_request_from_json);
  expect_strict(AttemptRequest{AttemptRequest::Kind::kRequest, octets}, attempt_request_from_json);
  expect_strict(AttemptRequest{AttemptRequest::Kind::kDeliver, octets}, attempt_request_from_json);
  for (const Work::Kind kind : {Work::Kind::kEnrol, Work::Kind::kDeliver, Work::Kind::kCancel}) {
    expect_strict(Work{{Spid{{0xAA}}, order_id()}, 3, kind, octets, "17"}, work_from_json);
  }
  expect_strict(EnrolmentMessage{octets}, enrolment_message_from_json);
  expect_strict(DeliveryMessage{octets}, delivery_message_from_json);
  expect_strict(ReceiptMessage{octets, {}}, receipt_message_from_json);
  expect_strict(ReceiptMessage{octets, 2}, receipt_message_from_json);
  expect_strict(VerdictMessage{Verdict::kRefused, "鍵 \"no\""}, verdict_message_from_json);
  expect_strict(VerdictMessage{Verdict::kConfirmed, "", 2}, verdict_message_from_json);
  expect_strict(WithdrawalMessage{"ordered by mistake"}, withdrawal_message_from_json);
  const AttemptStatus status{2, State::kRefused, VerdictMessage{Verdict::kRefused, "why"}};
  expect_strict(status, attempt_status_from_json);
  expect_strict(OrderStatus{order_id(), device_id(), 5, State::kOrdered, {status}},
                order_status_from_json);
  expect_strict(OrderListing{{{order_id(), 2, device_id(), State::kEnrolled}}, "9", true},
                order_listing_from_json);
  expect_strict(CertificateRequest{"-----BEGIN"}, certificate_request_from_json);
  expect_strict(TransportRoots{{"-----BEGIN"}, {}}, transport_roots_from_json);
  expect_strict(TransportRoots{{"-----BEGIN", "-----BEGIN 2"}, octets}, transport_roots_from_json);
  expect_strict(IssuedCertificate{"device:x", "-----BEGIN"}, issued_certificate_from_json);
}

TEST(MessagesTest, RefusesValuesOutOfRange) {
  const auto bad_order = [](std::string_view text) {
    return order_request_from_json(text).error().code;
  };
  EXPECT_EQ(bad_order(R"({"device":"a b","notAfter":1})"), Errc::kValue);
  EXPECT_EQ(bad_order(R"({"device":"","notAfter":1})"), Errc::kValue);
  EXPECT_EQ(bad_order(R"({"device":"../x","notAfter":1})"), Errc::kValue);
  EXPECT_EQ(bad_order(R"({"device":"x","notAfter":-1})"), Errc::kValue);
  EXPECT_EQ(bad_order(R"({"device":"x","notAfter":1e3})"), Errc::kEncoding);
  EXPECT_EQ(bad_order(R"({"device":"x","notAfter":"1"})"), Errc::kEncoding);
  EXPECT_EQ(bad_order(R"({"device":7,"notAfter":1})"), Errc::kEncoding);
  EXPECT_EQ(bad_order(R"([])"), Errc::kEncoding);
  EXPECT_EQ(verdict_message_from_json(R"({"verdict":"fine","reason":""})").error().code,
            Errc::kValue);
  EXPECT_EQ(
      verdict_message_from_json("{\"verdict\":\"unknown\",\"reason\":\"a\\nb\"}").error().code,
      Errc::kValue);
  EXPECT_EQ(attempt_request_from_json(R"({"request":""})").error().code, Errc::kValue);
  EXPECT_EQ(attempt_request_from_json(R"({"request":"4A=="})").value().message, Bytes{0xE0});
  EXPECT_EQ(attempt_request_from_json(R"({"request":"4B=="})").error().code, Errc::kEncoding);
  EXPECT_EQ(attempt_request_from_json(R"({"request":"4A==","deliver":"4A=="})").error().code,
            Errc::kEncoding);
}

TEST(MessagesTest, RefusesWhatIsOverItsLimit) {
  const auto envelope = [](std::size_t size) {
    return delivery_message_from_json(to_json(DeliveryMessage{Bytes(size, 1)}));
  };
  EXPECT_TRUE(envelope(kMaxRelayedBytes).has_value());
  EXPECT_EQ(envelope(kMaxRelayedBytes + 1).error().code, Errc::kLimit);
  const std::string blanks(kMaxBodyBytes, ' ');
  EXPECT_EQ(order_request_from_json(blanks + "{}").error().code, Errc::kLimit);
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    deep += R"({"a":)";
  }
  EXPECT_EQ(order_request_from_json(deep).error().code, Errc::kEncoding);
}

TEST(StrictJsonTest, RefusesInvalidUtf8CommentsAndRepeatedMembersAtAnyDepth) {
  EXPECT_TRUE(parse_json(R"({"a":{"b":1,"c":[{"d":2}]}})", 100).has_value());
  EXPECT_FALSE(parse_json(R"({"a":{"b":1,"c":[{"d":2,"d":2}]}})", 100).has_value());
  EXPECT_FALSE(parse_json(R"({"a":1,"\u0061":1})", 100).has_value());
  EXPECT_FALSE(parse_json("{\"a\":\"\xC0\xAF\"}", 100).has_value());
  EXPECT_FALSE(parse_json("{/* */}", 100).has_value());
  EXPECT_FALSE(parse_json("{\"a\":1,}", 100).has_value());
  EXPECT_FALSE(parse_json("", 100).has_value());
  EXPECT_TRUE(parse_json("18446744073709551615", 100).has_value());
  EXPECT_FALSE(parse_json("184467440737095516160", 5).has_value());
}

TEST(StrictJsonTest, PrintableTextHasNoControlsAndOneSpelling) {
  EXPECT_TRUE(is_printable("鍵便 \xF0\x9F\x94\x91 ok"));
  EXPECT_FALSE(is_printable("a\x1B[2J"));
  EXPECT_FALSE(is_printable("\xC2\x9B"));          // C1 control
  EXPECT_FALSE(is_printable("\xE0\x80\xAF"));      // over-long
  EXPECT_FALSE(is_printable("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_printable("\xF4\x90\x80\x80"));  // past U+10FFFF
  EXPECT_FALSE(is_printable("\xE9\x8D"));          // cut off
  EXPECT_FALSE(is_printable("\x80"));              // no lead octet
  EXPECT_FALSE(is_printable("\xF5\x80\x80\x80"));  // nor this
  EXPECT_FALSE(
      is_printable("\xE9\x8D"
                   "A"));  // ended by another character
  EXPECT_FALSE(is_printable("\x7F"));
}

TEST(NamesTest, SubjectsReadBackAndHaveOneSpelling) {
  const Spid spid = Spid::from_hex("000102030405060708090A0B0C0D0E0F").value();
  const std::string provider = provider_subject(spid).common_name();
  EXPECT_EQ(provider, "provider:000102030405060708090A0B0C0D0E0F");
  EXPECT_EQ(Subject::parse(provider).value(), provider_subject(spid));
  EXPECT_EQ(Subject::parse("device:phone.7").value(), device_subject(device_id()));
  EXPECT_FALSE(Subject::parse("provider:000102030405060708090a0b0c0d0e0f").has_value());
  EXPECT_FALSE(Subject::parse("provider:00 0102030405060708090A0B0C0D0E0F").has_value());
  EXPECT_FALSE(Subject::parse("device:").has_value());
  EXPECT_FALSE(Subject::parse("phone.7").has_value());
  EXPECT_FALSE(Subject::parse("device:a/b").has_value());
  EXPECT_FALSE(OrderId::from(std::string(65, 'a')).has_value());
  EXPECT_TRUE(OrderId::from(std::string(64, 'a')).has_value());
  EXPECT_FALSE(OrderId::from("..").has_value());
}

TEST(MessagesTest, ACertificateRequestIsLinesOfAscii) {
  EXPECT_TRUE(certificate_request_from_json(R"({"certificateRequest":"-----\nAA==\r\n"})"));
  for (const char* text :
       {R"({"certificateRequest":"a\u0000b"})", R"({"certificateRequest":"\u00e9"})",
        R"({"certificateRequest":"\t"})", R"({"certificateRequest":"\u007f"})"}) {
    EXPECT_EQ(certificate_request_from_json(text).error().code, Errc::kValue) << text;
  }
}

TEST(ProblemTest, ErrorsTravelAsProblemDetailsAndComeBack) {
  for (const Errc code : {Errc::kConflict, Errc::kState, Errc::kNotFound, Errc::kExpired,
                          Errc::kNoSpace, Errc::kUntrusted, Errc::kEncoding, Errc::kLimit}) {
    const HttpResponse response = problem_response({code, "what was wrong"});
    EXPECT_GE(response.status, 400);
    const Problem problem = problem_from_json(response.body).value();
    EXPECT_EQ(problem.status, response.status);
    EXPECT_EQ(problem.type, "urn:kagibin:problem:" + std::string(name(code)));
    EXPECT_EQ(problem.detail, "what was wrong");
    EXPECT_EQ(error_of(response).code, code);
  }
  for (const Errc code : {Errc::kStore, Errc::kIo}) {
    const HttpResponse response = problem_response({code, "broken"});
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(error_of(response).code, Errc::kInterrupted) << "the other end's store is not ours";
  }
  EXPECT_EQ(problem_response({Errc::kNoSpace, "full"}).retry_after_seconds, 5U);
}

TEST(ProblemTest, AnswersOfOthersAreReadByTheirStatus) {
  HttpResponse response{.status = 404, .content_type = "text/html", .body = "<html>"};
  EXPECT_EQ(error_of(response).code, Errc::kNotFound);
  response.status = 418;
  EXPECT_EQ(error_of(response).code, Errc::kHttp);
  response = {.status = 409, .content_type = "application/problem+json", .body = "{"};
  EXPECT_EQ(error_of(response).code, Errc::kConflict);
  EXPECT_EQ(problem_response({Errc::kCrypto, "internal"}).status, 500);
  EXPECT_EQ(problem_from_json(problem_response({Errc::kCrypto, "internal"}).body)->detail, "");
}

}  // namespace
}  // namespace kagibin::delivery
