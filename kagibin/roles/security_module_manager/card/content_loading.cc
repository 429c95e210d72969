// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/content_loading.h"

#include <algorithm>

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::size_t kMostBlocks = 256;
constexpr std::size_t kLongestDataBlock = 65'535;

}  // namespace

Result<Bytes> load_content(CommandPort& port, const LoadPlan& plan, const LoadProgress& progress) {
  const std::size_t block = std::min(plan.longest_block, port.longest_data());
  if (plan.data_block.size() > kLongestDataBlock || block == 0) {
    return fail(Errc::kLimit, "a load file data block has at most 65,535 octets");
  }
  const Bytes file = gp::encode_load_file(plan.dap_blocks, plan.data_block);
  const std::size_t blocks = (file.size() + block - 1) / block;
  if (blocks > kMostBlocks) {
    return fail(Errc::kLimit, "the load file takes more than 256 LOAD commands: use longer blocks");
  }
  const apdu::CommandApdu announcement = KB_TRY(plan.announcement.encode());
  KB_TRY(port.send(announcement, "the card refuses INSTALL [for load]"));
  Bytes answer;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t at = i * block;
    const gp::Load load{.last = i + 1 == blocks, .block = static_cast<std::uint8_t>(i)};
    const ByteView part = ByteView(file).subspan(at, std::min(block, file.size() - at));
    answer = KB_TRY(port.send(load.encode(part), "the card refuses a block of LOAD"));
    progress(i + 1, blocks);
  }
  return answer;
}

}  // namespace kagibin::roles::security_module_manager
