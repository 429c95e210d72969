// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/agent.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/crash_point.h"
#include "kagibin/device/domain_certificate.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/kda/status_meaning.h"

namespace kagibin::device {

namespace {

using delivery::AgentJob;
using delivery::Work;

constexpr std::uint8_t kLevelsByCertificates = 0x0A;  // RL2 and RL4, in CAPABILITIES
constexpr std::int64_t kKeepDoneSeconds = std::int64_t{90} * 24 * 3600;

std::uint8_t instruction_of(Work::Kind kind) {
  switch (kind) {
    case Work::Kind::kEnrol:
      return kda::ins::kEnrol;
    case Work::Kind::kDeliver:
      return kda::ins::kLoad;
    case Work::Kind::kCancel:
      return kda::ins::kCancel;
  }
  return 0;
}

bool is_status(const Error& error, StatusWord sw) {
  return error.code == Errc::kCardStatus && error.sw == sw;
}

// The run cannot go on: card, store or network are gone. Everything else concerns one job.
bool ends_run(Errc code) {
  switch (code) {
    case Errc::kCardLink:
    case Errc::kStore:
    case Errc::kNoSpace:
    case Errc::kIo:
    case Errc::kNetwork:
    case Errc::kTls:
    case Errc::kHttp:
    case Errc::kInterrupted:
      return true;
    default:
      return false;
  }
}

Result<Handle> handle_of_envelope(ByteView message) {
  const envelope::Envelope decoded = KB_TRY(envelope::Envelope::decode(message));
  return KB_TRY(envelope::EnvelopeHeader::decode(decoded.header)).handle;
}

}  // namespace

Result<void> Agent::save(Job& job, Stage stage) {
  job.stage = stage;
  job.updated_at = clock_.now();
  KB_CRASH_POINT("agent.job.before_commit");
  KB_TRY(store_.put_job(job));
  KB_CRASH_POINT("agent.job.after_commit");
  return {};
}

Result<Aid> Agent::application_of(const Job& job) {
  Bytes request = job.message;
  if (job.kind == Work::Kind::kDeliver) {
    request.clear();
    for (const Job& known : KB_TRY(store_.jobs())) {
      if (known.order == job.order && known.kind == Work::Kind::kEnrol) {
        request = known.message;
      }
    }
  }
  const auto e0 = envelope::EnrolmentRequest::decode(request);
  return e0 && e0->own_delivery ? *e0->target : kda::aid();
}

Result<KdaSession> Agent::element(const Job& job) {
  if (!channels_) {
    channels_ = std::make_unique<Channels>(KB_TRY(open_card_()));
  }
  return KdaSession::select(*channels_, KB_TRY(application_of(job)));
}

// Only where the key delivery application could do something with it.
Result<Bytes> Agent::domain_certificate_for(KdaSession& kda, ByteView request) {
  const auto e0 = envelope::EnrolmentRequest::decode(request);
  if (e0 && e0->own_delivery) {
    return Bytes();
  }
  const auto capabilities = kda.capabilities();
  if (!capabilities || (capabilities->level_bitmap & kLevelsByCertificates) == 0) {
    return Bytes();
  }
  auto certificate = read_domain_certificate(*channels_, request);
  if (!certificate && ends_run(certificate.error().code)) {
    return std::unexpected(certificate.error());
  }
  return certificate.value_or(Bytes());
}

Result<void> Agent::enrol(Job& job) {
  KdaSession kda = KB_TRY(element(job));
  KB_TRY(save(job, Stage::kStarted));
  Bytes domain_certificate = KB_TRY(domain_certificate_for(kda, job.message));
  auto answer = kda.enrol(job.message, domain_certificate);
  if (!answer && !domain_certificate.empty() &&
      (is_status(answer.error(), apdu::sw::kSecurityStatusNotSatisfied) ||
       is_status(answer.error(), apdu::sw::kWrongData) ||
       is_status(answer.error(), apdu::sw::kFunctionNotSupported))) {
    domain_certificate.clear();  // of another provider, form or curve, perhaps, or out of date
    answer = kda.enrol(job.message, {});
  }
  if (!answer && is_status(answer.error(), apdu::sw::kConditionsNotSatisfied)) {
    // "Probe first": an earlier delivery to this target has an open outcome. Settle those we know
    // of, then once more.
    const Aid application = KB_TRY(application_of(job));
    for (Job& earlier : KB_TRY(store_.jobs())) {
      const bool is_here = KB_TRY(application_of(earlier)) == application;
      if (earlier.kind == Work::Kind::kDeliver && earlier.handle && is_here) {
        auto settled = carry(earlier, kda);
        if (!settled && ends_run(settled.error().code)) {
          return settled;
        }
        if (settled) {
          KB_TRY(save(earlier, Stage::kAnswered));
        }
      }
    }
    answer = kda.enrol(job.message, domain_certificate);
  }
  job.answer = KB_TRY(std::move(answer));
  job.handle = KB_TRY(envelope::EnrolmentAnswer::decode(job.answer)).handle;
  return save(job, Stage::kAnswered);
}

// From wherever the element stands to a receipt: LOAD only where STATUS says that the envelope is
// still missing.
Result<void> Agent::carry(Job& job, KdaSession& kda) {
  const kda::Status status = KB_TRY(kda.status(*job.handle));
  if (status.state == kda::State::kEnrolled) {
    auto loaded = kda.load(*job.handle, job.message);
    if (!loaded) {
      auto receipt =
          kda.receipt(*job.handle);  // a refusal has a receipt, too, once tries are counted
      if (!receipt) {
        return loaded;
      }
      job.answer = std::move(*receipt);
      return {};
    }
  }
  if (!kda::is_final(status.state)) {
    KB_TRY(kda.deliver(*job.handle));
  }
  job.answer = KB_TRY(kda.receipt(*job.handle));
  return {};
}

Result<void> Agent::deliver(Job& job) {
  job.handle = KB_TRY(handle_of_envelope(job.message));
  KdaSession kda = KB_TRY(element(job));
  ++job.tries;
  KB_TRY(save(job, Stage::kStarted));
  KB_TRY(carry(job, kda));
  return save(job, Stage::kAnswered);
}

Result<void> Agent::cancel(Job& job) {
  for (const Job& known : KB_TRY(store_.jobs())) {
    if (known.order == job.order && known.handle) {
      job.handle = known.handle;
    }
  }
  KdaSession kda = KB_TRY(element(job));
  KB_TRY(save(job, Stage::kStarted));
  auto cancelled = kda.cancel(job.message);
  if (!cancelled && !is_status(cancelled.error(), apdu::sw::kConditionsNotSatisfied)) {
    return cancelled;
  }
  if (job.handle) {
    job.answer = KB_TRY(kda.receipt(*job.handle));
  } else {
    KB_TRY(find_cancelled(job, kda));
  }
  return save(job, Stage::kAnswered);
}

// An order that was sealed at once and never fetched waited in a slot that a receipt announced: the
// newest one that was cancelled, and that is not of an order known here.
Result<void> Agent::find_cancelled(Job& job, KdaSession& kda) {
  std::vector<Job> jobs = KB_TRY(store_.jobs());
  std::ranges::sort(jobs, std::ranges::greater(), &Job::updated_at);
  for (const Job& known : jobs) {
    const auto told = known.order.provider == job.order.provider
                          ? envelope::Receipt::decode(known.answer)
                          : fail(Errc::kNotFound, "another provider's");
    if (!told || !told->next_enrolment) {
      continue;
    }
    const auto announced = KB_TRY(envelope::EnrolmentAnswer::decode(*told->next_enrolment));
    if (std::ranges::find(jobs, std::optional(announced.handle), &Job::handle) != jobs.end()) {
      continue;
    }
    auto answer = kda.receipt(announced.handle);
    const auto receipt =
        answer ? envelope::Receipt::decode(*answer) : std::unexpected(answer.error());
    if (!receipt && ends_run(receipt.error().code)) {
      return std::unexpected(receipt.error());
    }
    if (receipt && receipt->results.back() == envelope::ActionResult::kCancelled) {
      job.handle = announced.handle;
      job.answer = std::move(*answer);
      return {};
    }
  }
  return fail(Errc::kNotFound,
              "the order was cancelled in the element; its handle is not known here, so there is "
              "no receipt to fetch");
}

Result<void> Agent::hand_in(Job& job, Report& report) {
  KB_CRASH_POINT("agent.answer.before_send");
  if (job.kind == Work::Kind::kEnrol) {
    KB_TRY(api_.put_enrolment(job.order, job.attempt, {.answer = job.answer}));
    KB_CRASH_POINT("agent.answer.after_send");
    ++report.enrolled;
    return save(job, Stage::kDone);
  }
  KB_TRY(api_.put_receipt(job.order, job.attempt, {.receipt = job.answer, .revision = {}}));
  KB_CRASH_POINT("agent.answer.after_send");
  const envelope::Receipt receipt = KB_TRY(envelope::Receipt::decode(job.answer));
  const bool unknown = receipt.results.back() == envelope::ActionResult::kUnknown;
  if (unknown && job.kind == Work::Kind::kDeliver) {
    ++report.unknown;
    return save(job, Stage::kStarted);  // the next run asks the KDA again
  }
  job.kind == Work::Kind::kCancel ? ++report.cancelled : ++report.delivered;
  return save(job, Stage::kDone);
}

Result<void> Agent::do_job(Job job, Report& report) {
  const auto act = [&]() -> Result<void> {
    if (job.stage != Stage::kAnswered) {
      switch (job.kind) {
        case Work::Kind::kEnrol:
          KB_TRY(enrol(job));
          break;
        case Work::Kind::kDeliver:
          KB_TRY(deliver(job));
          break;
        case Work::Kind::kCancel:
          KB_TRY(cancel(job));
          break;
      }
    }
    return hand_in(job, report);
  };
  const Result<void> done = act();
  if (done) {
    return {};
  }
  if (ends_run(done.error().code)) {
    return done;
  }
  note_trouble(job, done.error(), report);
  // A delivery that started stays a job: the element may have acted, and its receipt is still to
  // come. Anything else is dropped, and the distributor offers it again for as long as it is
  // wanted.
  if (job.kind == Work::Kind::kDeliver && job.stage == Stage::kStarted &&
      !is_status(done.error(), apdu::sw::kReferencedDataNotFound)) {
    return {};
  }
  return save(job, Stage::kDone);
}

void Agent::note_trouble(const Job& job, const Error& error, Report& report) {
  std::string sentence;
  if (error.code == Errc::kCardStatus) {
    const kda::StatusMeaning meaning = kda::meaning(instruction_of(job.kind), error.sw);
    sentence = fmt::format("{} (status word {:04X}); {}; {}", meaning.happened, error.sw.value,
                           meaning.state, meaning.advice);
  } else {
    sentence = fmt::format("{}: {}", name(error.code), error.detail.text());
  }
  report.troubles.push_back({job.order, job.attempt, std::move(sentence)});
}

Result<void> Agent::resume(Report& report) {
  for (Job& job : KB_TRY(store_.jobs())) {
    if (stop_.stop_requested()) {
      return {};
    }
    if (job.stage != Stage::kDone) {
      KB_TRY(do_job(std::move(job), report));
    } else if (clock_.now() - job.updated_at > kKeepDoneSeconds) {
      KB_TRY(store_.remove_job(job.order, job.attempt, job.kind));
    }
  }
  return {};
}

Result<Agent::Report> Agent::run_once(std::uint32_t wait_seconds) {
  Report report;
  const auto work = [&]() -> Result<void> {
    KB_TRY(resume(report));
    std::string cursor;
    for (std::uint32_t wait = wait_seconds; !stop_.stop_requested(); wait = 0) {
      const std::optional<Work> next = KB_TRY(api_.work(cursor, wait));
      if (const auto time = api_.connection().server_time()) {
        KB_TRY(store_.set_server_time(*time));
      }
      if (!next) {
        return {};
      }
      cursor = next->cursor;
      Job job{.order = next->order,
              .attempt = next->attempt,
              .kind = next->kind,
              .stage = Stage::kFetched,
              .message = next->message,
              .handle = {},
              .answer = {}};
      KB_TRY(save(job, Stage::kFetched));
      KB_TRY(do_job(std::move(job), report));
    }
    return {};
  };
  const Result<void> done = work();
  if (channels_) {
    report.traffic = channels_->traffic();
    channels_.reset();
  }
  const bool stopped = stop_.stop_requested() && !done && done.error().code == Errc::kInterrupted;
  if (!done && !stopped) {
    return std::unexpected(done.error());
  }
  return report;
}

}  // namespace kagibin::device
