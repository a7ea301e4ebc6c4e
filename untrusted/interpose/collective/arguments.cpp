#include "untrusted/interpose/collective/arguments.hpp"

#include <algorithm>
#include <utility>

#include "untrusted/interpose/errors.hpp"

namespace sluice::interpose {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Index in the privilege table of a subject of the communicator.
std::uint32_t table_index(VirtualComm& comm, int subject) {
  const Participants& all = everyone(comm);
  return layer.session.table.subject_of(static_cast<std::uint32_t>(all.world_rank[at(all.map.leader(subject))]));
}

std::string names_of(VirtualComm& comm, const std::vector<int>& subjects) {
  std::string names;
  for (const int subject : subjects) {
    if (!names.empty()) names += ", ";
    names += layer.session.table.subject(table_index(comm, subject)).name;
  }
  return names;
}

/// What is nearest and legal on an intercommunicator: each group's subjects can do the same.
std::string legal_between_groups(VirtualComm& inter) {
  std::string text = "Legal here: ";
  for (const bool local : {comes_first(inter), !comes_first(inter)}) {
    const std::int32_t first = (local ? inter.local_group : inter.world_rank).front();
    const std::string name =
        layer.session.table.subject(layer.session.table.subject_of(static_cast<std::uint32_t>(first))).name;
    if (!obstacle_between(inter, Relation::from_root, local).has_value()) text += "Bcast, Scatter from " + name + "; ";
    if (!obstacle_between(inter, Relation::to_root, local).has_value()) text += "Reduce, Gather to " + name + "; ";
  }
  return text + "all on MPI_COMM_SUBJECT";
}

/// What is nearest and legal.
std::string legal_ones(VirtualComm& comm) {
  if (comm.is_inter()) return legal_between_groups(comm);
  SubjectMap& map = subject_map_of(comm);
  std::vector<int> sources;
  std::vector<int> sinks;
  for (int subject = 0; subject < map.subjects(); ++subject) {
    const int root = map.leader(subject);
    if (!map.verdict(Relation::from_root, root).has_value()) sources.push_back(subject);
    if (!map.verdict(Relation::to_root, root).has_value()) sinks.push_back(subject);
  }
  std::string text = "Legal here: ";
  if (!sources.empty()) text += "Bcast, Scatter from " + names_of(comm, sources) + "; ";
  if (!sinks.empty()) text += "Reduce, Gather to " + names_of(comm, sinks) + "; ";
  if (!map.verdict(Relation::ascending, 0).has_value()) text += "Scan; ";
  return text + "all on MPI_COMM_SUBJECT";
}

/// Line of the policy that says which flows there are, as far as this subject is told.
std::uint32_t line_of(std::uint32_t from, std::uint32_t to) {
  const PrivilegeView& table = layer.session.table;
  if (from == table.self()) return table.to(to).policy_line;
  if (to == table.self()) return table.from(from).policy_line;
  for (std::uint32_t other = 0; other < table.subject_count(); ++other) {
    if (other == table.self()) continue;
    if (table.to(other).allowed == 0) return table.to(other).policy_line;
    if (table.from(other).allowed == 0) return table.from(other).policy_line;
  }
  return 0;
}

/// Whether `count` elements of `size` bytes fit a message. Elements without bytes are bounded too, so that no product
/// overflows.
bool fits_message(std::int64_t count, std::uint64_t size) {
  return static_cast<std::uint64_t>(count) <= wire::kMaxMessageBytes / std::max<std::uint64_t>(size, 1);
}

}  // namespace

int refuse_collective(const Call& call, const Obstacle& obstacle) {
  std::string reason;
  std::string hint;
  std::uint32_t line = 0;
  {
    const Lock lock;
    const std::uint32_t from = table_index(call.comm, obstacle.from);
    const std::uint32_t to = table_index(call.comm, obstacle.to);
    reason = describe_subject(from) + " may not send to " + describe_subject(to);
    hint = legal_ones(call.comm);
    line = line_of(from, to);
  }
  const std::string where = std::string(call.name) + " on this communicator";
  return refuse_because(where.c_str(), reason, call.comm.host, line, hint, "Use MPI_COMM_SUBJECT");
}

Arguments::~Arguments() {
  for (MPI_Datatype& datatype : kept_) PMPI_Type_free(&datatype);
}

bool Arguments::legal(Relation relation, int root) {
  if (call_.comm.is_inter()) {
    fail(MPI_ERR_COMM);  // an operation for intracommunicators alone
    return false;
  }
  if (root < 0 || root >= call_.comm.size) {
    fail(MPI_ERR_ROOT);
    return false;
  }
  std::optional<Obstacle> obstacle;
  {
    const Lock lock;
    obstacle = subject_map_of(call_.comm).verdict(relation, root);
  }
  return refuse_if(obstacle);
}

bool Arguments::legal_between(Relation relation, bool root_here) {
  std::optional<Obstacle> obstacle;
  {
    const Lock lock;
    obstacle = obstacle_between(call_.comm, relation, root_here);
  }
  return refuse_if(obstacle);
}

bool Arguments::legal_on_edges() {
  if (call_.comm.is_inter()) {
    fail(MPI_ERR_COMM);
    return false;
  }
  std::optional<Obstacle> obstacle;
  {
    const Lock lock;
    obstacle = obstacle_on_edges(call_.comm);
  }
  return refuse_if(obstacle);
}

bool Arguments::refuse_if(const std::optional<Obstacle>& obstacle) {
  if (!obstacle.has_value()) return true;
  fail(refuse_collective(call_, *obstacle));
  told_ = true;
  return false;
}

MPI_Datatype Arguments::keep(MPI_Datatype datatype, const Layout& layout) {
  if (!call_.outlives || layout.predefined || layout.error != MPI_SUCCESS) return datatype;
  const auto known = std::find(originals_.begin(), originals_.end(), datatype);
  if (known != originals_.end()) return kept_[static_cast<std::size_t>(known - originals_.begin())];
  MPI_Datatype duplicate = MPI_DATATYPE_NULL;
  if (const int error = PMPI_Type_dup(datatype, &duplicate); error != MPI_SUCCESS) {
    fail(error);
    return datatype;
  }
  originals_.push_back(datatype);
  kept_.push_back(duplicate);
  return duplicate;
}

Block Arguments::block(const void* buffer, std::int64_t count, MPI_Datatype datatype) {
  Block made;
  if (!good()) return made;
  if (datatype == MPI_DATATYPE_NULL) {
    fail(MPI_ERR_TYPE);
    return made;
  }
  made.layout = layout_of(datatype);
  if (made.layout.error != MPI_SUCCESS) {
    told_ = true;  // by the host
    fail(made.layout.error);
  }
  if (count < 0 || !fits_message(count, made.layout.size)) fail(MPI_ERR_COUNT);
  made.address = const_cast<void*>(buffer);
  made.count = count;
  made.datatype = keep(datatype, made.layout);
  if (good() && made.direct() && buffer == nullptr && made.bytes() != 0) fail(MPI_ERR_BUFFER);
  return made;
}

Blocks Arguments::blocks(const void* buffer, std::int64_t count, MPI_Datatype datatype) {
  const Block first = block(buffer, count, datatype);
  Blocks made;
  for (int i = 0; good() && i < parts_; ++i) {
    made.push_back(part_of(first, i * count, count));
  }
  return made;
}

Blocks Arguments::blocks(const void* buffer, Numbers counts, Numbers displacements, MPI_Datatype datatype) {
  Blocks made;
  if (counts.null() && parts_ != 0) fail(MPI_ERR_ARG);
  std::int64_t next = 0;
  for (int i = 0; good() && i < parts_; ++i) {
    const std::int64_t first = displacements.null() ? next : displacements[i];
    const Block part = block(buffer, counts[i], datatype);
    made.push_back(part_of(part, first, counts[i]));
    next += counts[i];
  }
  return made;
}

Blocks Arguments::blocks(const void* buffer, Numbers counts, Numbers displacements, const MPI_Datatype* datatypes) {
  Blocks made;
  if (parts_ != 0 && (counts.null() || displacements.null() || datatypes == nullptr)) fail(MPI_ERR_ARG);
  Layout bytes;
  bytes.extent = 1;
  for (int i = 0; good() && i < parts_; ++i) {
    made.push_back(block(element(buffer, displacements[i], bytes), counts[i], datatypes[i]));
  }
  return made;
}

Reduction Arguments::reduction(const void* buffer, std::int64_t count, MPI_Datatype datatype, MPI_Op op) {
  Reduction made;
  if (good() && op == MPI_OP_NULL) fail(MPI_ERR_OP);
  made.op = op_ = op;
  made.operand = block(buffer, count, datatype);
  if (!good()) return made;
  int commutes = 0;
  if (const int error = PMPI_Op_commutative(op, &commutes); error != MPI_SUCCESS) {
    told_ = true;  // by the host
    fail(error);
  }
  made.commutes = commutes != 0;
  return made;
}

Plan Arguments::withdraw(const Obstacle& obstacle, std::function<void(Schedule&)> build) {
  Plan made = plan(std::move(build));
  if (made.error == MPI_SUCCESS) made.error = refuse_collective(call_, obstacle);
  return made;
}

Plan Arguments::plan(std::function<void(Schedule&)> build) {
  Plan made;
  if (!good()) {
    made.error = told_ ? error_ : raise(call_.comm.host, error_);
    return made;
  }
  made.build = std::move(build);
  made.kept = std::exchange(kept_, {});
  made.op = op_;
  return made;
}

}  // namespace sluice::interpose
