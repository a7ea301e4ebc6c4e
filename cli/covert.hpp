// `sluice covert`.
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// Adds the command; its exit code goes to `exit_code`.
void add_covert(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
