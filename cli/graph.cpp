// `sluice graph`.
#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "cli/policy_commands.hpp"
#include "trusted/policy/render_dot.hpp"

namespace sluice::cli {
namespace {

struct Arguments {
  std::string file;
  std::string format = "svg";
  std::string output;
};

int write_file(const std::string& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << text << std::flush;
  return stream ? kExitOk : fail("cannot write " + file, kExitMissing);
}

int graph(const Arguments& arguments) {
  const auto policy = policy::load(arguments.file, policy::CheckFiles::no);
  if (!policy.ok()) return refuse(policy.error(), arguments.file, false);
  std::string picture = policy::graph_dot(policy.value());
  if (arguments.format == "svg") {
    auto svg = policy::render_svg(picture);
    if (!svg.ok()) return fail(policy::describe(svg.error()), kExitMissing);
    picture = std::move(svg).value();
  }
  return arguments.output.empty() ? print(picture) : write_file(arguments.output, picture);
}

}  // namespace

void add_graph(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("graph", "Draw a policy: subjects by level, flows, denied directions");
  command->footer(
      "The highest level is on top. Solid arrows are flows, with their queue; orange ones go against the lattice by\n"
      "a named downgrade; thin dashed red ones are denied, and say why (in a browser, point at them).\n\n"
      "Examples:\n"
      "  sluice graph imagery.yaml -o imagery.svg\n"
      "  sluice graph imagery.yaml --format dot | dot -Tpng -o imagery.png\n\n"
      "Exit codes: 0 drawn, 2 wrong arguments, 3 the policy has mistakes, 4 a file or the program dot is missing\n"
      "(package graphviz).");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("POLICY", arguments->file, "Policy file")->required();
  command->add_option("--format", arguments->format, "svg (default) or dot")->check(CLI::IsMember({"svg", "dot"}));
  command->add_option("-o,--output", arguments->output, "File to write; standard output if not given");
  command->callback([arguments, &exit_code] { exit_code = graph(*arguments); });
}

}  // namespace sluice::cli
