// SPDX-License-Identifier: Apache-2.0
// Kept answers of a transaction: read with what it expects, put with the commit.
#include <algorithm>
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::AnswerName;
using delivery::AnswerRow;

std::size_t PostgresOrderTransaction::add_answer_reads(const std::vector<AnswerName>& names) {
  std::vector<std::string_view> owners;
  std::vector<std::string_view> keys;
  std::set<std::string_view> each_owner;
  for (const AnswerName& name : names) {
    owners.push_back(name.owner);
    keys.push_back(name.key);
    each_owner.insert(name.owner);
  }
  PgParameters of_names;
  of_names.texts(owners).texts(keys);
  const std::size_t place = add(sql::kReadAnswers, std::move(of_names));
  const std::vector<std::string_view> once(each_owner.begin(), each_owner.end());
  PgParameters of_owners;
  of_owners.texts(once);
  add(sql::kCountAnswers, std::move(of_owners));
  return place;
}

Result<void> PostgresOrderTransaction::take_answers(const std::vector<AnswerName>& asked,
                                                    const PgRows& rows,
                                                    const PgRows& counts) {
  for (const AnswerName& name : asked) {
    read_answers_[name].reset();
  }
  for (int i = 0; i < rows.count(); ++i) {
    AnswerRow row = KB_TRY(read_answer(rows.at(i)));
    if (!is_over(row, rows.at(i).integer(6))) {
      const AnswerName name = row.name;
      read_answers_[name] = std::move(row);
    }
  }
  for (int i = 0; i < counts.count(); ++i) {
    read_answer_counts_[std::string(counts.at(i).text(0))] =
        static_cast<std::uint64_t>(counts.at(i).integer(1));
  }
  return {};
}

Result<std::optional<AnswerRow>> PostgresOrderTransaction::find_answer(const AnswerName& name,
                                                                       std::int64_t /*now*/) {
  KB_TRY(alive());
  const auto put = std::ranges::find(new_answers_, name, &AnswerRow::name);
  if (put != new_answers_.end()) {
    return std::optional(*put);
  }
  if (!read_answers_.contains(name)) {
    const std::size_t place = add_answer_reads({name});
    const std::vector<PgRows> answers = KB_TRY(run());
    KB_TRY(take_answers({name}, answers[place], answers[place + 1]));
  }
  return read_answers_[name];
}

Result<std::uint64_t> PostgresOrderTransaction::count_answers(std::string_view owner) {
  KB_TRY(alive());
  if (!read_answer_counts_.contains(owner)) {
    const std::vector<std::string_view> one = {owner};
    PgParameters parameters;
    parameters.texts(one);
    const std::size_t place = add(sql::kCountAnswers, std::move(parameters));
    const std::vector<PgRows> answers = KB_TRY(run());
    read_answer_counts_[std::string(owner)] =
        static_cast<std::uint64_t>(answers[place].at(0).integer(1));
  }
  std::uint64_t units = read_answer_counts_.find(owner)->second;
  for (const AnswerRow& row : new_answers_) {
    units += row.name.owner == owner ? static_cast<std::uint64_t>(units_of(row)) : 0;
  }
  return units;
}

Result<void> PostgresOrderTransaction::put_answer(const AnswerRow& row, std::int64_t now) {
  KB_TRY(alive());
  new_answers_.push_back(row);
  new_answers_.back().kept_at = now;
  return {};
}

// In one order for all distributors: of two that put the same names, one waits.
void PostgresOrderTransaction::add_answers() {
  std::ranges::sort(new_answers_, {}, &AnswerRow::name);
  for (const AnswerRow& row : new_answers_) {
    PgParameters name;
    name.text(row.name.owner).text(row.name.key);
    add(sql::kForgetAnswer, std::move(name));
    PgParameters parameters;
    parameters.text(row.name.owner).text(row.name.key).octets(row.request).integer(row.status);
    parameters.text(row.body).integer(units_of(row));
    add(sql::kPutAnswer, std::move(parameters));
  }
}

Result<std::uint32_t> PostgresOrderTransaction::forget_answers(std::int64_t /*now*/,
                                                               std::uint32_t limit) {
  KB_TRY(alive());
  const std::size_t place = add(sql::kForgetAnswers, PgParameters().integer(limit));
  add(sql::kForgetFutureAnswers, PgParameters().integer(limit));
  const std::vector<PgRows> answers = KB_TRY(run());
  read_answers_.clear();
  read_answer_counts_.clear();
  return static_cast<std::uint32_t>(answers[place].rows_changed() +
                                    answers[place + 1].rows_changed());
}

}  // namespace kagibin::store
