// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/registry/set_status.h"

#include <utility>

namespace kagibin::gp {

Result<SetStatus> SetStatus::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (p1 != 0x80 && p1 != 0x40 && p1 != 0x60) {
    return fail(Errc::kValue, "P1 of SET STATUS is 80, 40 or 60");
  }
  SetStatus out{.scope = static_cast<SetStatusScope>(p1), .state = p2};
  if (!data.empty()) {
    out.aid = KB_TRY(Aid::from(data));
  } else if (out.scope != SetStatusScope::kCard) {
    return fail(Errc::kValue, "SET STATUS names the application or security domain");
  }
  return out;
}

apdu::CommandApdu SetStatus::encode() const {
  apdu::CommandApdu out{
      .cla = 0x80, .ins = apdu::ins::kSetStatus, .p1 = std::to_underlying(scope), .p2 = state};
  if (aid) {
    out.data.assign(aid->view().begin(), aid->view().end());
  }
  return out;
}

}  // namespace kagibin::gp
