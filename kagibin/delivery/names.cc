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

std::string_view prefix_of(Party party) {
  switch (party) {
    case Party::kProvider:
      return kProvider;
    case Party::kDevice:
      return kDevice;
    case Party::kInvitation:
      break;
  }
  return kInvitation;
}

}  // namespace

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

Result<Spid> spid_from_name(std::string_view text) {
  const auto spid = Spid::from_hex(text);
  if (!spid || spid->hex() != text) {
    return fail(Errc::kValue, "an identifier in a name is 32 upper-case hexadecimal digits");
  }
  return *spid;
}

Result<Subject> Subject::parse(std::string_view common_name) {
  for (const Party party : {Party::kProvider, Party::kDevice, Party::kInvitation}) {
    const std::string_view prefix = prefix_of(party);
    if (!common_name.starts_with(prefix)) {
      continue;
    }
    const std::string_view id = common_name.substr(prefix.size());
    if (party == Party::kDevice) {
      const DeviceId device = KB_TRY(DeviceId::from(id));
      return Subject{party, device.text()};
    }
    // One spelling only: a certificate is compared by its text elsewhere.
    const Spid octets = KB_TRY(spid_from_name(id));
    return Subject{party, octets.hex()};
  }
  return fail(Errc::kValue, "a subject begins with provider:, device: or invitation:");
}

std::string Subject::common_name() const { return std::string(prefix_of(party)) + id; }

Subject provider_subject(const Spid& spid) { return {Party::kProvider, spid.hex()}; }

Subject device_subject(const DeviceId& device) { return {Party::kDevice, device.text()}; }

}  // namespace kagibin::delivery
