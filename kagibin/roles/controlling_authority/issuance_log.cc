// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/controlling_authority/issuance_log.h"

#include <cerrno>
#include <utility>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::controlling_authority {
namespace {

std::string digest_hex(std::string_view line) { return to_hex(crypto::sha256(ascii(line))); }

Result<void> write_all(int file, std::string_view text, std::int64_t offset) {
  while (!text.empty()) {
    const ssize_t written = ::pwrite(file, text.data(), text.size(), offset);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno == ENOSPC
                 ? fail(Errc::kNoSpace, "the issuance log has no room left; nothing was issued")
                 : fail(Errc::kIo, "the issuance log cannot be written; nothing was issued");
    }
    text.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return {};
}

}  // namespace

std::string issuance_line(const IssuanceEntry& entry, const IssuancePosition& position) {
  boost::json::object line;
  line["number"] = position.number;
  line["time"] = entry.time;
  line["event"] = entry.event;
  if (!entry.subject_hex.empty()) {
    line["subject"] = entry.subject_hex;
    line["serial"] = entry.serial_hex;
    line["epoch"] = entry.epoch;
    line["expiration"] = entry.expiration;
  }
  if (entry.domain) {
    line["maker"] = entry.domain->maker_hex;
    line["maker_key"] = entry.domain->maker_key_hex;
    line["domain"] = entry.domain->domain_hex;
    line["owner"] = entry.domain->owner_hex;
  }
  line["content"] = entry.content_hex;
  line["previous"] = position.previous_hex;
  return boost::json::serialize(line);
}

Result<IssuancePosition> verify_issuance_lines(std::string_view text, std::size_t* kept) {
  IssuancePosition position;
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', at)) {
    const std::string_view line = text.substr(at, end - at);
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(line, error);
    const boost::json::object* object = error ? nullptr : value.if_object();
    const boost::json::value* number = object ? object->if_contains("number") : nullptr;
    const boost::json::value* previous = object ? object->if_contains("previous") : nullptr;
    if (number == nullptr || previous == nullptr || !previous->is_string() ||
        *number != boost::json::value(position.number) ||
        previous->as_string() != position.previous_hex) {
      return fail(Errc::kAuthentication,
                  "the issuance log's chain is broken: a line was changed, added or taken out");
    }
    position.previous_hex = digest_hex(line);
    ++position.number;
    at = end + 1;
  }
  if (kept != nullptr) {
    *kept = at;
  }
  return position;
}

Result<FileIssuanceLog> FileIssuanceLog::open(const std::filesystem::path& path) {
  std::string text;
  if (const auto read = crypto::read_file(path)) {
    const ByteView octets = read->expose();
    text.assign(octets.begin(), octets.end());
  } else if (read.error().code != Errc::kNotFound) {
    return std::unexpected(read.error());
  }
  std::size_t kept = 0;
  IssuancePosition position = KB_TRY(verify_issuance_lines(text, &kept));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) takes the mode so
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) {
    return fail(Errc::kIo, "the issuance log cannot be opened for writing");
  }
  FileIssuanceLog log(file, static_cast<std::int64_t>(kept), std::move(position));
  if (::ftruncate(file, log.size_) != 0) {
    return fail(Errc::kIo, "the issuance log's unfinished last line cannot be removed");
  }
  return log;
}

FileIssuanceLog::FileIssuanceLog(FileIssuanceLog&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      size_(other.size_),
      position_(std::move(other.position_)) {}

FileIssuanceLog::~FileIssuanceLog() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

Result<void> FileIssuanceLog::append(const IssuanceEntry& entry) {
  const std::string line = issuance_line(entry, position_);
  const auto written = write_all(file_, line + "\n", size_);
  if (!written || ::fsync(file_) != 0) {
    if (::ftruncate(file_, size_) != 0) {
      return fail(Errc::kIo, "the issuance log ends in half a line; mend it before going on");
    }
    return written ? fail(Errc::kIo, "the issuance log cannot be made durable; nothing was issued")
                   : written;
  }
  size_ += static_cast<std::int64_t>(line.size()) + 1;
  position_ = {.number = position_.number + 1, .previous_hex = digest_hex(line)};
  return {};
}

Result<void> MemoryIssuanceLog::append(const IssuanceEntry& entry) {
  const std::string line = issuance_line(entry, position_);
  text_ += line + "\n";
  position_ = {.number = position_.number + 1, .previous_hex = digest_hex(line)};
  return {};
}

}  // namespace kagibin::roles::controlling_authority
