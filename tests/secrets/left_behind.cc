// SPDX-License-Identifier: Apache-2.0
#include "tests/secrets/left_behind.h"

#include <csignal>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/cli/demo/knowledge/process_memory.h"
#include "kagibin/cli/demo/knowledge/secret_search.h"

#include "tests/support/must.h"

namespace kagibin::test {
namespace {

constexpr std::uint8_t kMask = 0x5A;

// A page that a child's writes reach its parent through.
class SharedPage {
 public:
  SharedPage()
      : page_(mmap(nullptr,
                   sizeof(Canaries::Page),
                   PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS,
                   -1,
                   0)) {
    KB_CHECK(page_ != MAP_FAILED);
  }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  ~SharedPage() { munmap(page_, sizeof(Canaries::Page)); }
  Canaries::Page& content() { return *static_cast<Canaries::Page*>(page_); }

 private:
  void* page_;
};

// The mixing function of SplitMix64: no octet of it is stored anywhere before it is asked for.
std::uint8_t octet_of(std::uint32_t seed, std::size_t secret, std::size_t at) {
  std::uint64_t x = (std::uint64_t{seed} << 32U) + secret * 256 + at + 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return static_cast<std::uint8_t>((x ^ (x >> 31U)) & 0xFFU);
}

std::set<std::string> look(pid_t child, const Canaries::Page& page) {
  cli::demo::SecretSearch search;
  for (std::size_t number = 0; number < page.count; ++number) {
    const Canaries::Kept& kept = page.kept.at(number);
    SecretBytes secret(kept.size);
    for (std::size_t i = 0; i < kept.size; ++i) {
      secret.expose_mutable()[i] = kept.masked.at(i) ^ kMask;
    }
    search.add(fmt::format("secret {}", number + 1), secret.expose());
  }
  std::set<std::string> out;
  for (const Bytes& piece : must(cli::demo::ProcessMemory(child).look())) {
    for (const auto& hit : search.find(piece)) {
      out.insert(hit.name + " " + hit.form);
    }
  }
  return out;
}

}  // namespace

SecretBytes Canaries::secret(std::size_t size) {
  KB_CHECK(size >= 16 && size <= kLargest && page_.count < kMost);
  SecretBytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out.expose_mutable()[i] = octet_of(seed_, page_.count, i);
  }
  watch(out.expose());
  return out;
}

void Canaries::watch(ByteView octets) {
  KB_CHECK(octets.size() >= 16 && octets.size() <= kLargest && page_.count < kMost);
  Kept& kept = page_.kept.at(page_.count++);
  kept.size = octets.size();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    kept.masked.at(i) = octets[i] ^ kMask;
  }
}

std::set<std::string> left_behind(const std::function<void(Canaries&)>& operation) {
  static std::uint32_t seed = 0;
  ++seed;
  SharedPage page;
  const pid_t child = fork();
  KB_CHECK(child >= 0);
  if (child == 0) {
    Canaries canaries(page.content(), seed);
    operation(canaries);
    static_cast<void>(raise(SIGSTOP));
    _exit(0);
  }
  int status = 0;
  KB_CHECK(waitpid(child, &status, WUNTRACED) == child);
  if (!WIFSTOPPED(status)) {
    return {"did not end"};
  }
  std::set<std::string> out = look(child, page.content());
  KB_CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
  return out;
}

}  // namespace kagibin::test
