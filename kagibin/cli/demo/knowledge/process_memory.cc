// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/process_memory.h"

#include <cerrno>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace kagibin::cli::demo {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kSanitizerSpace = std::uint64_t{1} << 40U;
constexpr std::uint64_t kChunkPages = 1024;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::uint64_t hash_of(ByteView page) {
  return std::hash<std::string_view>{}(
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets as text
      std::string_view(reinterpret_cast<const char*>(page.data()), page.size()));
}

// /proc/PID/pagemap: b63 present, b62 swapped. What was never touched holds nothing.
std::vector<bool> touched(int pages, std::uint64_t first, std::uint64_t count) {
  std::vector<std::uint64_t> entries(count);
  const auto size = static_cast<ssize_t>(count * sizeof(std::uint64_t));
  const ssize_t got = pread(pages, entries.data(), static_cast<std::size_t>(size),
                            static_cast<off_t>(first / kPage * sizeof(std::uint64_t)));
  std::vector<bool> out(count, true);
  if (got == size) {
    for (std::size_t at = 0; at < count; ++at) {
      out[at] = entries[at] >> 62U != 0;
    }
  }
  return out;
}

}  // namespace

Result<std::vector<ProcessMemory::Mapping>> ProcessMemory::mappings() const {
  std::ifstream in(fmt::format("/proc/{}/maps", process_));
  std::vector<Mapping> out;
  for (std::string line; std::getline(in, line);) {
    // begin-end rwxp offset device inode path
    const std::size_t dash = line.find('-');
    const std::size_t blank = line.find(' ');
    if (dash == std::string::npos || blank == std::string::npos || blank + 5 > line.size()) {
      continue;
    }
    const Mapping mapping{std::stoull(line.substr(0, dash), nullptr, 16),
                          std::stoull(line.substr(dash + 1, blank - dash - 1), nullptr, 16)};
    const std::string_view rights = std::string_view(line).substr(blank + 1, 4);
    const bool of_file = line.find('/', blank) != std::string::npos;
    const bool of_kernel = line.ends_with("[vvar]") || line.ends_with("[vsyscall]") ||
                           line.ends_with("[vvar_vclock]") || line.ends_with("[vdso]");
    if (rights[0] != 'r' || of_kernel || (of_file && rights[1] != 'w') ||
        mapping.end - mapping.begin > kSanitizerSpace) {
      continue;
    }
    out.push_back(mapping);
  }
  if (out.empty()) {
    return fail(Errc::kNotSupported, "the process does not show its memory");
  }
  return out;
}

void ProcessMemory::look_at(int memory,
                            int pages,
                            const Mapping& mapping,
                            std::vector<Bytes>& out) {
  Bytes run;          // changed pages in a row, with the page before them
  Bytes before;       // the page before, when it did not change
  bool open = false;  // `run` waits for the page behind
  const auto close_run = [&](ByteView page) {
    if (open) {
      append(run, page);
      out.push_back(std::move(run));
      run.clear();
      open = false;
    }
  };
  for (std::uint64_t chunk = mapping.begin; chunk < mapping.end; chunk += kChunkPages * kPage) {
    const std::uint64_t count = std::min(kChunkPages, (mapping.end - chunk) / kPage);
    const std::vector<bool> there = touched(pages, chunk, count);
    for (std::uint64_t number = 0; number < count; ++number) {
      const std::uint64_t address = chunk + number * kPage;
      Bytes page(kPage);
      if (!there[number] || pread(memory, page.data(), kPage, static_cast<off_t>(address)) !=
                                static_cast<ssize_t>(kPage)) {
        close_run({});
        before.clear();
        continue;
      }
      std::uint64_t& seen = seen_[address];
      const std::uint64_t now = hash_of(page);
      if (seen == now) {
        close_run(page);
        before = std::move(page);
        continue;
      }
      seen = now;
      if (!open) {
        run = std::move(before);
        before.clear();
        open = true;
      }
      append(run, page);
    }
  }
  close_run({});
}

Result<std::vector<Bytes>> ProcessMemory::look() {
  const Descriptor memory(fmt::format("/proc/{}/mem", process_));
  const Descriptor pages(fmt::format("/proc/{}/pagemap", process_));
  if (memory.number() < 0) {
    return fail(Errc::kNotSupported, "the process does not show its memory");
  }
  std::vector<Bytes> out;
  for (const Mapping& mapping : KB_TRY(mappings())) {
    look_at(memory.number(), pages.number(), mapping, out);
  }
  return out;
}

}  // namespace kagibin::cli::demo
