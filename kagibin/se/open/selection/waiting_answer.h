// SPDX-License-Identifier: Apache-2.0
// Answers that are longer than Le (256 without one): they leave by 61xx and GET RESPONSE (ISO/IEC
// 7816-4, 5.3.4 and 5.6), one octet string a logical channel. For se/ only.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/open/logical_channel.h"

namespace kagibin::se {

// The answer as far as it fits; the channel keeps the rest.
apdu::ResponseApdu limit_answer(LogicalChannel& channel,
                                apdu::ResponseApdu answer,
                                const apdu::CommandApdu& command);
// 6985 when nothing waits.
apdu::ResponseApdu get_response(LogicalChannel& channel, const apdu::CommandApdu& command);

}  // namespace kagibin::se
