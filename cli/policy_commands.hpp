// The commands that look at a policy and start nothing. Each adds itself to `app`; when it is chosen, parsing performs
// it and stores its exit code (cli/exit_codes.hpp) in `exit_code`, which must outlive the parsing.
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

void add_check(CLI::App& app, int& exit_code);
void add_show(CLI::App& app, int& exit_code);
void add_graph(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
