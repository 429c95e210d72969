// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/cast/scheme.h"

#include <algorithm>
#include <array>

namespace kagibin::attack {

std::span<const Scheme> schemes() {
  using Root = Scheme::RootKnownTo;
  static constexpr std::array<Scheme, 12> kAll = {{
      {.name = "a",
       .what = "conventional OTA",
       .weakness = "the operator holds K and the channel keys; the commands cross a network",
       .model = "a_conventional",
       .is_conventional = true},
      {.name = "b0",
       .what = "the paper's figure, no certificate",
       .weakness = "everybody can sign as the authority, and A takes the last shipment list",
       .model = "b0_paper_no_pki",
       .root = Root::kEverybody,
       .is_maker_pinned = false},
      {.name = "b1",
       .what = "the paper, authority run by C",
       .weakness = "C has the authority's key, and A takes the last shipment list",
       .model = "b1_paper_pki_by_C",
       .root = Root::kManager,
       .is_maker_pinned = false},
      {.name = "b2",
       .what = "the paper, neutral authority, SCP03",
       .weakness = "A takes the last shipment list that verifies",
       .model = "b2_paper_neutral_ca",
       .is_maker_pinned = false},
      {.name = "p1",
       .what = "ours at RL1",
       .weakness = "",
       .model = "p1_env_scp03_shared",
       .has_other_maker = true},
      {.name = "p2",
       .what = "ours at RL1, keys rotated first",
       .weakness = "",
       .model = "p2_env_rotate_first",
       .has_other_maker = true,
       .rotates_first = true},
      {.name = "c4",
       .what = "RL2, CERT.SD by C",
       .weakness = "C signs CERT.SD with a key that provider and KDA believe",
       .model = "c4_scp11a_sdcert_by_C",
       .has_other_maker = true,
       .by_certificates = true,
       .manager_certifies_domains = true},
      {.name = "c3",
       .what = "ours at RL2",
       .weakness = "",
       .model = "c3_scp11a_neutral",
       .has_other_maker = true,
       .by_certificates = true},
      {.name = "d",
       .what = "ours at RL3, whose first set came at RL2",
       .weakness = "",
       .model = "d_sdkeys_exclusive",
       .has_other_maker = true,
       .by_certificates = true,
       .goes_on_at_rl3 = true},
      {.name = "o",
       .what = "ours at OS, the element's own OS",
       .weakness = "",
       .model = "o_own_os",
       .has_other_maker = true,
       .is_own_delivery = true},
      {.name = "j",
       .what = "RL1, maker not pinned",
       .weakness = "A takes the last shipment list, and the outsider is another certified maker",
       .model = "j_maker_not_pinned",
       .is_maker_pinned = false,
       .has_other_maker = true,
       .has_only_outsider = true},
      {.name = "i",
       .what = "RL3, C's code attested as the KDA",
       .weakness = "the KDA's code is C's, and A has its hash on the allow-list",
       .model = "i_rogue_kda_code",
       .by_certificates = true,
       .goes_on_at_rl3 = true,
       .is_kda_by_manager = true},
  }};
  return kAll;
}

Result<Scheme> find_scheme(std::string_view name) {
  const auto all = schemes();
  const auto found = std::ranges::find(all, name, &Scheme::name);
  if (found != all.end()) {
    return *found;
  }
  if (name == "c1" || name == "c2") {
    return fail(Errc::kNotSupported, "c1 and c2 deliver by SCP11b, which the KDA does not speak");
  }
  if (name == "c5" || name == "c6" || name == "c7") {
    return fail(Errc::kNotSupported, "c5 to c7 are variants of c3 that were modelled alone");
  }
  return fail(Errc::kValue, "there is no such scheme: kagibin attack --list names them");
}

}  // namespace kagibin::attack
