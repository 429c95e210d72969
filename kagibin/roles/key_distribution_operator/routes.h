// SPDX-License-Identifier: Apache-2.0
// The distributor's HTTP routes: one table of who may call what (protocol, section 4), and the
// parsing of request targets. doc/openapi.yaml describes the same table; a test compares the two.
//
// Targets are strict: exact paths, no percent-encoding (names have no character that needs it), a
// query of digits and state names, each parameter at most once. Views point into the request.
//
//   const Call call = KB_TRY(route(request));       // kNotFound, kUntrusted, kValue
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"
#include "kagibin/delivery/submission.h"

namespace kagibin::roles::key_distribution_operator {

enum class RouteId : std::uint8_t {
  kHealth,
  kListOrders,
  kPostOrders,
  kPutOrder,
  kGetOrder,
  kPutAttempt,
  kGetEnrolment,
  kPutEnrolment,
  kPutDelivery,
  kGetReceipt,
  kPutReceipt,
  kPutVerdict,
  kPutWithdrawal,
  kGetWork,
  kRedeemInvitation,
  kGetRoots,
  kRenewCertificate,
};

// Members are service providers and devices. Anybody needs no certificate.
enum class Callers : std::uint8_t { kAnybody, kProviders, kDevices, kMembers, kInvited };
bool admits(Callers callers, delivery::Party party);

struct Route {
  RouteId id;
  delivery::HttpMethod method;
  std::string_view pattern;  // as in doc/openapi.yaml
  Callers callers;
  std::string_view name;  // in crash points: "distributor.<name>.before_commit"
};
std::span<const Route> routes();
std::string_view name(delivery::HttpMethod method);

// A request that is understood and whose caller may make it.
struct Call {
  const Route* route = nullptr;
  std::optional<delivery::Subject> subject{};
  // Of the calling provider, or as a device names it.
  std::optional<delivery::OrderKey> order{};
  delivery::AttemptNumber attempt = 0;
  std::optional<delivery::State> state{};  // ?state=
  std::uint64_t after = 0;                 // ?after=
  std::optional<std::uint32_t> limit{};    // ?limit=, 1 to kMaxLimit
  std::uint32_t wait_seconds = 0;          // ?wait=, at most kMaxWaitSeconds
  std::string_view body{};
  // What the body of a submission says; read here, for the store is told beforehand.
  delivery::Submission submission{};
};
inline constexpr std::uint32_t kMaxLimit = 1'000;
inline constexpr std::uint32_t kDefaultLimit = 100;
inline constexpr std::uint32_t kMaxWaitSeconds = 60;

// Those of the codec besides, for a submission.
Result<Call> route(const delivery::HttpRequest& request);

}  // namespace kagibin::roles::key_distribution_operator
