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
#include "kagibin/roles/key_distribution_operator/tenants/kept_answers.h"

namespace kagibin::roles::key_distribution_operator {

enum class RouteId : std::uint8_t {
  kHealth,
  kReady,
  kMetrics,
  kListOrders,
  kListProvider,
  kPostOrders,
  kPutOrder,
  kGetOrder,
  kGetProviderOrder,
  kPutAttempt,
  kGetEnrolment,
  kPutEnrolment,
  kPutDelivery,
  kGetReceipt,
  kPutReceipt,
  kPutVerdict,
  kPutWithdrawal,
  kGetHistory,
  kGetProviderHistory,
  kListCampaigns,
  kPutCampaign,
  kGetCampaign,
  kPutCampaignState,
  kListProviderCampaigns,
  kGetProviderCampaign,
  kPutProviderCampaignState,
  kGetWork,
  kRedeemInvitation,
  kGetRoots,
  kRenewCertificate,
  kAuditCheckpoint,
  kAuditTile,
};

// Who may call a route: whoever is one of these. A provider's certificate is one to three of the
// first three, within its tenant; operators and auditors see all tenants.
struct Callers {
  std::uint8_t bits = 0;
  friend bool operator==(const Callers&, const Callers&) = default;
};
constexpr Callers operator|(Callers left, Callers right) {
  return {static_cast<std::uint8_t>(left.bits | right.bits)};
}
inline constexpr Callers kAnybody{128};  // needs no certificate
inline constexpr Callers kSubmitters{1};
inline constexpr Callers kStewards{2};  // of a provider, with the role operate
inline constexpr Callers kReaders{4};   // of a provider, with the role audit
inline constexpr Callers kDevices{8};
inline constexpr Callers kInvited{16};
inline constexpr Callers kOperators{32};
inline constexpr Callers kAuditors{64};
inline constexpr Callers kProviders = kSubmitters | kStewards | kReaders;
inline constexpr Callers kMembers = kProviders | kDevices | kOperators | kAuditors;
// What a subject is of these.
Callers callers_of(const delivery::Subject& subject);
bool admits(Callers callers, const delivery::Subject& subject);
// What somebody else is told (403).
Detail who_may(Callers callers);

struct Route {
  RouteId id;
  delivery::HttpMethod method;
  std::string_view pattern;  // as in doc/openapi.yaml
  Callers callers;
  std::string_view name;  // in crash points: "distributor.<name>.before_commit"
};
std::span<const Route> routes();
// The route of a request, whoever asks, and the texts at its pattern's places (empty: no such
// place), which were not looked at. Views point into the target.
struct RouteMatch {
  const Route* route = nullptr;  // null: there is no such path with this method
  bool whole = true;             // no place is empty
  std::string_view provider{};
  std::string_view order{};
  std::string_view attempt{};
  std::string_view tile{};
  std::string_view campaign{};
};
RouteMatch find_route(delivery::HttpMethod method, std::string_view target);
// The methods that a path takes, as Allow names them: "GET, PUT"; empty for a path that is none.
std::string allowed_methods(std::string_view target);
std::string_view name(delivery::HttpMethod method);

// A request that is understood and whose caller may make it.
struct Call {
  const Route* route = nullptr;
  std::optional<delivery::Subject> subject{};
  // The calling provider, or the one that the path names.
  std::optional<Spid> provider{};
  std::optional<delivery::OrderKey> order{};  // of that provider
  delivery::AttemptNumber attempt = 0;
  std::optional<delivery::CampaignKey> campaign{};  // of that provider
  std::optional<delivery::State> state{};           // ?state=
  std::uint64_t after = 0;                          // ?after=
  std::string_view after_name{};                    // the same, of campaigns
  std::optional<std::uint32_t> limit{};             // ?limit=, 1 to kMaxLimit
  std::string_view tile{};                          // behind "tile/"; of the audit log
  std::uint32_t wait_seconds = 0;                   // ?wait=, at most kMaxWaitSeconds
  std::string_view body{};
  // What the body of a submission says; read here, for the store is told beforehand.
  delivery::Submission submission{};
  // A write that came with an Idempotency-Key.
  std::optional<Once> once{};
};
inline constexpr std::uint32_t kMaxLimit = 1'000;
inline constexpr std::uint32_t kDefaultLimit = 100;
inline constexpr std::uint32_t kMaxWaitSeconds = 60;

// Those of the codec besides, for a submission.
Result<Call> route(const delivery::HttpRequest& request);

}  // namespace kagibin::roles::key_distribution_operator
