// SPDX-License-Identifier: Apache-2.0
// Numbered places where a test may end the process as kill -9 would: before and after every durable
// step and every send (doc/requirements.md, promises under faults).
//
// KB_CRASH_POINT("role.step.before_commit") compiles to nothing unless KAGIBIN_TEST_HOOKS is
// defined (dev and asan presets; never in packages). With it, the environment variable
// KAGIBIN_CRASH_AT=name ends the process at the first pass, name:3 at the third. Names are
// literals: <role or folder>.<step>.<before|after>_<what>. Thread-safety: may be reached from any
// thread.
//
//   KB_CRASH_POINT("distributor.receipt.before_commit");
//   KB_TRY(transaction.commit());
//   KB_CRASH_POINT("distributor.receipt.after_commit");
#pragma once

#ifdef KAGIBIN_TEST_HOOKS

#include <string_view>

namespace kagibin {
// Raises SIGKILL when KAGIBIN_CRASH_AT names this pass of this point; otherwise returns.
void crash_point(std::string_view name);
}  // namespace kagibin

#define KB_CRASH_POINT(name) ::kagibin::crash_point(name)

#else

#define KB_CRASH_POINT(name) static_cast<void>(0)

#endif
