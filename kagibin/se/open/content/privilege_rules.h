// SPDX-License-Identifier: Apache-2.0
// Which privileges are given, to whom and by whom (GPCS 6.6.1 and 6.6.2). For se/ only.
//
//   given to security domains    Security Domain, DAP Verification, Mandated DAP Verification (with
//                                the former), Delegated Management, Authorized Management, Token
//                                Verification, Receipt Generation
//   given to both                Card Lock, Card Terminate, Card Reset, Trusted Path, Global
//   Delete,
//                                Global Lock, Global Registry, Final Application
//   refused by name              CVM Management, Global Service, Ciphered Load File Data Block,
//                                Contactless Activation and Self-Activation
//
// Card Reset and Final Application have one holder at a time: the ISD until another gets one, and
// again when that one is gone or loses it. What concerns the whole card (Card Lock, Card Terminate,
// Card Reset, Mandated DAP Verification, Global Delete, Global Lock, Global Registry, Final
// Application) is given in the ISD's hierarchy alone: a rule of this element, so that no domain on
// top of a hierarchy of its own can lock its issuer out.
#pragma once

#include "kagibin/se/open/registry.h"

namespace kagibin::se {

// Whether `asked` may be the privileges of `holder`, in the hierarchy of `domain`. kValue for
// combinations that are none; kNotSupported for those refused by name; kPolicy for a card-wide one
// outside the ISD's hierarchy; kConflict when another holds a single one.
Result<void> check_privileges(const Registry& registry,
                              const Aid& holder,
                              gp::Privileges asked,
                              const Aid& domain);

// After entries have come, gone or changed: takes from the ISD the single privileges that somebody
// else holds now, and gives it those of `given_up` that nobody does.
Result<void> settle_single_privileges(Registry& registry, gp::Privileges given_up);

}  // namespace kagibin::se
