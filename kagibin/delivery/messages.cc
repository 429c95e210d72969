// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/messages.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/delivery/message_fields.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxCursor = 20;
constexpr std::size_t kMaxSignature = 72;  // ECDSA on P-256 in DER
constexpr std::size_t kMaxListed = 1'000;
constexpr std::size_t kMaxPem = 16'384;

std::string write(const json::object& object) { return json::serialize(object); }

Result<std::string> read_reason(ObjectReader& in) {
  std::string reason = KB_TRY(in.text("reason", kMaxReasonBytes));
  if (!is_printable(reason)) {
    return fail(Errc::kValue, "a reason is one line of printable text");
  }
  return reason;
}

Result<Bytes> relayed_alone(std::string_view text, std::string_view key) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  Bytes message = KB_TRY(read_relayed(in, key));
  KB_TRY(in.finish());
  return message;
}

constexpr std::array<std::string_view, 3> kWorkKinds = {"enrol", "deliver", "cancel"};
constexpr std::array<std::string_view, 4> kVerdicts = {"confirmed", "refused", "unknown",
                                                       "cancelled"};

json::object object_of(const VerdictMessage& message) {
  json::object out{{"verdict", text_of(name(message.verdict))},
                   {"reason", text_of(message.reason)}};
  if (message.revision) {
    out.emplace("revision", *message.revision);
  }
  return out;
}

Result<std::optional<std::uint32_t>> read_revision(ObjectReader& in) {
  if (!in.has("revision")) {
    return std::optional<std::uint32_t>();
  }
  const std::int64_t revision =
      KB_TRY(in.integer("revision", 1, std::numeric_limits<std::uint32_t>::max()));
  return std::optional(static_cast<std::uint32_t>(revision));
}

Result<VerdictMessage> read_verdict(ObjectReader& in) {
  const std::string text = KB_TRY(in.text("verdict", 16));
  for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
    if (kVerdicts.at(i) == text) {
      const std::string reason = KB_TRY(read_reason(in));
      const std::optional<std::uint32_t> revision = KB_TRY(read_revision(in));
      KB_TRY(in.finish());
      return VerdictMessage{static_cast<Verdict>(i), reason, revision};
    }
  }
  return fail(Errc::kValue, "a verdict is confirmed, refused, unknown or cancelled");
}

json::object object_of(const AttemptStatus& message) {
  json::object out{{"attempt", message.attempt}, {"state", text_of(name(message.state))}};
  if (message.verdict) {
    out.emplace("verdict", object_of(*message.verdict));
  }
  return out;
}

Result<AttemptStatus> read_attempt_status(ObjectReader& in) {
  AttemptStatus status;
  status.attempt = KB_TRY(read_attempt(in));
  status.state = KB_TRY(read_state(in));
  if (in.has("verdict")) {
    ObjectReader verdict = KB_TRY(in.object("verdict"));
    status.verdict = KB_TRY(read_verdict(verdict));
  }
  KB_TRY(in.finish());
  return status;
}

}  // namespace

std::string to_json(const OrderRequest& message) { return write(order_members(message)); }

Result<OrderRequest> order_request_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  OrderRequest message = KB_TRY(read_order_members(in));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const AttemptRequest& message) {
  const bool request = message.kind == AttemptRequest::Kind::kRequest;
  return write({{request ? "request" : "deliver", base64_of(message.message)}});
}

Result<AttemptRequest> attempt_request_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  AttemptRequest message;
  const bool request = in.has("request");
  message.kind = request ? AttemptRequest::Kind::kRequest : AttemptRequest::Kind::kDeliver;
  message.message = KB_TRY(read_relayed(in, request ? "request" : "deliver"));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const Work& message) {
  json::object out{{"provider", text_of(message.order.provider.hex())},
                   {"order", text_of(message.order.id.text())},
                   {"attempt", message.attempt}};
  out.emplace(kWorkKinds.at(std::to_underlying(message.kind)), base64_of(message.message));
  out.emplace("cursor", text_of(message.cursor));
  return write(out);
}

Result<Work> work_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const Spid provider = KB_TRY(read_provider(in));
  const OrderId order = KB_TRY(read_order(in));
  Work message{.order = {.provider = provider, .id = order}, .message = {}, .cursor = {}};
  message.attempt = KB_TRY(read_attempt(in));
  bool found = false;
  for (std::size_t i = 0; i < kWorkKinds.size() && !found; ++i) {
    found = in.has(kWorkKinds.at(i));
    if (found) {
      message.kind = static_cast<Work::Kind>(i);
      message.message = KB_TRY(read_relayed(in, kWorkKinds.at(i)));
    }
  }
  if (!found) {
    return fail(Errc::kEncoding, "work is to enrol, to deliver or to cancel");
  }
  message.cursor = KB_TRY(in.text("cursor", kMaxCursor));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const EnrolmentMessage& message) {
  return write({{"answer", base64_of(message.answer)}});
}

Result<EnrolmentMessage> enrolment_message_from_json(std::string_view text) {
  Bytes answer = KB_TRY(relayed_alone(text, "answer"));
  return EnrolmentMessage{std::move(answer)};
}

std::string to_json(const DeliveryMessage& message) {
  return write({{"envelope", base64_of(message.envelope)}});
}

Result<DeliveryMessage> delivery_message_from_json(std::string_view text) {
  Bytes envelope = KB_TRY(relayed_alone(text, "envelope"));
  return DeliveryMessage{std::move(envelope)};
}

std::string to_json(const ReceiptMessage& message) {
  json::object out{{"receipt", base64_of(message.receipt)}};
  if (message.revision) {
    out.emplace("revision", *message.revision);
  }
  return write(out);
}

Result<ReceiptMessage> receipt_message_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  ReceiptMessage message;
  message.receipt = KB_TRY(read_relayed(in, "receipt"));
  message.revision = KB_TRY(read_revision(in));
  KB_TRY(in.finish());
  return message;
}

std::string_view name(Verdict verdict) { return kVerdicts.at(std::to_underlying(verdict)); }

Event event_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kConfirmed:
      return Event::kVerdictConfirmed;
    case Verdict::kRefused:
      return Event::kVerdictRefused;
    case Verdict::kUnknown:
      return Event::kVerdictUnknown;
    case Verdict::kCancelled:
      break;
  }
  return Event::kVerdictCancelled;
}

std::string to_json(const VerdictMessage& message) { return write(object_of(message)); }

Result<VerdictMessage> verdict_message_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  return read_verdict(in);
}

std::string to_json(const WithdrawalMessage& message) {
  return write({{"reason", text_of(message.reason)}});
}

Result<WithdrawalMessage> withdrawal_message_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  std::string reason = KB_TRY(read_reason(in));
  KB_TRY(in.finish());
  return WithdrawalMessage{std::move(reason)};
}

std::string to_json(const AttemptStatus& message) { return write(object_of(message)); }

Result<AttemptStatus> attempt_status_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  return read_attempt_status(in);
}

std::string to_json(const OrderStatus& message) {
  json::array attempts;
  for (const AttemptStatus& attempt : message.attempts) {
    attempts.push_back(object_of(attempt));
  }
  json::object out{{"order", text_of(message.order.text())},
                   {"device", text_of(message.device.text())},
                   {"notAfter", message.not_after},
                   {"state", text_of(name(message.state))},
                   {"attempts", std::move(attempts)}};
  if (message.campaign) {
    out.emplace("campaign", text_of(message.campaign->text()));
    out.emplace("held", message.held);
  }
  return write(out);
}

Result<OrderStatus> order_status_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 4 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const OrderId order = KB_TRY(read_order(in));
  const DeviceId device = KB_TRY(read_device(in));
  OrderStatus message{.order = order, .device = device, .attempts = {}};
  message.not_after = KB_TRY(read_not_after(in));
  message.state = KB_TRY(read_state(in));
  const json::array* attempts = KB_TRY(in.array("attempts", kMaxAttempts));
  for (const json::value& element : *attempts) {
    ObjectReader attempt = KB_TRY(ObjectReader::of(element));
    const AttemptStatus status = KB_TRY(read_attempt_status(attempt));
    message.attempts.push_back(status);
  }
  if (in.has("campaign")) {
    message.campaign = KB_TRY(read_campaign(in));
    message.held = KB_TRY(in.boolean("held"));
  }
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const OrderListing& message) {
  json::array attempts;
  for (const ListedAttempt& listed : message.attempts) {
    attempts.push_back(json::object{{"order", text_of(listed.order.text())},
                                    {"attempt", listed.attempt},
                                    {"device", text_of(listed.device.text())},
                                    {"state", text_of(name(listed.state))}});
  }
  return write(
      {{"attempts", std::move(attempts)}, {"next", text_of(message.next)}, {"more", message.more}});
}

Result<OrderListing> order_listing_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 8 * kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  OrderListing message;
  const json::array* attempts = KB_TRY(in.array("attempts", kMaxListed));
  for (const json::value& element : *attempts) {
    ObjectReader listed = KB_TRY(ObjectReader::of(element));
    const OrderId order = KB_TRY(read_order(listed));
    const DeviceId device = KB_TRY(read_device(listed));
    ListedAttempt attempt{.order = order, .device = device};
    attempt.attempt = KB_TRY(read_attempt(listed));
    attempt.state = KB_TRY(read_state(listed));
    KB_TRY(listed.finish());
    message.attempts.push_back(std::move(attempt));
  }
  message.next = KB_TRY(in.text("next", kMaxCursor));
  message.more = KB_TRY(in.boolean("more"));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const CertificateRequest& message) {
  return write({{"certificateRequest", text_of(message.pem)}});
}

Result<CertificateRequest> certificate_request_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  std::string pem = KB_TRY(in.text("certificateRequest", kMaxPem));
  KB_TRY(in.finish());
  // Stores keep it as it is, and not every store takes a NUL.
  const bool printable = std::ranges::all_of(
      pem, [](char c) { return (c >= 0x20 && c <= 0x7E) || c == '\n' || c == '\r'; });
  if (!printable) {
    return fail(Errc::kValue, "a certificate request is PEM: lines of ASCII");
  }
  return CertificateRequest{std::move(pem)};
}

std::string to_json(const IssuedCertificate& message) {
  return write({{"subject", text_of(message.subject)}, {"certificate", text_of(message.pem)}});
}

Result<IssuedCertificate> issued_certificate_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  IssuedCertificate message;
  message.subject = KB_TRY(in.text("subject", 64));
  message.pem = KB_TRY(in.text("certificate", kMaxPem));
  KB_TRY(in.finish());
  return message;
}

std::string to_json(const TransportRoots& message) {
  json::array roots;
  for (const std::string& pem : message.pem) {
    roots.push_back(text_of(pem));
  }
  json::object out{{"roots", std::move(roots)}};
  if (message.succession) {
    out.emplace("succession", base64_of(*message.succession));
  }
  return write(out);
}

Result<TransportRoots> transport_roots_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const json::array* roots = KB_TRY(in.array("roots", kMaxRoots));
  TransportRoots message;
  if (in.has("succession")) {
    message.succession = KB_TRY(in.base64("succession", kMaxSignature));
  }
  KB_TRY(in.finish());
  for (const json::value& root : *roots) {
    if (!root.is_string() || root.get_string().size() > kMaxPem) {
      return fail(Errc::kEncoding, "a root is a certificate in PEM");
    }
    message.pem.emplace_back(root.get_string());
  }
  if (message.pem.empty()) {
    return fail(Errc::kValue, "there is no root");
  }
  return message;
}

}  // namespace kagibin::delivery
