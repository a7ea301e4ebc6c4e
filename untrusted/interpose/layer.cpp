#include "untrusted/interpose/layer.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <utility>

#include "untrusted/interpose/binding_check.hpp"
#include "untrusted/interpose/communicator/attribute.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/host_caller.hpp"
#include "untrusted/interpose/point_to_point/datatype.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "wire/greeting.hpp"

namespace sluice::interpose {

Gate gate;
LayerStorage layer_storage;

namespace {

bool guard_expected() {
  const char* text = std::getenv("SLUICE_RUN");
  return text != nullptr && std::string(text) == "1";
}

/// Handles of one host MPI mean nothing to the other.
void check_host() {
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  PMPI_Get_library_version(version, &length);
  if (std::string(version).find(kHostName) == std::string::npos) {
    die(std::string("this library is for ") + kHostName + ", but the program runs on another MPI");
  }
}

std::vector<Inflow> open_inflows(const GuardSession& session, std::uint32_t host_rank) {
  std::vector<Inflow> inflows;
  for (std::uint32_t i = 0; i < session.table.inflow_count(); ++i) {
    const wire::InflowEntry& entry = session.table.inflow(i);
    if (host_rank >= entry.segment_count) die("a mailbox has fewer segments than receiving ranks");
    const wire::SubjectEntry& source = session.table.subject(entry.source_subject);
    const MailboxReader reader(session.mailboxes[i].data(), entry.segment_count, host_rank,
                               &session.cursors->inflow[i]);
    inflows.push_back({reader, source.first_rank, source.rank_count});
  }
  return inflows;
}

/// Sets the layer's ends of paths outwards, and returns those inwards.
std::vector<SharedInflow> open_shared_paths(const GuardSession& session, std::uint32_t host_rank) {
  const PrivilegeView& table = session.table;
  const std::size_t own_ranks = table.subject(table.self()).rank_count;
  std::vector<SharedInflow> inflows;
  for (const SharedMemory& memory : session.shared) {
    const wire::SubjectEntry& other = table.subject(memory.subject);
    if (memory.outward) layer.shared.resize(table.world_size());
    for (std::uint32_t rank = 0; rank < other.rank_count; ++rank) {
      if (memory.outward) {
        const std::size_t pair = std::size_t{host_rank} * other.rank_count + rank;
        layer.shared[other.first_rank + rank] = SharedOutflow{memory.writer(pair)};
      } else {
        inflows.push_back({memory.reader(rank * own_ranks + host_rank), other.first_rank + rank});
      }
    }
  }
  return inflows;
}

void open_world(int host_rank, int host_size) {
  const PrivilegeView& table = layer.session.table;
  const wire::SubjectEntry& own = table.subject(table.self());
  if (own.rank_count != static_cast<std::uint32_t>(host_size)) die("the MPI job has another size than its subject");
  layer.world_size = static_cast<std::int32_t>(table.world_size());
  layer.first_rank = static_cast<std::int32_t>(own.first_rank);
  layer.subject_size = host_size;
  layer.world_rank = layer.first_rank + host_rank;
  layer.ring = TransmitRing(layer.session.transmit, layer.session.doorbell);
  const auto rank = static_cast<std::uint32_t>(host_rank);
  layer.incoming.attach(open_inflows(layer.session, rank), table.world_size(), open_shared_paths(layer.session, rank));
  layer.synchronous.attach(table.world_size());
  host.Comm_dup(MPI_COMM_SELF, &layer.self);
  // What fails there is told on the communicator that the program has named.
  PMPI_Comm_set_errhandler(layer.self, MPI_ERRORS_RETURN);
  host.Comm_dup(MPI_COMM_WORLD, &layer.subject);
  open_groups();
  void* bound = nullptr;
  int found = 0;
  host.Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, static_cast<void*>(&bound), &found);
  layer.tag_bound = bounded_tag(found != 0 ? *static_cast<int*>(bound) : 32767);
  remember_basic_layouts();
  std::vector<std::int32_t> everyone(table.world_size());
  std::iota(everyone.begin(), everyone.end(), 0);
  auto world = make_communicator(MPI_COMM_WORLD, std::move(everyone), wire::kWorldContext);
  if (world == nullptr) die("the host MPI cannot duplicate its world");
  layer.active = true;
  register_communicator(std::move(world));
}

/// Acknowledges what synchronous sends still wait for. The guard empties the ring, so this is short.
void tell_senders() {
  Waiter waiter;
  while (!layer.incoming.owed().empty() && !layer.session.lost()) {
    wait_turn(waiter);
  }
}

}  // namespace

void start_layer() {
  if (layer.subject != MPI_COMM_NULL) return;
  note_start();
  find_program_text();
  check_host();
  create_error_classes();
  layer.subject = MPI_COMM_WORLD;
  struct stat status {};
  if (::stat(wire::kGuardSocketPath, &status) != 0) {
    if (guard_expected()) die(std::string("the guard's socket ") + wire::kGuardSocketPath + " is missing");
    return;
  }
  int host_rank = 0;
  int host_size = 0;
  host.Comm_rank(MPI_COMM_WORLD, &host_rank);
  host.Comm_size(MPI_COMM_WORLD, &host_size);
  const std::string problem = layer.session.open(wire::kGuardSocketPath, static_cast<std::uint32_t>(host_rank),
                                                 static_cast<std::uint32_t>(host_size));
  if (!problem.empty()) die(problem);
  layer.greeted = true;
  int level = MPI_THREAD_SINGLE;
  PMPI_Query_thread(&level);
  layer.threads = level == MPI_THREAD_MULTIPLE;
  const PrivilegeView& table = layer.session.table;
  if (table.world_subjects() < 2 || !table.in_world(table.self())) return;
  open_world(host_rank, host_size);
  check_bindings(layer.world_size);
}

void prepare_to_stop() {
  if (!layer.active) return;
  tell_senders();
  forget_communicators();
  close_groups();
  free_spare_handles();
  host.Comm_free(&layer.self);
  host.Comm_free(&layer.subject);
}

void stop_layer() {
  gate.tracked = 0;
  gate.local_wanted = 0;
  layer.active = false;
  layer.subject = MPI_COMM_NULL;
  layer.session.close();
}

}  // namespace sluice::interpose
