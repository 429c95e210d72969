// SPDX-License-Identifier: Apache-2.0
// Names of the delivery API: orders, attempts, devices, and who speaks.
//
// An order's name is chosen by its service provider and is the provider's own: two providers may
// use the same one, so that a distributor and a device know an order by SPID and name (OrderKey).
// Who speaks stands in the subject (common name) of the transport certificate: "device:<name>",
// "provider:<32 hexadecimal digits>", "operator:<name>", "auditor:<name>", "invitation:<32
// hexadecimal digits>". A provider's may be limited to some roles: "provider:<SPID>;submit;audit".
// Value types, comparable.
//
//   const OrderId order = KB_TRY(OrderId::from("3f6c...")); std::string text = order.text();
//   const Subject who = KB_TRY(Subject::parse("device:phone-7"));
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

// Text of `Tag::kMaxLength` characters at most: letters, digits, "-", "_", and "." inside.
template <typename Tag>
class Name {
 public:
  // kValue for other characters, an empty or a too long text.
  static Result<Name> from(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  explicit Name(std::string_view text) : text_(text) {}
  std::string text_;
};

struct OrderIdTag {
  static constexpr std::size_t kMaxLength = 64;
};
struct DeviceIdTag {
  static constexpr std::size_t kMaxLength = 48;
};
struct CampaignIdTag {
  static constexpr std::size_t kMaxLength = 64;
};
using OrderId = Name<OrderIdTag>;
using DeviceId = Name<DeviceIdTag>;
using CampaignId = Name<CampaignIdTag>;

// An order among those of all providers.
struct OrderKey {
  Spid provider;
  OrderId id;
  friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

// A campaign's name is its provider's own, too.
struct CampaignKey {
  Spid provider;
  CampaignId id;
  friend auto operator<=>(const CampaignKey&, const CampaignKey&) = default;
};

// Attempts of an order are numbered 1, 2, 3, ... without gaps.
using AttemptNumber = std::uint32_t;
inline constexpr AttemptNumber kMaxAttempts = 999;

// What a provider's certificate may do within its tenant: bring orders and messages, stop what is
// on its way, read.
enum class Role : std::uint8_t { kSubmit = 1, kOperate = 2, kAudit = 4 };
std::string_view name(Role role);
// "submit", "operate", "audit"; kValue for any other text.
Result<Role> role_by_name(std::string_view text);

class Roles {
 public:
  constexpr Roles() = default;  // all
  constexpr Roles(std::initializer_list<Role> roles) : bits_(0) {
    for (const Role role : roles) {
      add(role);
    }
  }
  // No certificate says so.
  static constexpr Roles none() { return Roles(std::initializer_list<Role>{}); }
  constexpr void add(Role role) {
    bits_ = static_cast<std::uint8_t>(bits_ | std::to_underlying(role));
  }
  constexpr bool has(Role role) const { return (bits_ & std::to_underlying(role)) != 0; }
  friend bool operator==(const Roles&, const Roles&) = default;

 private:
  std::uint8_t bits_ = 7;
};

// Operators and auditors are the distributor's own people, for all tenants.
enum class Party : std::uint8_t { kProvider, kDevice, kInvitation, kOperator, kAuditor };

// The subject of a transport certificate.
struct Subject {
  Party party = Party::kDevice;
  std::string id;  // SPID in upper-case hexadecimal, name, or invitation id
  Roles roles{};   // of a provider

  static Result<Subject> parse(std::string_view common_name);
  std::string common_name() const;
  friend bool operator==(const Subject&, const Subject&) = default;
};
// An SPID where it is a name: 32 upper-case hexadecimal digits. kValue for another spelling.
Result<Spid> spid_from_name(std::string_view text);
Subject provider_subject(const Spid& spid);
Subject device_subject(const DeviceId& device);

extern template class Name<OrderIdTag>;
extern template class Name<DeviceIdTag>;
extern template class Name<CampaignIdTag>;

}  // namespace kagibin::delivery
