// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/log_answers.h"

#include <utility>
#include <vector>

#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::HttpResponse;

namespace {

HttpResponse octets(ByteView content) {
  HttpResponse response;
  response.content_type = "application/octet-stream";
  response.body.assign(content.begin(), content.end());
  return response;
}

}  // namespace

Result<HttpResponse> answer_with_checkpoint(delivery::StoreSnapshot& snapshot) {
  const delivery::AuditHead head = KB_TRY(snapshot.audit_head());
  if (head.checkpoint.empty()) {
    return fail(Errc::kNotFound,
                "nothing was signed yet; a distributor signs within a second or two of its start");
  }
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = head.checkpoint;
  return response;
}

Result<HttpResponse> answer_with_tile(delivery::StoreSnapshot& snapshot, std::string_view path) {
  const TilePath wanted = KB_TRY(tile_path(path));
  if (wanted.entries) {
    const std::vector<Bytes> entries = KB_TRY(snapshot.audit_entries(
        wanted.place.number * kTileWidth, static_cast<std::uint32_t>(wanted.width)));
    if (entries.size() != wanted.width) {
      return fail(Errc::kNotFound, "the log has no such tile");
    }
    return octets(encode_bundle(entries));
  }
  const auto tile =
      KB_TRY(snapshot.audit_tile({.level = wanted.place.level, .number = wanted.place.number}));
  const std::size_t size = wanted.width * sizeof(Hash);
  if (!tile || tile->hashes.size() < size) {
    return fail(Errc::kNotFound, "the log has no such tile");
  }
  return octets(ByteView(tile->hashes).first(size));
}

}  // namespace kagibin::roles::key_distribution_operator
