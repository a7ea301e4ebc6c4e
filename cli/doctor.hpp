// `sluice doctor`: what this host can and cannot keep.
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// Adds the command `doctor` to `app`. When it is chosen, parsing performs the checks and stores 0 (runs can start)
/// or 4 (they cannot) in `exit_code`, which must outlive the parsing.
void add_doctor(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
