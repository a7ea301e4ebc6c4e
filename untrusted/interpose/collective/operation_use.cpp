#include "untrusted/interpose/collective/operation_use.hpp"

#include <algorithm>
#include <vector>

#include "mediated.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

struct Use {
  MPI_Op op = MPI_OP_NULL;
  int pins = 0;
  bool freed = false;
};
std::vector<Use> uses;

auto find(MPI_Op op) {
  return std::find_if(uses.begin(), uses.end(), [op](const Use& use) { return use.op == op; });
}

}  // namespace

void pin_operation(MPI_Op op) {
  if (op == MPI_OP_NULL) return;
  const auto found = find(op);
  if (found == uses.end()) {
    uses.push_back({op, 1, false});
  } else {
    ++found->pins;
  }
}

void unpin_operation(MPI_Op op) {
  const auto found = find(op);
  if (found == uses.end() || --found->pins != 0) return;
  Use ended = *found;
  uses.erase(found);
  if (ended.freed) host.Op_free(&ended.op);
}

bool free_later(MPI_Op op) {
  const auto found = find(op);
  if (found == uses.end()) return false;
  found->freed = true;
  return true;
}

namespace mediated {

int Op_free(MPI_Op* op) {
  {
    const Lock lock;
    if (op != nullptr && free_later(*op)) {
      *op = MPI_OP_NULL;
      return MPI_SUCCESS;
    }
  }
  return host.Op_free(op);
}

}  // namespace mediated

}  // namespace sluice::interpose
