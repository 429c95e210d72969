// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/setup_pieces.h"

#include "kagibin/gp/confidential/setup_messages.h"

namespace kagibin::gp {

namespace {

constexpr std::size_t kShortHead = 3;
constexpr std::size_t kLongHead = 5;
constexpr std::uint8_t kTwoOctets = 0xFF;

// Octets of the certificate's grouping as its head says, the head among them; 0: it is none.
std::size_t announced(ByteView data) {
  if (data.size() < kShortHead || ((data[0] << 8U) | data[1]) != setup_grouping::kCertificate) {
    return 0;
  }
  if (data[2] != kTwoOctets) {
    return kShortHead + data[2];
  }
  return data.size() < kLongHead
             ? 0
             : kLongHead + ((static_cast<std::size_t>(data[3]) << 8U) | data[4]);
}

}  // namespace

bool SetupPieces::begins(ByteView data) {
  const std::size_t size = announced(data);
  return size > data.size() && size <= kMostOctets;
}

SetupPieces::SetupPieces(ByteView first)
    : octets_(first.begin(), first.end()), size_(announced(first)) {
  KB_CHECK(begins(first));
}

Result<bool> SetupPieces::add(ByteView piece) {
  if (piece.empty() || piece.size() > size_ - octets_.size()) {
    return fail(Errc::kLength,
                "the blocks behind the first bring the rest of the certificate, and no more");
  }
  append(octets_, piece);
  return octets_.size() == size_;
}

}  // namespace kagibin::gp
