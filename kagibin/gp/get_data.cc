// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/get_data.h"

namespace kagibin::gp {

GetData GetData::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  return {.tag = static_cast<std::uint16_t>((unsigned{p1} << 8U) | p2),
          .filter = Bytes(data.begin(), data.end())};
}

apdu::CommandApdu GetData::encode() const {
  return {.cla = 0x80,
          .ins = apdu::ins::kGetData,
          .p1 = static_cast<std::uint8_t>(tag >> 8U),
          .p2 = static_cast<std::uint8_t>(tag & 0xFFU),
          .data = filter,
          .le = 256};
}

}  // namespace kagibin::gp
