// SPDX-License-Identifier: Apache-2.0
// The SQLite VFS behind FaultyDisk: every call goes to the system's VFS, unless the disk says that
// it fails.
#pragma once

namespace kagibin::simulation {

class FaultyDisk;

// Becomes SQLite's default, once; from then on it asks this disk.
void install_faulty_vfs(FaultyDisk& disk);

}  // namespace kagibin::simulation
