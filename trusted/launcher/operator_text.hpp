// From a subject's bytes to a line on the operator's terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trusted/launcher/host_mpi.hpp"

namespace sluice::launcher {

struct TaggedLine {
  std::optional<std::uint32_t> rank;  ///< host rank; nothing for a line of mpiexec itself
  std::string_view text;
};

/// Takes the host MPI's own rank tag off a line: `[1,0]<stdout>:text` of Open MPI, `[0] text` of MPICH.
TaggedLine split_tag(HostMpi mpi, std::string_view line);

/// `text` with everything made visible that could move the cursor, change the terminal or reorder the line: control
/// characters but tab, bytes that are not UTF-8, Unicode's C1 controls, line separators and direction overrides. They
/// show as \xNN. So no subject can write a line that looks like another's.
std::string sanitise(std::string_view text);

/// `[LABEL name:rank] text` or `[LABEL name] text`, sanitised.
std::string operator_line(std::string_view label, std::string_view name, const TaggedLine& line);

/// Text as the inside of a JSON string.
std::string json_text(std::string_view text);

}  // namespace sluice::launcher
