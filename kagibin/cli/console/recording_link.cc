// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/recording_link.h"

namespace kagibin::cli {

Result<std::unique_ptr<RecordingLink>> RecordingLink::open(std::unique_ptr<apdu::CardLink> link,
                                                           const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::app);
  if (!out) {
    return fail(Errc::kIo, "the APDU log cannot be opened for writing");
  }
  return std::unique_ptr<RecordingLink>(new RecordingLink(std::move(link), std::move(out)));
}

Result<Bytes> RecordingLink::transmit(ByteView command) {
  out_ << "> " << to_hex(command) << '\n';
  auto answer = link_->transmit(command);
  out_ << "< " << (answer ? to_hex(*answer) : "(no answer)") << '\n' << std::flush;
  return answer;
}

}  // namespace kagibin::cli
