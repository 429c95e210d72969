// SPDX-License-Identifier: Apache-2.0
// Invitations of a transaction. They are few: each is read when it is asked for, with its lock.
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::InvitationRow;

Result<std::optional<InvitationRow>> PostgresOrderTransaction::find_invitation(
    ByteView token_hash) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql::kFindInvitation, PgParameters().octets(token_hash));
  const std::vector<PgRows> answers = KB_TRY(run());
  if (answers[place].count() == 0) {
    return std::optional<InvitationRow>();
  }
  InvitationRow row = KB_TRY(read_invitation(answers[place].at(0)));
  return std::optional<InvitationRow>(std::move(row));
}

Result<void> PostgresOrderTransaction::insert_invitation(const InvitationRow& row) {
  const std::optional<InvitationRow> known = KB_TRY(find_invitation(row.token_hash));
  if (known) {
    return fail(Errc::kConflict, "the store already has a row of this name");
  }
  PgParameters parameters;
  parameters.octets(row.token_hash).text(row.subject).integer(row.not_after);
  writes_.push_back({.sql = sql::kInsertInvitation, .parameters = std::move(parameters)});
  return {};
}

Result<void> PostgresOrderTransaction::update_invitation(const InvitationRow& row) {
  const std::optional<InvitationRow> known = KB_TRY(find_invitation(row.token_hash));
  if (!known) {
    return fail(Errc::kNotFound, "the store has no row of this name");
  }
  PgParameters parameters;
  parameters.octets(row.token_hash);
  row.request ? parameters.text(*row.request) : parameters.null();
  row.certificate ? parameters.text(*row.certificate) : parameters.null();
  writes_.push_back({.sql = sql::kUpdateInvitation, .parameters = std::move(parameters)});
  return {};
}

}  // namespace kagibin::store
