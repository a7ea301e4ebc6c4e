// Checks the arguments of a collective call and gathers them as blocks.
#pragma once

#include <string>
#include <vector>

#include "untrusted/interpose/collective/plan.hpp"

namespace sluice::interpose {

/// Refuses an illegal collective with the pair of subjects that breaks it and what is legal: MPIX_ERR_FLOW, the same at
/// every rank.
int refuse_collective(const Call& call, const Obstacle& obstacle);

/// Remembers the first thing that is wrong; after that nothing is looked at any more.
class Arguments {
 public:
  /// `parts`: how many blocks a call has; one for each rank unless told otherwise.
  explicit Arguments(const Call& call, int parts = -1) : call_(call), parts_(parts < 0 ? call.comm.size : parts) {}
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  ~Arguments();

  /// Whether the policy allows it. To be asked first: before anything that may be wrong at one rank only.
  bool legal(Relation relation, int root = 0);

  /// The same on an intercommunicator. `root_here`: whether the root is in the local group.
  bool legal_between(Relation relation, bool root_here = false);

  Block block(const void* buffer, std::int64_t count, MPI_Datatype datatype);
  /// `count` elements in each block, one block after the other.
  Blocks blocks(const void* buffer, std::int64_t count, MPI_Datatype datatype);
  /// Displacements are in extents of the datatype; null: one block after the other.
  Blocks blocks(const void* buffer, Numbers counts, Numbers displacements, MPI_Datatype datatype);
  /// Displacements are in bytes.
  Blocks blocks(const void* buffer, Numbers counts, Numbers displacements, const MPI_Datatype* datatypes);
  Reduction reduction(const void* buffer, std::int64_t count, MPI_Datatype datatype, MPI_Op op);

  [[nodiscard]] bool good() const noexcept { return error_ == MPI_SUCCESS; }
  [[nodiscard]] bool is_root(int root) const noexcept { return root == call_.comm.rank; }
  [[nodiscard]] int size() const noexcept { return call_.comm.size; }

  /// The same for operations along the edges of a topology that every rank knows.
  bool legal_on_edges();
  /// Something else is wrong with the call.
  void refuse(int error) { fail(error); }
  void set_parts(int parts) noexcept { parts_ = parts; }

  /// The plan of a rank that the policy keeps from taking part, though others do not know: the call is refused, and
  /// `build` is how it tells those who wait for it.
  Plan withdraw(const Obstacle& obstacle, std::function<void(Schedule&)> build);

  /// The plan, or why there is none.
  Plan plan(std::function<void(Schedule&)> build);

 private:
  void fail(int error) {
    if (good()) error_ = error;
  }
  /// A datatype that lives as long as the plan.
  MPI_Datatype keep(MPI_Datatype datatype, const Layout& layout);

  bool refuse_if(const std::optional<Obstacle>& obstacle);

  const Call& call_;
  int parts_;
  int error_ = MPI_SUCCESS;
  bool told_ = false;  ///< the error handler has been called
  MPI_Op op_ = MPI_OP_NULL;
  std::vector<MPI_Datatype> originals_;
  std::vector<MPI_Datatype> kept_;
};

}  // namespace sluice::interpose
