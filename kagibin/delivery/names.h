// SPDX-License-Identifier: Apache-2.0
// Names of the delivery API: orders, attempts, devices, and who speaks.
//
// An order's name is chosen by its service provider and is the provider's own: two providers may
// use the same one, so that a distributor and a device know an order by SPID and name (OrderKey). A
// device's name and a provider's SPID stand in the subject (common name) of their transport
// certificates: "device:<name>", "provider:<32 hexadecimal digits>", "invitation:<32 hexadecimal
// digits>". Value types, comparable.
//
//   const OrderId order = KB_TRY(OrderId::from("3f6c...")); std::string text = order.text();
//   const Subject who = KB_TRY(Subject::parse("device:phone-7"));
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

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
using OrderId = Name<OrderIdTag>;
using DeviceId = Name<DeviceIdTag>;

// An order among those of all providers.
struct OrderKey {
  Spid provider;
  OrderId id;
  friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

// Attempts of an order are numbered 1, 2, 3, ... without gaps.
using AttemptNumber = std::uint32_t;
inline constexpr AttemptNumber kMaxAttempts = 999;

enum class Party : std::uint8_t { kProvider, kDevice, kInvitation };

// The subject of a transport certificate.
struct Subject {
  Party party = Party::kDevice;
  std::string id;  // SPID in upper-case hexadecimal, device name, or invitation id

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

}  // namespace kagibin::delivery
