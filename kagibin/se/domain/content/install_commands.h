// SPDX-License-Identifier: Apache-2.0
// INSTALL [for install], [for make selectable], both at once, and the end of a combined load (GPCS
// 11.5.2.3.2, 11.5.2.3.3, 9.3.6 to 9.3.8), after the checks of content_commands.h.
//
// Any load file on the element may be named. What is installed is associated with the load file's
// domain when that is the one that installs it, or below; else with the one that installs it, as
// for a load file of the issuer's (GPCS 9.3.6). [for make selectable] may give Card Reset, to one
// that is selectable already, too, and an implicit selection (CF); other privileges are given at
// installation or by registry update (6A80). In a combined load the load file and the application
// come together or not at all; the receipt is that of the installation.
#pragma once

#include "kagibin/gp/content/install.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu install_application(const DomainCommand& command, const gp::Install& request);
apdu::ResponseApdu make_selectable(const DomainCommand& command, const gp::Install& request);

}  // namespace kagibin::se
