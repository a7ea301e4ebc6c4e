// The guard of one run: its memory, its threads, and what the launcher asks of it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/guard/egress.hpp"
#include "trusted/guard/flow.hpp"
#include "trusted/guard/ingress.hpp"
#include "trusted/guard/ingress_thread.hpp"
#include "trusted/guard/memory.hpp"
#include "trusted/guard/reporter.hpp"
#include "trusted/table/table.hpp"

namespace sluice::guard {

class Guard {
 public:
  /// Makes all memory that the run will need. `listeners[k]` and `users[k]` belong to subject k, `spills` to the flows
  /// that spill, in the table's order.
  static Result<std::unique_ptr<Guard>, MemoryError> create(table::RunTable table, std::vector<Fd> listeners,
                                                            std::vector<Fd> spills, const std::vector<uid_t>& users,
                                                            Statistics& statistics, const Reporter& reporter);

  /// Starts the ingress threads (trusted/guard/ingress_groups.hpp) and one egress thread for each flow.
  /// False if the system has no more threads.
  [[nodiscard]] bool start();

  /// Every process of `subject` is gone.
  void subject_ended(std::uint32_t subject) noexcept;

 private:
  Guard(table::RunTable table, Statistics& statistics, const Reporter& reporter)
      : table_(std::move(table)), statistics_(statistics), reporter_(reporter) {}

  [[nodiscard]] Status<MemoryError> make_memory(std::vector<Fd> spills);
  /// Appends the descriptors of the shared paths that `subject` has a part in, in the order of wire/greeting.hpp.
  void add_shared_paths(std::uint32_t subject, std::vector<int>& descriptors) const;
  void make_parts(std::vector<Fd> listeners, const std::vector<uid_t>& users);

  const table::RunTable table_;
  Statistics& statistics_;
  const Reporter& reporter_;
  std::vector<SubjectMemory> subjects_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<std::unique_ptr<Ingress>> ingresses_;  // one for each subject
  std::vector<std::unique_ptr<IngressThread>> ingress_threads_;
  std::vector<std::unique_ptr<Egress>> egresses_;  // one for each flow
};

}  // namespace sluice::guard
