// SPDX-License-Identifier: Apache-2.0
// The smart-device application: it fetches a device's work from the distributor, carries it to the
// element, and carries the answers back (protocol, sections 4 and 9). It moves ciphertext and
// cannot read any.
//
// Each piece of work is a job in the AgentStore, written before the first APDU and after the last,
// so that the agent may end anywhere: next time it looks at its jobs first, asks the KDA for STATUS
// and GET RECEIPT, and only then acts. It never sends a key-bearing command again by itself: what
// happened to one is the KDA's to find out. An order whose E0 is for the target's own delivery goes
// to the target in the KDA's place; the E0 of an order stays in the store for that.
//
// Errors of run_once: those of the store, the card and the distributor. A job whose element refuses
// it is not an error of the run: it is in the report with its sentence, and the other jobs go on.
// Once `stop` asks it to end, it finishes the job that it is at and begins nothing more.
// Thread-safety: one thread.
//
//   Agent agent(api, store, open_card, clock);
//   const Agent::Report report = KB_TRY(agent.run_once(0));
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kagibin/base/clock.h"
#include "kagibin/delivery/agent_store.h"
#include "kagibin/delivery/distributor_client.h"
#include "kagibin/device/channels.h"
#include "kagibin/device/kda_session.h"

namespace kagibin::device {

class Agent {
 public:
  struct Trouble {
    delivery::OrderKey order;
    delivery::AttemptNumber attempt = 1;
    std::string sentence;  // what happened, what state things are in, what to do
  };
  struct Report {
    int enrolled = 0;
    int delivered =
        0;            // brought to a final outcome by the KDA; which one only the provider can tell
    int unknown = 0;  // receipts that say unknown so far; tried again in the next run
    int cancelled = 0;
    std::vector<Trouble> troubles;
    Traffic traffic;
  };
  // Opens the element when there is something to do there. Called at most once a run.
  using OpenCard = std::function<Result<Channels>()>;

  Agent(delivery::DeviceApi& api,
        delivery::AgentStore& store,
        OpenCard open_card,
        const Clock& clock,
        std::stop_token stop = {})
      : api_(api),
        store_(store),
        open_card_(std::move(open_card)),
        clock_(clock),
        stop_(std::move(stop)) {}

  // Finishes the jobs of earlier runs, then fetches and does work until there is none. The first
  // fetch waits at the distributor for up to `wait_seconds`.
  Result<Report> run_once(std::uint32_t wait_seconds);

 private:
  using Job = delivery::AgentJob;
  using Stage = delivery::AgentJob::Stage;

  Result<void> resume(Report& report);
  Result<void> do_job(Job job, Report& report);
  Result<Bytes> domain_certificate_for(KdaSession& kda, ByteView request);
  Result<void> enrol(Job& job);
  Result<void> deliver(Job& job);
  Result<void> carry(Job& job, KdaSession& kda);
  Result<void> cancel(Job& job);
  Result<void> find_cancelled(Job& job, KdaSession& kda);
  Result<void> hand_in(Job& job, Report& report);
  Result<void> save(Job& job, Stage stage);
  // Whose commands the job's are: the KDA's, or the target's own where E0 of the order says so.
  Result<Aid> application_of(const Job& job);
  Result<KdaSession> element(const Job& job);
  void note_trouble(const Job& job, const Error& error, Report& report);

  delivery::DeviceApi& api_;
  delivery::AgentStore& store_;
  OpenCard open_card_;
  const Clock& clock_;
  std::stop_token stop_;
  std::unique_ptr<Channels> channels_;
};

}  // namespace kagibin::device
