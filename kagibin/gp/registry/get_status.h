// SPDX-License-Identifier: Apache-2.0
// GET STATUS (GPCS 2.3.1, 11.4): the command, the entries it is answered with, and their paging.
//
//   80 F2 P1 P2 | 4F filter (0 to 16) | 5C tag list (opt)
//   P1     80 ISD, 40 applications and security domains, 20 load files, 10 load files and modules
//   P2     b1 next occurrence, b2 TLV format (clear: the older format, without tags)
//   TLV    E3 { 4F AID | 9F70 state | C5 privileges (3) | CF implicit selection (1) | C4 load file
//               | CC domain | CE version | 84 module * } *
//   older  LV AID | state | privileges (1) [ | number of modules | LV module * ] *
//   SW     6310 when more follow: the host asks again with b1
//
// A reader takes the objects of E3 in any order, passes over unknown ones (cards send EA), and
// takes a 9F70 of two octets by its first. Search criteria other than 4F are refused. Values.
//
//   StatusPage page = status_page(std::span(entries).subspan(done), command, 256);
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/gp/registry/privileges.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

enum class StatusScope : std::uint8_t {
  kIssuerSecurityDomain = 0x80,
  kApplications = 0x40,
  kLoadFiles = 0x20,
  kLoadFilesAndModules = 0x10,
};

struct GetStatus {
  StatusScope scope = StatusScope::kApplications;
  bool next = false;
  bool tlv_format = true;
  Bytes filter{};                // beginning of the AIDs wanted; empty: all
  std::vector<tlv::Tag> tags{};  // 5C; empty: all

  // kValue for P1 and P2, kNotSupported for other search criteria, kLength, kTruncated, kEncoding.
  static Result<GetStatus> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  apdu::CommandApdu encode() const;
  // Filter only; what is in scope the registry knows.
  bool matches(const Aid& aid) const { return aid.starts_with(filter); }
  friend bool operator==(const GetStatus&, const GetStatus&) = default;
};

struct StatusEntry {
  Aid aid;
  std::uint8_t state = 0;                            // life_cycle.h
  std::optional<Privileges> privileges{};            // ISD and applications
  std::optional<std::uint8_t> implicit_selection{};  // CF, install_parameters.h
  std::optional<Aid> load_file{};                    // C4, of an application
  std::optional<Aid> security_domain{};              // CC, the associated one
  Bytes version{};                                   // CE, of a load file
  std::vector<Aid> modules{};                        // 84, of a load file
  friend bool operator==(const StatusEntry&, const StatusEntry&) = default;
};

// One entry in the format and with the tags that the command asks for.
Bytes encode_entry(const StatusEntry& entry, const GetStatus& command);
// All entries of one answer to `command`.
Result<std::vector<StatusEntry>> decode_entries(ByteView data, const GetStatus& command);

struct StatusPage {
  Bytes data{};
  std::size_t count = 0;  // entries in it
  bool more = false;      // status word 6310
};
// As many whole entries from the front as fit into `max_bytes`, one at least.
StatusPage status_page(std::span<const StatusEntry> entries,
                       const GetStatus& command,
                       std::size_t max_bytes);

}  // namespace kagibin::gp
