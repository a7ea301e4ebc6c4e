#include "trusted/launcher/held_grants.hpp"

#include <algorithm>

#include "trusted/sandbox/file_system.hpp"

namespace sluice::launcher {

bool is_read_by_others(const std::vector<HeldSubject>& held, std::size_t index, const std::string& place) {
  const auto within = [](const std::string& inner, const std::string& outer) {
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
  };
  for (std::size_t other = 0; other < held.size(); ++other) {
    if (other == index) continue;
    for (const Held& one : held[other].grants) {
      if (within(one.place, place) || within(place, one.place)) return true;
      if (within(one.source, place) || within(place, one.source)) return true;
    }
  }
  return false;
}

bool others_fill(const std::vector<HeldSubject>& held, std::size_t index, const Held& grant,
                 const std::vector<int>& places) {
  const dev_t disk = sandbox::disk_of(grant.mount.get());
  const auto on_it = [disk](int place) { return sandbox::disk_of(place) == disk; };
  if (disk == 0 || std::any_of(places.begin(), places.end(), on_it)) return true;
  for (std::size_t other = 0; other < held.size(); ++other) {
    const auto& grants = held[other].grants;
    const auto shares = [&](const Held& one) { return on_it(one.mount.get()); };
    if (other != index && std::any_of(grants.begin(), grants.end(), shares)) return true;
  }
  return false;
}

}  // namespace sluice::launcher
