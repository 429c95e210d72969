// SPDX-License-Identifier: Apache-2.0
// What the device would see of a payload that the relay does not hide, and the refusal of it (issue
// of `provider check`, of ordering and of sealing; protocol, sections 6 and 8; doc/payload.md).
//
// Two ways lead to a secret in the clear: a target that opens no secure channel, whose commands the
// device would carry as they are; and a target that does not encrypt its answers, whose answer to a
// command of its own may be anything. The refusal names the action, the command's header and what
// would be seen; key octets never stand in it. Ownership: values. Thread-safety: pure.
//
//   KB_TRY(refuse_answers_in_clear(planned_commands(payload), policy.required_i_mask));
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/envelope/payload/own_command.h"
#include "kagibin/roles/service_provider/payload/payload_file.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// Of a payload file, before there is a key: as envelope::own_commands() of its actions.
std::vector<envelope::OwnCommand> planned_commands(const PayloadFile& payload);

// kPolicy for a mask that admits a target without R-MAC or R-ENC; `undone` ends the sentence.
Checked<void> refuse_answers_in_clear(const std::vector<envelope::OwnCommand>& commands,
                                      std::uint8_t required_i_mask,
                                      std::string_view undone);

// The refusal of a payload without a channel: always kPolicy.
Problem without_channel(const std::vector<PlannedAction>& actions);

}  // namespace kagibin::roles::service_provider
