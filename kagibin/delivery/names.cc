// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/names.h"

#include <algorithm>
#include <array>

namespace kagibin::delivery {
namespace {

constexpr bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_';
}

constexpr std::string_view kProvider = "provider:";
constexpr std::string_view kDevice = "device:";
constexpr std::string_view kInvitation = "invitation:";
constexpr std::string_view kOperator = "operator:";
constexpr std::string_view kAuditor = "auditor:";

// In the order in which a subject names them.
constexpr std::array kRoles = {Role::kSubmit, Role::kOperate, Role::kAudit};

std::string_view prefix_of(Party party) {
  switch (party) {
    case Party::kProvider:
      return kProvider;
    case Party::kDevice:
      return kDevice;
    case Party::kOperator:
      return kOperator;
    case Party::kAuditor:
      return kAuditor;
    case Party::kInvitation:
      break;
  }
  return kInvitation;
}

// Behind a provider's identifier; empty when it has all roles, and no suffix of any when it has
// none.
std::string suffix_of(const Roles& roles) {
  if (roles == Roles::none()) {
    return ";";
  }
  std::string suffix;
  for (const Role role : kRoles) {
    if (roles.has(role)) {
      suffix.append(";").append(name(role));
    }
  }
  return roles == Roles() ? std::string() : suffix;
}

// One spelling only: in their order, none twice, and not all of them.
Result<Roles> roles_of_suffix(std::string_view suffix) {
  if (suffix.empty()) {
    return Roles();
  }
  Roles roles = Roles::none();
  for (const Role role : kRoles) {
    if (suffix.find(name(role)) != std::string_view::npos) {
      roles.add(role);
    }
  }
  if (roles == Roles::none() || suffix_of(roles) != suffix) {
    return fail(Errc::kValue,
                "behind a provider stand one or two of ;submit ;operate ;audit, in this order");
  }
  return roles;
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::kSubmit:
      return "submit";
    case Role::kOperate:
      return "operate";
    case Role::kAudit:
      break;
  }
  return "audit";
}

Result<Role> role_by_name(std::string_view text) {
  for (const Role role : kRoles) {
    if (name(role) == text) {
      return role;
    }
  }
  return fail(Errc::kValue, "a role is submit, operate or audit");
}

template <typename Tag>
Result<Name<Tag>> Name<Tag>::from(std::string_view text) {
  if (text.empty() || text.size() > Tag::kMaxLength) {
    return fail(Errc::kValue, "a name is not empty and has 64 (order) or 48 (device) characters");
  }
  if (text.front() == '.' || text.back() == '.') {
    return fail(Errc::kValue, "a name neither begins nor ends with a dot");
  }
  const bool good =
      std::ranges::all_of(text, [](char c) { return is_name_character(c) || c == '.'; });
  if (!good) {
    return fail(Errc::kValue, "a name has letters, digits, '-', '_' and '.' only");
  }
  return Name(text);
}

template class Name<OrderIdTag>;
template class Name<DeviceIdTag>;
template class Name<CampaignIdTag>;

Result<Spid> spid_from_name(std::string_view text) {
  const auto spid = Spid::from_hex(text);
  if (!spid || spid->hex() != text) {
    return fail(Errc::kValue, "an identifier in a name is 32 upper-case hexadecimal digits");
  }
  return *spid;
}

Result<Subject> Subject::parse(std::string_view common_name) {
  for (const Party party :
       {Party::kProvider, Party::kDevice, Party::kInvitation, Party::kOperator, Party::kAuditor}) {
    const std::string_view prefix = prefix_of(party);
    if (!common_name.starts_with(prefix)) {
      continue;
    }
    const std::string_view id = common_name.substr(prefix.size());
    if (party != Party::kProvider && party != Party::kInvitation) {
      const DeviceId named = KB_TRY(DeviceId::from(id));
      return Subject{party, named.text()};
    }
    // One spelling only: a certificate is compared by its text elsewhere.
    const std::size_t end =
        party == Party::kProvider ? std::min(id.find(';'), id.size()) : id.size();
    const Spid octets = KB_TRY(spid_from_name(id.substr(0, end)));
    const Roles roles = KB_TRY(roles_of_suffix(id.substr(end)));
    return Subject{party, octets.hex(), roles};
  }
  return fail(Errc::kValue,
              "a subject begins with provider:, device:, operator:, auditor: or invitation:");
}

std::string Subject::common_name() const {
  return std::string(prefix_of(party)) + id +
         (party == Party::kProvider ? suffix_of(roles) : std::string());
}

Subject provider_subject(const Spid& spid) { return {Party::kProvider, spid.hex()}; }

Subject device_subject(const DeviceId& device) { return {Party::kDevice, device.text()}; }

}  // namespace kagibin::delivery
