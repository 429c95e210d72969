// SPDX-License-Identifier: Apache-2.0
// What the controlling authority issued, one JSON object a line, appended and never changed: a
// service provider watches it for its own SPID, an auditor for certificates nobody asked for
// (protocol, section 11).
//
//   {"number":7,"time":1790000000,"event":"certify_maker","subject":"...","serial":"...","epoch":0,
//    "expiration":20280101,"content":"7F21...","previous":"<SHA-256 of the line before, hex>"}
//
// A CERT.SD is "certify_security_domain", its subject the SEID; behind "expiration" stand
// "maker" (the name in CERT.EUM), "maker_key" (SHA-256 of PK.EUM), "domain" (AID) and "owner"
// (SPID): who said so, and about which domain of whom. `previous` chains the lines: a line that was
// changed or taken out shows. The first line names 64 zeros. Nothing in it is secret. Ownership:
// values. Thread-safety: one thread, one writer a file.
//
//   FileIssuanceLog log = KB_TRY(FileIssuanceLog::open("authority/issuance.log"));
//   KB_TRY(log.append(entry));
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::roles::controlling_authority {

// Of a CERT.SD.
struct IssuedDomain {
  std::string maker_hex;
  std::string maker_key_hex;
  std::string domain_hex;
  std::string owner_hex;
};

struct IssuanceEntry {
  std::int64_t time = 0;
  std::string_view event;
  std::string subject_hex{};  // empty for statements, as the next three
  std::string serial_hex{};
  std::uint16_t epoch = 0;
  std::uint32_t expiration = 0;
  std::optional<IssuedDomain> domain{};
  std::string content_hex{};  // the certificate or the statement
};

class IssuanceLog {
 public:
  IssuanceLog() = default;
  IssuanceLog(const IssuanceLog&) = delete;
  IssuanceLog& operator=(const IssuanceLog&) = delete;
  virtual ~IssuanceLog() = default;
  // Durable when it returns. kIo, kNoSpace: nothing was added.
  virtual Result<void> append(const IssuanceEntry& entry) = 0;
};

// Where the next line stands in the chain.
struct IssuancePosition {
  std::uint64_t number = 1;
  std::string previous_hex = std::string(64, '0');
};
// The line without its newline.
std::string issuance_line(const IssuanceEntry& entry, const IssuancePosition& position);
// Walks all lines; kAuthentication names a broken chain. An unfinished last line (no newline) was
// never acknowledged and counts as not there: `kept` receives the octets before it when given.
Result<IssuancePosition> verify_issuance_lines(std::string_view text, std::size_t* kept = nullptr);

class FileIssuanceLog final : public IssuanceLog {
 public:
  // Reads and verifies what is there, makes the file when there is none.
  static Result<FileIssuanceLog> open(const std::filesystem::path& path);
  FileIssuanceLog(FileIssuanceLog&& other) noexcept;
  ~FileIssuanceLog() override;
  Result<void> append(const IssuanceEntry& entry) override;

 private:
  FileIssuanceLog(int file, std::int64_t size, IssuancePosition position)
      : file_(file), size_(size), position_(std::move(position)) {}
  int file_;
  std::int64_t size_;
  IssuancePosition position_;
};

class MemoryIssuanceLog final : public IssuanceLog {
 public:
  Result<void> append(const IssuanceEntry& entry) override;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  IssuancePosition position_;
};

}  // namespace kagibin::roles::controlling_authority
