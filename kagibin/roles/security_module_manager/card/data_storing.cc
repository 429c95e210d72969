// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/data_storing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/content/install.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::size_t kMostBlocks = 256;

// Octets of a grouping with its identifier and length, from its place in `data`.
std::size_t end_of(const gp::Grouping& grouping, ByteView data) {
  return static_cast<std::size_t>(grouping.value.data() - data.data()) + grouping.value.size();
}

// Where blocks end.
Result<std::vector<std::size_t>> cuts(const StorePlan& plan, std::size_t longest) {
  std::vector<std::size_t> ends;
  if (plan.structure == gp::StoreStructure::kGroupings) {
    for (const gp::Grouping& grouping : KB_TRY(gp::decode_groupings(plan.data))) {
      ends.push_back(end_of(grouping, plan.data));
    }
  } else {
    ends.push_back(plan.data.size());
  }
  std::vector<std::size_t> out;
  std::size_t begin = 0;
  std::size_t whole = 0;  // the last end that fits
  for (const std::size_t end : ends) {
    if (end - begin > longest && whole > begin) {
      out.push_back(whole);
      begin = whole;
    }
    while (end - begin > longest) {
      begin += longest;
      out.push_back(begin);
    }
    whole = end;
  }
  if (whole > begin || out.empty()) {
    out.push_back(whole);
  }
  return out;
}

}  // namespace

Result<std::size_t> store_data(CommandPort& port, const StorePlan& plan) {
  const std::vector<std::size_t> ends = KB_TRY(cuts(plan, port.longest_data()));
  if (ends.size() > kMostBlocks) {
    return fail(Errc::kLimit, "the data take more than 256 STORE DATA commands");
  }
  if (plan.application) {
    const gp::Install install{.purpose = gp::InstallFor::kPersonalization,
                              .application = *plan.application};
    const apdu::CommandApdu command = KB_TRY(install.encode());
    KB_TRY(port.send(command, "the card refuses INSTALL [for personalization]"));
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const gp::StoreData head{.last = i + 1 == ends.size(),
                             .encryption = plan.encryption,
                             .structure = plan.structure,
                             .block = static_cast<std::uint8_t>(i)};
    const apdu::ResponseApdu answer =
        KB_TRY(port.transmit({.ins = apdu::ins::kStoreData,
                              .p1 = head.p1(),
                              .p2 = head.block,
                              .data = plan.data.subspan(begin, ends[i] - begin)}));
    if (!apdu::sw::is_ok(answer.sw)) {
      return fail(Errc::kCardStatus, "the card refuses STORE DATA", answer.sw);
    }
    begin = ends[i];
  }
  return ends.size();
}

}  // namespace kagibin::roles::security_module_manager
