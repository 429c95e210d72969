// SPDX-License-Identifier: Apache-2.0
// The user's own file of keys, one row an element (doc/payload.md):
//
//   seid,enc,mac,dek
//   00112233445566778899AABBCCDDEEFF,404142...,505152...,606162...
//
// The first row names the columns, the first of them "seid"; keys are AES keys in hexadecimal
// digits. A SEID twice, a key that two elements share, a row with other than the named number of
// cells and a cell that is no key are refused; messages name row and column, never the cell.
// Limits: 16 MiB, 100,000 rows, 16 columns. Ownership: keeps the keys, wiped at the end.
// Thread-safety: const use may be shared.
//
//   const KeyCsv csv = KB_TRY(KeyCsv::parse("keys.csv", text));
//   const SecretBytes key = KB_TRY(csv.key(seid, "enc"));
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/secret.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

class KeyCsv {
 public:
  // `name` is what messages call the file.
  static Checked<KeyCsv> parse(std::string_view name, const SecretBytes& text);

  // kNotFound when the file has no such row or column.
  Checked<SecretBytes> key(const Seid& seid, std::string_view column) const;
  bool has_column(std::string_view column) const;
  std::size_t rows() const { return rows_.size(); }

 private:
  std::string name_;
  std::vector<std::string> columns_;  // without "seid"
  std::map<Seid, std::vector<SecretBytes>> rows_;
};

}  // namespace kagibin::roles::service_provider
