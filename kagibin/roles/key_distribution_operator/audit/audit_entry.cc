// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::string_view kVersion = "KBA1";
constexpr std::string_view kBegin = "begin";
constexpr std::string_view kCampaign = "campaign";
constexpr std::size_t kOrderFields = 10;
constexpr std::size_t kCampaignFields = 9;  // and who, where it is said
constexpr std::array<std::string_view, 7> kCampaignEvents = {"create", "pause",  "resume", "cancel",
                                                             "abort",  "expire", "end"};
constexpr std::array<std::string_view, 15> kEvents = {
    "order",   "attempt",           "enrolment",       "delivery",        "hand_over",
    "receipt", "verdict_confirmed", "verdict_refused", "verdict_unknown", "verdict_cancelled",
    "expire",  "withdraw",          "supersede",       "release",         "cancel"};

std::unexpected<Error> not_an_entry() {
  return fail(Errc::kEncoding, "not an entry of an audit log");
}

template <typename T>
std::optional<T> number_in(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  fields.reserve(kOrderFields);
  for (;;) {
    const std::size_t end = line.find(' ');
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) {
      return fields;
    }
    line.remove_prefix(end + 1);
  }
}

std::string line_of(const LogBegin& begin) {
  return fmt::format("{} {} {} {} {}", kVersion, begin.time, kBegin, begin.orders, begin.attempts);
}

// The entry of every change: put together without a format string.
std::string line_of(const OrderChange& change) {
  const std::string provider = change.order.provider.hex();
  const std::string digest = change.digest ? to_hex(*change.digest) : "-";
  const fmt::format_int time(change.time);
  const fmt::format_int attempt(change.attempt);
  const fmt::format_int revision(change.revision);
  const std::array<std::string_view, 10> fields = {kVersion,
                                                   {time.data(), time.size()},
                                                   name(change.event),
                                                   provider,
                                                   change.order.id.text(),
                                                   {attempt.data(), attempt.size()},
                                                   delivery::name(change.state),
                                                   delivery::name(change.order_state),
                                                   {revision.data(), revision.size()},
                                                   digest};
  std::string line;
  line.reserve(kMaxEntryBytes);
  for (const std::string_view field : fields) {
    line.append(line.empty() ? "" : " ").append(field);
  }
  return line;
}

std::string line_of(const CampaignChange& change) {
  return fmt::format("{} {} {} {} {} {} {} {} {}{}{}", kVersion, change.time, kCampaign,
                     name(change.event), change.campaign.provider.hex(), change.campaign.id.text(),
                     delivery::name(change.state), change.released, to_hex(change.digest),
                     change.by ? " " : "", change.by ? delivery::name(*change.by) : "");
}

Result<AuditEntry> read_campaign(const std::vector<std::string_view>& fields) {
  const auto time = number_in<std::int64_t>(fields[1]);
  const auto* const event = std::ranges::find(kCampaignEvents, fields[3]);
  const auto provider = delivery::spid_from_name(fields[4]);
  const auto id = delivery::CampaignId::from(fields[5]);
  const auto state = delivery::campaign_state_by_name(fields[6]);
  const auto released = number_in<std::uint64_t>(fields[7]);
  const auto octets = from_hex(fields[8]);
  const auto digest = octets ? to_array<32>(*octets) : std::nullopt;
  if (!time || event == kCampaignEvents.end() || !provider || !id || !state || !released ||
      !digest) {
    return not_an_entry();
  }
  std::optional<delivery::CampaignActor> by;
  if (fields.size() > kCampaignFields) {
    const auto actor = delivery::campaign_actor_by_name(fields[kCampaignFields]);
    if (!actor) {
      return not_an_entry();
    }
    const bool asked = static_cast<std::size_t>(event - kCampaignEvents.begin()) <=
                       std::to_underlying(CampaignEvent::kCancel);
    if (asked == (*actor == delivery::CampaignActor::kDistributor)) {
      return not_an_entry();
    }
    by = *actor;
  }
  return CampaignChange{.time = *time,
                        .event = static_cast<CampaignEvent>(event - kCampaignEvents.begin()),
                        .campaign = {.provider = *provider, .id = *id},
                        .state = *state,
                        .released = *released,
                        .digest = *digest,
                        .by = by};
}

Result<AuditEntry> read_begin(const std::vector<std::string_view>& fields) {
  const auto time = number_in<std::int64_t>(fields[1]);
  const auto orders = number_in<std::uint64_t>(fields[3]);
  const auto attempts = number_in<std::uint64_t>(fields[4]);
  if (!time || !orders || !attempts) {
    return not_an_entry();
  }
  return LogBegin{.time = *time, .orders = *orders, .attempts = *attempts};
}

// Whether a distributor writes such an event with this attempt, revision and digest.
bool is_written(const OrderChange& change) {
  const bool of_attempt = change.attempt != 0 && change.attempt <= delivery::kMaxAttempts;
  const bool numbered = change.revision != 0;
  switch (change.event) {
    case AuditEvent::kOrder:
      return change.attempt == 0 && !numbered && change.digest;
    case AuditEvent::kAttempt:
    case AuditEvent::kEnrolment:
    case AuditEvent::kDelivery:
    case AuditEvent::kHandOver:
    case AuditEvent::kWithdraw:
      return of_attempt && !numbered && change.digest;
    case AuditEvent::kReceipt:
      return of_attempt && numbered && change.digest;
    case AuditEvent::kVerdictConfirmed:
    case AuditEvent::kVerdictRefused:
    case AuditEvent::kVerdictUnknown:
    case AuditEvent::kVerdictCancelled:
      return of_attempt && change.digest;  // with the receipt's revision, if there was one
    case AuditEvent::kExpire:
    case AuditEvent::kCancel:
      return (of_attempt || change.attempt == 0) && !numbered && !change.digest;
    case AuditEvent::kSupersede:
    case AuditEvent::kRelease:
      return of_attempt && !numbered && !change.digest;
  }
  return false;
}

Result<AuditEntry> read_change(const std::vector<std::string_view>& fields) {
  const auto time = number_in<std::int64_t>(fields[1]);
  const auto* const event = std::ranges::find(kEvents, fields[2]);
  const auto provider = delivery::spid_from_name(fields[3]);
  const auto id = delivery::OrderId::from(fields[4]);
  const auto attempt = number_in<delivery::AttemptNumber>(fields[5]);
  const auto state = delivery::state_by_name(fields[6]);
  const auto order_state = delivery::state_by_name(fields[7]);
  const auto revision = number_in<std::uint32_t>(fields[8]);
  if (!time || event == kEvents.end() || !provider || !id || !attempt || !state || !order_state ||
      !revision) {
    return not_an_entry();
  }
  OrderChange change{.time = *time,
                     .event = static_cast<AuditEvent>(event - kEvents.begin()),
                     .order = {.provider = *provider, .id = *id},
                     .attempt = *attempt,
                     .state = *state,
                     .order_state = *order_state,
                     .revision = *revision};
  if (fields[9] != "-") {
    const auto octets = from_hex(fields[9]);
    change.digest = octets ? to_array<32>(*octets) : std::nullopt;
    if (!change.digest) {
      return not_an_entry();
    }
  }
  return is_written(change) ? Result<AuditEntry>(change) : not_an_entry();
}

}  // namespace

std::string_view name(AuditEvent event) { return kEvents.at(std::to_underlying(event)); }
std::string_view name(CampaignEvent event) { return kCampaignEvents.at(std::to_underlying(event)); }

AuditEvent audit_event(delivery::Event event) {
  using delivery::Event;
  switch (event) {
    case Event::kEnrolment:
      return AuditEvent::kEnrolment;
    case Event::kDelivery:
      return AuditEvent::kDelivery;
    case Event::kHandOver:
      return AuditEvent::kHandOver;
    case Event::kReceipt:
      return AuditEvent::kReceipt;
    case Event::kVerdictConfirmed:
      return AuditEvent::kVerdictConfirmed;
    case Event::kVerdictRefused:
      return AuditEvent::kVerdictRefused;
    case Event::kVerdictUnknown:
      return AuditEvent::kVerdictUnknown;
    case Event::kVerdictCancelled:
      return AuditEvent::kVerdictCancelled;
    case Event::kExpire:
      return AuditEvent::kExpire;
    case Event::kWithdraw:
      return AuditEvent::kWithdraw;
    case Event::kSupersede:
      break;
  }
  return AuditEvent::kSupersede;
}

Bytes encode(const AuditEntry& entry) {
  const std::string line = std::visit([](const auto& one) { return line_of(one); }, entry);
  const ByteView octets = ascii(line);
  return {octets.begin(), octets.end()};
}

Result<AuditEntry> decode_audit_entry(ByteView octets) {
  if (octets.size() > kMaxEntryBytes) {
    return not_an_entry();
  }
  const std::string line(octets.begin(), octets.end());
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields.size() < 5 || fields[0] != kVersion) {
    return not_an_entry();
  }
  const bool begin = fields[2] == kBegin;
  const bool campaign = fields[2] == kCampaign;
  const bool older_campaign = campaign && fields.size() == kCampaignFields;
  if (fields.size() != (begin ? 5U : kOrderFields) && !older_campaign) {
    return not_an_entry();
  }
  AuditEntry entry = KB_TRY(begin      ? read_begin(fields)
                            : campaign ? read_campaign(fields)
                                       : read_change(fields));
  const Bytes again = encode(entry);
  if (!equal(again, octets)) {
    return not_an_entry();
  }
  return entry;
}

}  // namespace kagibin::roles::key_distribution_operator
