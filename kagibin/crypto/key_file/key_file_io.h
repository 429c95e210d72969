// SPDX-License-Identifier: Apache-2.0
// The octets' way to a file descriptor, apart so that a full device can be tested, and what a
// failed system call means. For crypto/ and its tests only.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::crypto {

// Writes all octets. kNoSpace for a full file system or quota, kIo for all else.
Result<void> write_all(int descriptor, ByteView octets);

// By errno: kNoSpace, kNotFound, kIo for all else.
std::unexpected<Error> io_failure(int error);

}  // namespace kagibin::crypto
