// SPDX-License-Identifier: Apache-2.0
// The audit log over HTTP, as C2SP tlog-tiles lays it out: GET /v1/audit/checkpoint and
// /v1/audit/tile/..., for auditors. A store keeps of an unfinished tile the longest; a shorter one
// is its beginning. Failures: kNotFound (no such tile, or longer than the log; nothing was signed
// yet) and those of the store.
//
//   const HttpResponse answer = KB_TRY(answer_with_tile(*snapshot, "0/x001/234.p/7"));
#pragma once

#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/store_snapshot.h"

namespace kagibin::roles::key_distribution_operator {

Result<delivery::HttpResponse> answer_with_checkpoint(delivery::StoreSnapshot& snapshot);
// `path`: behind "tile/".
Result<delivery::HttpResponse> answer_with_tile(delivery::StoreSnapshot& snapshot,
                                                std::string_view path);

}  // namespace kagibin::roles::key_distribution_operator
