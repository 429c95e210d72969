// SPDX-License-Identifier: Apache-2.0
// Everything that the delivery reads as JSON, on the same text. JSON says one thing in many ways:
// what is written reads as the same, and is written the same again.
#include <string_view>

#include "kagibin/delivery/exchange/shipment_list.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/strict_json.h"
#include "kagibin/delivery/submission.h"

#include "fuzz/round_trip.h"

namespace kagibin::delivery {
namespace {

template <typename Message>
void check(std::string_view text, Result<Message> (*read)(std::string_view)) {
  const auto message = read(text);
  if (message) {
    const std::string written = to_json(*message);
    const auto again = read(written);
    KB_CHECK(again.has_value() && *again == *message);
    KB_CHECK(to_json(*again) == written);
  }
}

// Both readers of JSON take the same texts.
void check_strictness(std::string_view text) {
  const auto value = parse_json(text, kMaxBodyBytes);
  const auto examined = examine_json(text, kMaxBodyBytes);
  KB_CHECK(value.has_value() == examined.has_value());
  KB_CHECK(examined.has_value() || examined.error().error.code == value.error().code);
  KB_CHECK(examined.has_value() || examined.error().octet <= text.size());
}

}  // namespace
}  // namespace kagibin::delivery

FUZZ_OCTETS(octets) {
  namespace delivery = kagibin::delivery;
  const std::string text(octets.begin(), octets.end());
  delivery::check_strictness(text);
  delivery::check(text, delivery::order_request_from_json);
  delivery::check(text, delivery::attempt_request_from_json);
  delivery::check(text, delivery::work_from_json);
  delivery::check(text, delivery::enrolment_message_from_json);
  delivery::check(text, delivery::delivery_message_from_json);
  delivery::check(text, delivery::receipt_message_from_json);
  delivery::check(text, delivery::verdict_message_from_json);
  delivery::check(text, delivery::withdrawal_message_from_json);
  delivery::check(text, delivery::attempt_status_from_json);
  delivery::check(text, delivery::order_status_from_json);
  delivery::check(text, delivery::order_listing_from_json);
  delivery::check(text, delivery::submission_from_json);
  delivery::check(text, delivery::submission_results_from_json);
  delivery::check(text, delivery::certificate_request_from_json);
  delivery::check(text, delivery::issued_certificate_from_json);
  delivery::check(text, delivery::transport_roots_from_json);
  delivery::check(text, delivery::problem_from_json);
  delivery::check(text, delivery::shipment_list_from_json);
  delivery::check(text, delivery::signed_shipment_list_from_json);
}
