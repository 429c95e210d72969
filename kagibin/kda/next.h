// SPDX-License-Identifier: Apache-2.0
// NEXT (INS 14): the previous R-APDU of the target in, the next C-APDU out (protocol, section 9).
//
//   data    83 10 handle | D3 02 SW1-SW2 | D4 00-03C0 data       (D3 and D4 both or neither)
//   answer  D0 05-0105 C-APDU (opt) | D1 05-10 AID (iff hint 02) | D2 01 hint (opt)
//
// Without D3 and D4 the KDA starts a session with the target, or finds out how the last one ended.
// D0 is a short C-APDU on channel 0; the agent sets the channel bits of its class and nothing else.
// Hint 02 comes with D0: select the AID on the target channel, then send D0; when the SELECT fails,
// its R-APDU goes into the next NEXT. Hints 01, 03 and 04 come alone. decode() is total; what
// decodes encodes to the same octets.
#pragma once

#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"

namespace kagibin::kda {

struct NextRequest {
  static constexpr std::size_t kMaxAnswer = 960;  // so that NEXT fits the reassembly

  Handle handle;
  std::optional<apdu::ResponseApdu> last;  // of the target; absent at the start

  static Result<NextRequest> decode(ByteView octets);
  // Precondition: at most kMaxAnswer octets of data (KB_CHECK).
  Bytes encode() const;
  friend bool operator==(const NextRequest&, const NextRequest&) = default;
};

enum class Hint : std::uint8_t {
  kReset = 0x01,   // reset the element, then NEXT without an R-APDU
  kSelect = 0x02,  // select D1 on the target channel, then send D0
  kWait = 0x03,    // nothing to do now: read the receipt, report it, NEXT again later
  kDone = 0x04,    // the outcome is final: read the receipt
};

struct NextAnswer {
  std::optional<apdu::CommandApdu> command{};
  std::optional<Aid> select{};
  std::optional<Hint> hint{};

  static Result<NextAnswer> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const NextAnswer&, const NextAnswer&) = default;
};

}  // namespace kagibin::kda
