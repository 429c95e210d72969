// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token.h"

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "kagibin/crypto/token/token_failure.h"

namespace kagibin::crypto::token {
namespace {

constexpr std::array kPauses = {std::chrono::milliseconds(10), std::chrono::milliseconds(40),
                                std::chrono::milliseconds(160)};

// Two seconds and a half in all: who names a token that is not there waits for that answer.
constexpr std::array kPausesToFind = {
    std::chrono::milliseconds(10),  std::chrono::milliseconds(40),
    std::chrono::milliseconds(160), std::chrono::milliseconds(320),
    std::chrono::milliseconds(640), std::chrono::milliseconds(1280)};

// SoftHSM passes over a token that another process writes to in the moment of its start; where
// several found their roles at once, that is so again and again.
Result<TokenPlace> find_patiently(TokenModules& modules, const TokenUri& uri) {
  Result<TokenPlace> found = modules.find(uri);
  for (const auto pause : kPausesToFind) {
    if (found || found.error().code != Errc::kNotFound) {
      break;
    }
    std::this_thread::sleep_for(pause);
    KB_TRY(modules.restart());
    found = modules.find(uri);
  }
  return found;
}

}  // namespace

Result<std::shared_ptr<Token>> Token::open(TokenUri uri, PinSource pin, std::size_t sessions) {
  if (sessions == 0 || sessions > kMostSessions) {
    return fail(Errc::kInvalidArgument, "a token is used with 1 to 64 sessions");
  }
  TokenModules modules = KB_TRY(TokenModules::load(uri));
  std::shared_ptr<Token> out(
      new Token(std::move(uri), std::move(modules), std::move(pin), sessions));
  const TokenPlace place = KB_TRY(find_patiently(out->modules_, out->uri_));
  out->place_ = place;  // looked for again, it might be passed over
  out->info_ = place.info;
  out->abilities_ = TokenAbilities::of(place);
  // Logs in, so that a wrong PIN is said now.
  KB_TRY(out->run(Repeat::kAllowed, [](const TokenSession&) -> Result<CK_RV> { return CKR_OK; }));
  return out;
}

Token::~Token() {
  for (const TokenSession& session : idle_) {
    session.functions->C_CloseSession(session.handle);
  }
}

Result<void> Token::run(Repeat repeat, const Call& call) {
  bool found_anew = false;
  std::size_t pauses = 0;
  while (true) {
    CK_RV rv = CKR_OK;
    const Result<TokenSession> session = borrow();
    if (session) {
      const Result<CK_RV> answered = call(*session);
      const bool is_good = answered && *answered == CKR_OK;
      if (answered && kind_of(*answered) == FailureKind::kLost) {
        lose(session->generation);
      }
      give_back(*session, is_good);
      if (!answered) {
        return std::unexpected(answered.error());
      }
      if (is_good) {
        return {};
      }
      rv = *answered;
    } else {
      return std::unexpected(session.error());
    }
    if (repeat == Repeat::kHarmful || kind_of(rv) == FailureKind::kFinal) {
      return failure(rv);
    }
    if (kind_of(rv) == FailureKind::kLost) {
      if (std::exchange(found_anew, true)) {
        return failure(rv);
      }
    } else if (pauses == kPauses.size()) {
      return failure(rv);
    } else {
      std::this_thread::sleep_for(kPauses[pauses++]);
    }
  }
}

Result<TokenSession> Token::borrow() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!idle_.empty()) {
      const TokenSession out = idle_.back();
      idle_.pop_back();
      return out;
    }
    if (open_ < most_) {
      const Result<TokenSession> opened = open_session();
      if (opened || opened.error().code != Errc::kLimit || open_ == 0) {
        return opened;
      }
      most_ = open_;  // the token gives no more than these
      continue;
    }
    returned_.wait(lock);
  }
}

void Token::give_back(const TokenSession& session, bool is_good) {
  {
    const std::scoped_lock lock(mutex_);
    if (session.generation == generation_ && is_good) {
      idle_.push_back(session);
    } else {
      session.functions->C_CloseSession(session.handle);
      open_ -= session.generation == generation_ ? 1 : 0;
    }
  }
  returned_.notify_one();
}

void Token::lose(std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation != generation_) {
    return;  // somebody else saw it first
  }
  for (const TokenSession& session : idle_) {
    session.functions->C_CloseSession(session.handle);
  }
  idle_.clear();
  objects_.clear();
  place_.reset();
  open_ = 0;
  ++generation_;
  returned_.notify_all();
}

Result<TokenSession> Token::open_session() {
  const bool is_anew = generation_ > 1 && !place_;
  if (open_ == 0) {
    objects_.clear();  // without a session the token forgot the login, and what only a user finds
  }
  auto handle = open_and_log_in();
  if (!handle && is_anew && handle.error().code != Errc::kAuthentication) {
    // The module may remember a service that is not there any more.
    place_.reset();
    KB_TRY(modules_.restart());
    handle = open_and_log_in();
  }
  if (!handle && is_anew && handle.error().code == Errc::kNotFound) {
    return failure(CKR_TOKEN_NOT_PRESENT);
  }
  if (!handle) {
    return std::unexpected(handle.error());
  }
  ++open_;
  return TokenSession{.functions = place_->functions, .handle = *handle, .generation = generation_};
}

Result<CK_SESSION_HANDLE> Token::open_and_log_in() {
  if (!place_) {
    place_ = KB_TRY(modules_.find(uri_));
  }
  constexpr CK_FLAGS kReadAndWrite = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  CK_SESSION_HANDLE session = 0;
  CK_RV rv = CKR_OK;
  for (std::size_t pause = 0;; ++pause) {
    rv = place_->functions->C_OpenSession(place_->slot, kReadAndWrite, nullptr, nullptr, &session);
    if (kind_of(rv) != FailureKind::kBusy || rv == CKR_SESSION_COUNT || pause == kPauses.size()) {
      break;
    }
    std::this_thread::sleep_for(kPauses[pause]);
  }
  if (rv != CKR_OK) {
    return failure(rv);
  }
  const Result<void> logged_in = log_in(*place_, session);
  if (!logged_in) {
    place_->functions->C_CloseSession(session);
    return std::unexpected(logged_in.error());
  }
  return session;
}

Result<void> Token::log_in(const TokenPlace& place, CK_SESSION_HANDLE session) {
  CK_SESSION_INFO now{};
  if (place.functions->C_GetSessionInfo(session, &now) == CKR_OK &&
      now.state == CKS_RW_USER_FUNCTIONS) {
    return {};
  }
  if ((place.info.flags & CKF_LOGIN_REQUIRED) == 0) {
    return {};
  }
  if (pin_refused_) {
    return std::unexpected(*pin_refused_);
  }
  const CK_FLAGS flags = place.info.flags;
  if ((flags & CKF_USER_PIN_LOCKED) != 0) {
    return failure(CKR_PIN_LOCKED);
  }
  if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return fail(
        Errc::kAuthentication,
        "one try is left before the token locks its PIN, and is not taken here: log in once by "
        "hand, with the token's own tool");
  }
  CK_RV rv = CKR_OK;
  if ((flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) {
    rv = place.functions->C_Login(session, CKU_USER, nullptr, 0);
  } else {
    if (!pin_) {
      pin_ = KB_TRY(pin_source_(uri_));
    }
    const MutableByteView pin = pin_->expose_mutable();
    rv = place.functions->C_Login(session, CKU_USER, pin.data(), pin.size());
  }
  if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
    return {};
  }
  const auto out = failure(rv);
  if (out.error().code == Errc::kAuthentication) {
    pin_refused_ = out.error();
    pin_.reset();
  }
  return out;
}

std::optional<CK_OBJECT_HANDLE> Token::known_object(std::uint64_t generation,
                                                    const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  if (generation != generation_ || found == objects_.end()) {
    return std::nullopt;
  }
  return found->second;
}

void Token::know_object(std::uint64_t generation,
                        const std::string& name,
                        CK_OBJECT_HANDLE object) {
  const std::scoped_lock lock(mutex_);
  if (generation == generation_) {
    objects_[name] = object;
  }
}

void Token::forget_objects() {
  const std::scoped_lock lock(mutex_);
  objects_.clear();
}

}  // namespace kagibin::crypto::token
