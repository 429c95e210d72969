// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/order_list.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "kagibin/roles/service_provider/members.h"

namespace kagibin::roles::service_provider {

using delivery::DeviceId;
using delivery::OrderId;

namespace {

constexpr std::size_t kMaxLine = 4'096;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

template <typename T>
Checked<T> in_line(Result<T> read, const std::string& where) {
  if (read) {
    return std::move(*read);
  }
  return problem(read.error().code,
                 fmt::format("{}: {}; nothing was ordered.", where, read.error().detail.text()));
}

Checked<ListedOrder> parse_line(std::string_view line, const std::string& where) {
  if (line.empty() || line.size() > kMaxLine) {
    return problem(Errc::kEncoding,
                   fmt::format("{} is {}; a line is one order, in 1 to {} octets. Nothing was "
                               "ordered.",
                               where, line.empty() ? "empty" : "too long", kMaxLine));
  }
  const auto value = KB_TRY(parse_strict(line, "list's " + where));
  Members in = KB_TRY(Members::of(value, where));
  const std::string order = KB_TRY(in.text("order"));
  const std::string device = KB_TRY(in.text("device"));
  const OrderId id = KB_TRY(in_line(OrderId::from(order), in.path_of("order")));
  const DeviceId name = KB_TRY(in_line(DeviceId::from(device), in.path_of("device")));
  ListedOrder out{.id = id, .device = name};
  if (in.has("attributes")) {
    const auto* attributes = KB_TRY(in.value("attributes"));
    out.attributes =
        KB_TRY(in_line(delivery::read_attributes(*attributes), in.path_of("attributes")));
  }
  KB_TRY(in.finish());
  return out;
}

}  // namespace

Checked<std::vector<ListedOrder>> parse_order_list(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) {
    return problem(Errc::kEncoding,
                   "line 1 begins with a byte order mark (BOM); nothing was "
                   "ordered. Save the list as UTF-8 without one.");
  }
  std::vector<ListedOrder> out;
  std::map<OrderId, std::size_t> lines;
  while (!text.empty()) {
    const std::size_t number = out.size() + 1;
    if (number > kMaxListedOrders) {
      return problem(Errc::kLimit, fmt::format("The list has more than {} orders; nothing was "
                                               "ordered. Make several lists of it.",
                                               kMaxListedOrders));
    }
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ListedOrder order = KB_TRY(parse_line(line, fmt::format("line {}", number)));
    const auto [first, is_new] = lines.emplace(order.id, number);
    if (!is_new) {
      return problem(Errc::kConflict,
                     fmt::format("line {} names order {}, as line {} does; nothing was ordered.",
                                 number, order.id.text(), first->second));
    }
    out.push_back(std::move(order));
  }
  if (out.empty()) {
    return problem(Errc::kEncoding, "The list has no order; nothing was ordered.");
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
