// SPDX-License-Identifier: Apache-2.0
// Bodies of the distributor's HTTP API (protocol, section 4; doc/openapi.yaml), as structures with
// JSON codecs.
//
// E0, E2, E3 and E4 are base64 (RFC 4648) and opaque here. Decoders are strict: an unknown, missing
// or repeated member, a wrong type, a number out of range and a text over its limit are refused
// (kEncoding, kValue, kLimit). Limits: a body of 64 KiB, a relayed message of 8,192 octets, a
// reason of 256 characters. Times are seconds since 1970-01-01 UTC. No secret ever stands in these.
//
//   const std::string body = to_json(OrderRequest{.device = device, .not_after = when});
//   const OrderRequest order = KB_TRY(order_request_from_json(body));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/campaign.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

inline constexpr std::size_t kMaxBodyBytes = 65'536;
inline constexpr std::size_t kMaxRelayedBytes = 8'192;
inline constexpr std::size_t kMaxReasonBytes = 256;

// PUT /v1/orders/{order}: { "device", "notAfter", "campaign", "attributes": { "site": "lab" } },
// the last two of an order that joins a campaign (campaign.h).
struct OrderRequest {
  DeviceId device;
  std::int64_t not_after = 0;
  std::optional<CampaignId> campaign{};
  Attributes attributes{};
  friend bool operator==(const OrderRequest&, const OrderRequest&) = default;
};
std::string to_json(const OrderRequest& message);
Result<OrderRequest> order_request_from_json(std::string_view text);

// PUT /v1/orders/{order}/attempts/{n}: { "request": E0 } or { "deliver": E2 }
struct AttemptRequest {
  enum class Kind : std::uint8_t { kRequest, kDeliver };
  Kind kind = Kind::kRequest;
  Bytes message{};
  friend bool operator==(const AttemptRequest&, const AttemptRequest&) = default;
};
std::string to_json(const AttemptRequest& message);
Result<AttemptRequest> attempt_request_from_json(std::string_view text);

// GET /v1/devices/self/work: { "provider", "order", "attempt", "cursor", and one of "enrol": E0,
// "deliver": E2, "cancel": E0 }. `cursor` in ?after= asks for the work behind this piece.
struct Work {
  enum class Kind : std::uint8_t { kEnrol, kDeliver, kCancel };
  OrderKey order;
  AttemptNumber attempt = 1;
  Kind kind = Kind::kEnrol;
  Bytes message{};
  std::string cursor{};
  friend bool operator==(const Work&, const Work&) = default;
};
std::string to_json(const Work& message);
Result<Work> work_from_json(std::string_view text);

// PUT and GET .../enrolment: { "answer": E4 }
struct EnrolmentMessage {
  Bytes answer{};
  friend bool operator==(const EnrolmentMessage&, const EnrolmentMessage&) = default;
};
std::string to_json(const EnrolmentMessage& message);
Result<EnrolmentMessage> enrolment_message_from_json(std::string_view text);

// PUT .../delivery: { "envelope": E2 }
struct DeliveryMessage {
  Bytes envelope{};
  friend bool operator==(const DeliveryMessage&, const DeliveryMessage&) = default;
};
std::string to_json(const DeliveryMessage& message);
Result<DeliveryMessage> delivery_message_from_json(std::string_view text);

// PUT and GET .../receipt: { "receipt": E3, "revision" }. An element may answer again once it knows
// more (unknown, then installed): revision counts what the distributor took, from 1, and stands in
// answers only.
struct ReceiptMessage {
  Bytes receipt{};
  std::optional<std::uint32_t> revision{};
  friend bool operator==(const ReceiptMessage&, const ReceiptMessage&) = default;
};
std::string to_json(const ReceiptMessage& message);
Result<ReceiptMessage> receipt_message_from_json(std::string_view text);

// PUT .../verdict: { "verdict": "confirmed"|"refused"|"unknown"|"cancelled", "reason" }.
// "cancelled" is the verdict on a receipt that says so.
enum class Verdict : std::uint8_t { kConfirmed, kRefused, kUnknown, kCancelled };
std::string_view name(Verdict verdict);
struct VerdictMessage {
  Verdict verdict = Verdict::kUnknown;
  std::string reason{};  // printable UTF-8, may be empty
  std::optional<std::uint32_t> revision{};
  friend bool operator==(const VerdictMessage&, const VerdictMessage&) = default;
};
Event event_of(Verdict verdict);
std::string to_json(const VerdictMessage& message);
Result<VerdictMessage> verdict_message_from_json(std::string_view text);

// PUT .../withdrawal: { "reason" }
struct WithdrawalMessage {
  std::string reason{};
  friend bool operator==(const WithdrawalMessage&, const WithdrawalMessage&) = default;
};
std::string to_json(const WithdrawalMessage& message);
Result<WithdrawalMessage> withdrawal_message_from_json(std::string_view text);

// GET /v1/orders/{order}, and the answer to PUTs of A and the agent.
struct AttemptStatus {
  AttemptNumber attempt = 1;
  State state = State::kOrdered;
  std::optional<VerdictMessage> verdict{};
  friend bool operator==(const AttemptStatus&, const AttemptStatus&) = default;
};
struct OrderStatus {
  OrderId order;
  DeviceId device;
  std::int64_t not_after = 0;
  State state = State::kOrdered;
  std::vector<AttemptStatus> attempts{};
  std::optional<CampaignId> campaign{};
  bool held = false;  // by its campaign: its device is not told of it yet
  friend bool operator==(const OrderStatus&, const OrderStatus&) = default;
};
std::string to_json(const AttemptStatus& message);
Result<AttemptStatus> attempt_status_from_json(std::string_view text);
std::string to_json(const OrderStatus& message);
Result<OrderStatus> order_status_from_json(std::string_view text);

// GET /v1/orders?state=&after=&limit=: attempts in the order in which they last changed. Pass
// `next` as ?after= of the following call, also when `more` is false: only later changes come.
struct ListedAttempt {
  OrderId order;
  AttemptNumber attempt = 1;
  DeviceId device;
  State state = State::kOrdered;
  friend bool operator==(const ListedAttempt&, const ListedAttempt&) = default;
};
struct OrderListing {
  std::vector<ListedAttempt> attempts{};
  std::string next{};
  bool more = false;
  friend bool operator==(const OrderListing&, const OrderListing&) = default;
};
std::string to_json(const OrderListing& message);
Result<OrderListing> order_listing_from_json(std::string_view text);

// PUT /v1/invitations/self/certificate, and PUT /v1/transport/certificate, which gives who has one
// another: { "certificateRequest": PEM } -> { "subject", "certificate": PEM }
struct CertificateRequest {
  std::string pem{};  // PKCS#10
  friend bool operator==(const CertificateRequest&, const CertificateRequest&) = default;
};
struct IssuedCertificate {
  std::string subject{};
  std::string pem{};
  friend bool operator==(const IssuedCertificate&, const IssuedCertificate&) = default;
};
std::string to_json(const CertificateRequest& message);
Result<CertificateRequest> certificate_request_from_json(std::string_view text);
std::string to_json(const IssuedCertificate& message);
Result<IssuedCertificate> issued_certificate_from_json(std::string_view text);

// GET /v1/transport/roots: { "roots": [ PEM, ... ], "succession" }: the certificates of the
// transport CA that are good now, the one that issues first. Two while one takes the other's place;
// then with the signature of the older one over the newer (crypto/x509/certificate_bundle.h).
inline constexpr std::size_t kMaxRoots = 2;
struct TransportRoots {
  std::vector<std::string> pem{};
  std::optional<Bytes> succession{};
  friend bool operator==(const TransportRoots&, const TransportRoots&) = default;
};
std::string to_json(const TransportRoots& message);
Result<TransportRoots> transport_roots_from_json(std::string_view text);

}  // namespace kagibin::delivery
