// `sluice run`: arguments to calls of trusted/launcher.
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// Adds the command `run` to `app`. When it is chosen, parsing performs the run and stores its exit code
/// (docs/running.md) in `exit_code`, which must outlive the parsing.
void add_run(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
