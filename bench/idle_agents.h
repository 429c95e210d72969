// SPDX-License-Identifier: Apache-2.0
// Agents that wait for work in a process of their own: each has a TLS 1.3 connection with a client
// certificate and one long poll, GET /v1/devices/self/work?wait=. The process is forked from one
// that has no threads yet.
//
//   IdleAgents agents;                                // forks
//   agents.start(port, ca_pem, identities, 10'000, 60);
//   ... measure ...
//   const int answered = agents.finish();             // answers of 204 so far and from now on
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "kagibin/net/tls_identity.h"

namespace kagibin::bench {

class IdleAgents {
 public:
  IdleAgents();
  IdleAgents(const IdleAgents&) = delete;
  IdleAgents& operator=(const IdleAgents&) = delete;
  ~IdleAgents();

  // Returns when `count` polls are under way, the identities in turn; the number under way.
  int start(std::uint16_t port,
            const std::vector<net::TlsIdentity>& identities,
            int count,
            int wait_seconds);
  // Waits until every poll has its answer; how many were 204.
  int finish();

 private:
  int child_commands_ = -1;
  int child_answers_ = -1;
  pid_t child_ = -1;
};

}  // namespace kagibin::bench
