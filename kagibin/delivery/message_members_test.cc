// SPDX-License-Identifier: Apache-2.0
// Every member of every body of the HTTP API: missing, of another type, out of its limits.
#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/problem.h"

#include "tests/support/json_members.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

json::value parsed(const std::string& text) {
  return json::parse(json::string_view(text.data(), text.size()));
}

template <typename T>
using Decode = Result<T> (*)(std::string_view);

// The name of the code that it fails with; "none" when it is read.
template <typename T>
std::string_view fault(Decode<T> decode, const json::value& value) {
  const auto message = decode(json::serialize(value));
  return message ? std::string_view("none") : name(message.error().code);
}

// Each member of this body is needed, but those that are optional, and is of one type.
template <typename T>
void expect_members(const T& message, Decode<T> decode, const std::vector<std::string>& optional) {
  const json::value good = parsed(to_json(message));
  ASSERT_EQ(fault(decode, good), "none");
  EXPECT_EQ(fault(decode, json::array()), name(Errc::kEncoding));
  for (const std::string& place : test::json_places(good)) {
    json::value value = good;
    value.at_pointer(place) = nullptr;
    EXPECT_EQ(fault(decode, value), name(Errc::kEncoding)) << place << " " << to_json(message);
    value = good;
    const bool may_lack = std::ranges::find(optional, place) != optional.end();
    if (test::erase_member(value, place)) {
      EXPECT_EQ(fault(decode, value), may_lack ? "none" : name(Errc::kEncoding)) << place;
    }
    if (good.at_pointer(place).is_object()) {
      value = good;
      value.at_pointer(place).as_object()["more"] = 1;
      EXPECT_EQ(fault(decode, value), name(Errc::kEncoding)) << place;
    }
  }
}

OrderId order() { return OrderId::from("order-1").value(); }
DeviceId device() { return DeviceId::from("phone.7").value(); }
VerdictMessage verdict() { return {Verdict::kRefused, "why", 2}; }
AttemptStatus status() { return {2, State::kRefused, verdict()}; }
OrderStatus order_status() { return {order(), device(), 5, State::kOrdered, {status()}}; }
OrderListing listing() { return {{{order(), 2, device(), State::kEnrolled}}, "9", true}; }
Work work() { return {{Spid{{0xAA}}, order()}, 3, Work::Kind::kEnrol, {0xE0}, "17"}; }

TEST(MessageMembersTest, EachIsNeededAndOfOneType) {
  const Bytes octets = {0xE0};
  expect_members(OrderRequest{device(), 1}, order_request_from_json, {});
  expect_members(AttemptRequest{AttemptRequest::Kind::kRequest, octets}, attempt_request_from_json,
                 {});
  expect_members(work(), work_from_json, {});
  expect_members(EnrolmentMessage{octets}, enrolment_message_from_json, {});
  expect_members(DeliveryMessage{octets}, delivery_message_from_json, {});
  expect_members(ReceiptMessage{octets, 2}, receipt_message_from_json, {"/revision"});
  expect_members(verdict(), verdict_message_from_json, {"/revision"});
  expect_members(WithdrawalMessage{"why"}, withdrawal_message_from_json, {});
  expect_members(status(), attempt_status_from_json, {"/verdict", "/verdict/revision"});
  expect_members(order_status(), order_status_from_json,
                 {"/attempts/0/verdict", "/attempts/0/verdict/revision"});
  expect_members(listing(), order_listing_from_json, {});
  expect_members(CertificateRequest{"-----BEGIN"}, certificate_request_from_json, {});
  expect_members(IssuedCertificate{"device:x", "-----BEGIN"}, issued_certificate_from_json, {});
  expect_members(problem_of({Errc::kConflict, "what was wrong"}), problem_from_json, {});
}

struct Row {
  std::string place;
  std::string value;  // JSON
  Errc code;
};

template <typename T>
void expect_limits(const T& message, Decode<T> decode, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    json::value value = parsed(to_json(message));
    value.at_pointer(row.place) = parsed(row.value);
    EXPECT_EQ(fault(decode, value), name(row.code)) << row.place << " " << row.value;
  }
}

std::string text(std::size_t size) { return '"' + std::string(size, 'a') + '"'; }

TEST(MessageMembersTest, EachHasItsLimits) {
  expect_limits(work(), work_from_json,
                {{"/provider", text(65), Errc::kLimit},
                 {"/provider", R"("AA")", Errc::kValue},
                 {"/order", text(65), Errc::kLimit},
                 {"/order", R"("a b")", Errc::kValue},
                 {"/attempt", "0", Errc::kValue},
                 {"/enrol", R"("")", Errc::kValue},
                 {"/enrol", R"("4B==")", Errc::kEncoding},
                 {"/cursor", text(21), Errc::kLimit}});
  expect_limits(verdict(), verdict_message_from_json,
                {{"/verdict", R"("fine")", Errc::kValue},
                 {"/verdict", text(17), Errc::kLimit},
                 {"/reason", R"("two\nlines")", Errc::kValue},
                 {"/reason", text(257), Errc::kLimit},
                 {"/revision", "0", Errc::kValue},
                 {"/revision", "4294967296", Errc::kValue}});
  expect_limits(order_status(), order_status_from_json,
                {{"/device", R"("../x")", Errc::kValue},
                 {"/notAfter", "-1", Errc::kValue},
                 {"/notAfter", "253402300800", Errc::kValue},
                 {"/state", R"("lost")", Errc::kValue},
                 {"/state", text(17), Errc::kLimit},
                 {"/attempts/0/attempt", "0", Errc::kValue},
                 {"/attempts/0/state", R"("lost")", Errc::kValue},
                 {"/attempts/0/verdict/verdict", R"("fine")", Errc::kValue}});
  expect_limits(listing(), order_listing_from_json,
                {{"/attempts/0/order", R"("..")", Errc::kValue},
                 {"/attempts/0/device", R"("")", Errc::kValue},
                 {"/attempts/0/attempt", "0", Errc::kValue},
                 {"/attempts/0/state", R"("lost")", Errc::kValue},
                 {"/next", text(21), Errc::kLimit}});
  expect_limits(CertificateRequest{"x"}, certificate_request_from_json,
                {{"/certificateRequest", text(16'385), Errc::kLimit}});
  expect_limits(
      IssuedCertificate{"device:x", "x"}, issued_certificate_from_json,
      {{"/subject", text(65), Errc::kLimit}, {"/certificate", text(16'385), Errc::kLimit}});
  expect_limits(problem_of({Errc::kConflict, "what was wrong"}), problem_from_json,
                {{"/type", text(257), Errc::kLimit},
                 {"/title", text(257), Errc::kLimit},
                 {"/status", "399", Errc::kValue},
                 {"/status", "600", Errc::kValue},
                 {"/detail", text(1'025), Errc::kLimit}});
}

TEST(MessageMembersTest, ListsHaveTheirLimits) {
  json::value value = parsed(to_json(order_status()));
  json::array attempts;
  attempts.resize(kMaxAttempts + 1U);
  value.at_pointer("/attempts") = attempts;
  EXPECT_EQ(fault(order_status_from_json, value), name(Errc::kLimit));
  value = parsed(to_json(listing()));
  attempts.resize(1'001);
  value.at_pointer("/attempts") = attempts;
  EXPECT_EQ(fault(order_listing_from_json, value), name(Errc::kLimit));
}

TEST(MessageMembersTest, EveryVerdictIsAnEventOfItsOwn) {
  EXPECT_EQ(event_of(Verdict::kConfirmed), Event::kVerdictConfirmed);
  EXPECT_EQ(event_of(Verdict::kRefused), Event::kVerdictRefused);
  EXPECT_EQ(event_of(Verdict::kUnknown), Event::kVerdictUnknown);
  EXPECT_EQ(event_of(Verdict::kCancelled), Event::kVerdictCancelled);
}

}  // namespace
}  // namespace kagibin::delivery
