// What `sluice check`, `show` and `explain` print, as text for people and as JSON for scripts.
#pragma once

#include <string>

#include "trusted/policy/decision.hpp"
#include "trusted/policy/policy.hpp"

namespace sluice::policy {

/// Whether text may hold terminal colours.
enum class Colour { no, yes };

/// A good policy in a few lines: subjects, flows with their downgrades, what is denied.
std::string summary(const Policy& policy, Colour colour);

/// The compiled tables. The same on every host: paths below the policy's folder are printed relative to it.
std::string show(const Policy& policy, Colour colour);
std::string show_json(const Policy& policy);

/// {"ok": false, "mistakes": [{"line", "column", "what", "fix"}]}, or "unreadable" in place of "mistakes".
std::string refusal_json(const Refusal& refusal, const std::filesystem::path& file);

/// Why `from` may or may not send to `to`.
std::string explain_text(const Policy& policy, std::uint32_t from, std::uint32_t to, Colour colour);
std::string explain_json(const Policy& policy, std::uint32_t from, std::uint32_t to);

/// Subjects ranked by level, the highest on top; flows as solid arrows, denied directions as dashed red ones. In the
/// DOT language of Graphviz.
std::string graph_dot(const Policy& policy);

/// What to say when no subject is called `name`.
std::string unknown_subject(const Policy& policy, std::string_view name);

/// Words for enums, as policies write them.
std::string_view word(Mpi mpi) noexcept;
std::string_view word(World world) noexcept;
std::string_view word(Access access) noexcept;
std::string_view word(table::Path path) noexcept;
std::string_view word(table::WhenFull when_full) noexcept;
std::string_view word(Cause cause) noexcept;

/// "1 subject", "2 subjects".
std::string counted(std::size_t number, std::string_view noun);

}  // namespace sluice::policy
