// SPDX-License-Identifier: Apache-2.0
// Kept answers of a transaction: read with what it expects, put with the commit.
#include <algorithm>
#include <ranges>
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
    const AnswerName name = row.name;
    read_answers_[name] = std::move(row);
  }
  for (int i = 0; i < counts.count(); ++i) {
    read_answer_counts_[std::string(counts.at(i).text(0))] =
        static_cast<std::uint64_t>(counts.at(i).integer(1));
  }
  return {};
}

Result<std::optional<AnswerRow>> PostgresOrderTransaction::find_answer(const AnswerName& name) {
  KB_TRY(alive());
  if (undoes_sent_) {
    KB_TRY(send_writes());
  }
  for (const Write& write : std::views::reverse(writes_)) {
    if (write.answer && write.answer->name == name) {
      return std::optional(*write.answer);
    }
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
  if (undoes_sent_) {
    KB_TRY(send_writes());
  }
  if (!read_answer_counts_.contains(owner)) {
    const std::vector<std::string_view> one = {owner};
    PgParameters parameters;
    parameters.texts(one);
    const std::size_t place = add(sql::kCountAnswers, std::move(parameters));
    const std::vector<PgRows> answers = KB_TRY(run());
    read_answer_counts_[std::string(owner)] =
        static_cast<std::uint64_t>(answers[place].at(0).integer(1));
  }
  const auto put = std::ranges::count_if(writes_, [&](const Write& write) {
    return write.answer && write.answer->name.owner == owner;
  });
  return read_answer_counts_.find(owner)->second + static_cast<std::uint64_t>(put);
}

Result<void> PostgresOrderTransaction::put_answer(const AnswerRow& row) {
  const std::optional<AnswerRow> known = KB_TRY(find_answer(row.name));
  if (known) {
    PgParameters name;
    name.text(row.name.owner).text(row.name.key);
    writes_.push_back({.sql = sql::kForgetAnswer, .parameters = std::move(name)});
  }
  PgParameters parameters;
  parameters.text(row.name.owner).text(row.name.key).octets(row.request).integer(row.status);
  parameters.text(row.body).integer(row.kept_at);
  writes_.push_back({.sql = sql::kPutAnswer,
                     .parameters = std::move(parameters),
                     .answer = std::make_shared<const AnswerRow>(row)});
  return {};
}

Result<std::uint32_t> PostgresOrderTransaction::forget_answers(std::int64_t before,
                                                               std::uint32_t limit) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql::kForgetAnswers, PgParameters().integer(before).integer(limit));
  const std::vector<PgRows> answers = KB_TRY(run());
  read_answers_.clear();
  read_answer_counts_.clear();
  return static_cast<std::uint32_t>(answers[place].rows_changed());
}

}  // namespace kagibin::store
