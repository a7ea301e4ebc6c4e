// `sluice audit`: reads what `sluice run --audit` wrote.
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// Adds the command. Sets `exit_code` when it has run.
void add_audit(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
