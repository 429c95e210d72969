// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/profile.h"

#include <algorithm>

namespace kagibin::se {

Bytes make_atr(std::uint8_t channel_count) {
  // Third octet of the card capabilities (ISO/IEC 7816-4, table 119): b7 extended lengths, b5 and
  // b4 who assigns channel numbers (card and host), b3 to b1 the number of channels minus one, at
  // most 7 for "8 or more".
  constexpr unsigned kExtendedLength = 0x40;
  constexpr unsigned kChannelsByBoth = 0x18;
  const unsigned channels = std::min<unsigned>(channel_count, 8U);
  const auto third = static_cast<std::uint8_t>(kExtendedLength | kChannelsByBoth | (channels - 1U));
  return make_atr(Bytes{0x80, 0x73, 0xC0, 0x21, third});
}

Bytes make_atr(ByteView historical) {
  constexpr std::size_t kMaxHistorical = 15;
  KB_CHECK(!historical.empty() && historical.size() <= kMaxHistorical);
  // ISO/IEC 7816-3, 8.2: TS, T0, TD1 (T=1, TD2 follows), TD2 (T=1, TA3 and TB3 follow), TA3 IFSC
  // 254, TB3 waiting times.
  Bytes atr{0x3B, static_cast<std::uint8_t>(0x80U | historical.size()), 0x81, 0x31, 0xFE, 0x45};
  append(atr, historical);
  std::uint8_t check = 0;
  for (std::size_t i = 1; i < atr.size(); ++i) {
    check = static_cast<std::uint8_t>(check ^ atr[i]);
  }
  atr.push_back(check);
  return atr;
}

}  // namespace kagibin::se
