// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/crash_point.h"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kagibin {
namespace {

#ifdef KAGIBIN_TEST_HOOKS

// The wait status of a child that passes the point three times under this plan.
int status_of_child(const char* plan) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("KAGIBIN_CRASH_AT", plan, 1);  // NOLINT(concurrency-mt-unsafe): the child is alone
    for (int pass = 1; pass <= 3; ++pass) {
      KB_CRASH_POINT("test.step.before_commit");
      if (pass == 2) {
        KB_CRASH_POINT("test.step.in_second_pass");
      }
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool was_killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

TEST(CrashPointTest, KillsAtTheNamedPassOfTheNamedPointOnly) {
  EXPECT_TRUE(was_killed(status_of_child("test.step.before_commit")));
  EXPECT_TRUE(was_killed(status_of_child("test.step.before_commit:3")));
  EXPECT_FALSE(was_killed(status_of_child("test.step.before_commit:4")));
  EXPECT_TRUE(was_killed(status_of_child("test.step.in_second_pass:1")));
  EXPECT_FALSE(was_killed(status_of_child("test.step.in_second_pass:2")));
  EXPECT_FALSE(was_killed(status_of_child("test.step")));
  EXPECT_FALSE(was_killed(status_of_child("")));
}

#else

TEST(CrashPointTest, IsNothingWithoutHooks) {
  KB_CRASH_POINT("test.step.before_commit");
  SUCCEED();
}

#endif

}  // namespace
}  // namespace kagibin
