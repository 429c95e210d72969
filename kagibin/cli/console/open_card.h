// SPDX-License-Identifier: Apache-2.0
// A card by the name a user gives: "tcp:HOST:PORT" for kagibin-se without a reader,
// "tcp:HOST:PORT/NUMBER" for one of many there, otherwise a PC/SC reader's name or number.
#pragma once

#include <memory>
#include <string>

#include "kagibin/apdu/card_link.h"

namespace kagibin::cli {

Result<std::unique_ptr<apdu::CardLink>> open_card(const std::string& reader);

}  // namespace kagibin::cli
