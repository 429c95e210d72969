// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/virtual_device.h"

#include "kagibin/apdu/apdu.h"
#include "kagibin/pki/own_memory.h"

namespace kagibin::cli::fleet {
namespace {

constexpr std::uint8_t kPutKey = 0xD8;  // GPCS 11.8

crypto::Digest256 key_records(const se::Nvm& memory) {
  Bytes all;
  for (const std::string& name : memory.names("key/" + domain_aid().hex() + "/")) {
    append(all, ascii(name));
    append(all, crypto::sha256({memory.get(name)->expose()}));
  }
  return crypto::sha256({all});
}

}  // namespace

Aid domain_aid() { return *Aid::from_hex("A00000015153504B01"); }

std::uint64_t VirtualDevice::resting_octets() const {
  return sizeof(*this) + sizeof(se::Power) + memory->content.capacity() + jobs.octets() +
         certificate_pem.capacity() + key_pem.size();
}

Result<std::unique_ptr<ElementInUse>> ElementInUse::wake(VirtualDevice& device,
                                                         const Silicon& silicon) {
  const CpuScope scope(silicon.meter, Player::kElement);
  std::unique_ptr<ElementInUse> out(new ElementInUse(device, silicon));
  out->element_ = KB_TRY(se::Element::open(std::make_unique<se::CutMedium>(device.memory),
                                           silicon.rng, silicon.clock, silicon.modules));
  out->count_install();
  return out;
}

ElementInUse::~ElementInUse() {
  const CpuScope scope(silicon_.meter, Player::kElement);
  element_.reset();
  device_.memory->content.shrink_to_fit();
}

void ElementInUse::begin_counting() {
  device_.keys = key_records(element_->nvm());
  device_.installs = 0;
}

void ElementInUse::count_install() {
  if (element_->nvm().dead()) {
    return;  // seen at the next wake
  }
  const crypto::Digest256 now = key_records(element_->nvm());
  if (now != device_.keys) {
    device_.keys = now;
    ++device_.installs;
  }
}

Result<Bytes> ElementInUse::transmit(ByteView command) {
  const CpuScope scope(silicon_.meter, Player::kElement);
  const pki::OwnMemory own(verified_);
  auto answer = element_->transmit(command);
  if (command.size() > 1 && command[1] == kPutKey) {
    count_install();
  }
  return answer;
}

Result<void> ElementInUse::reset() {
  const CpuScope scope(silicon_.meter, Player::kElement);
  return element_->reset();
}

}  // namespace kagibin::cli::fleet
