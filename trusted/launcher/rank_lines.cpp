#include "trusted/launcher/rank_lines.hpp"

#include <algorithm>

namespace sluice::launcher {
namespace {

constexpr std::size_t kMaxLine = 8192;

}  // namespace

void RankLines::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t take = std::min({end, bytes.size(), kMaxLine - open_.size()});
    open_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    const bool ended = take == end;
    if (ended) bytes.remove_prefix(1);
    if (ended || open_.size() >= kMaxLine) {
      take_line(open_, sink);
      open_.clear();
    }
  }
}

void RankLines::take_line(std::string_view line, const Sink& sink) {
  const TaggedLine first = split_tag(mpi_, line);
  if (!first.rank || *first.rank >= ranks_) {
    sink({std::nullopt, line});
    return;
  }
  if (mpi_ == HostMpi::mpich) {
    sink(first);
    return;
  }
  std::uint32_t rank = *first.rank;
  std::string_view rest = first.text;
  for (std::size_t from = 0;;) {
    const std::size_t tag = rest.find('[', from);
    if (tag == std::string_view::npos) break;
    const TaggedLine next = split_tag(mpi_, rest.substr(tag));
    from = tag + 1;
    if (!next.rank || *next.rank >= ranks_) continue;
    add(rank, rest.substr(0, tag), false, sink);
    rank = *next.rank;
    rest = next.text;
    from = 0;
  }
  add(rank, rest, true, sink);
}

void RankLines::add(std::uint32_t rank, std::string_view text, bool ended, const Sink& sink) {
  std::string& line = pending_[rank];
  line.append(text);
  if (!ended && line.size() < kMaxLine) return;
  sink({rank, line});
  line.clear();
}

void RankLines::finish(const Sink& sink) {
  if (!open_.empty()) take_line(open_, sink);
  open_.clear();
  for (const auto& [rank, line] : pending_) {
    if (!line.empty()) sink({rank, line});
  }
  pending_.clear();
}

}  // namespace sluice::launcher
